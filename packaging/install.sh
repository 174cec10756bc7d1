#!/bin/sh
# Puts everything where it belongs below $DESTDIR. This is the one list of what
# is installed: make install and the packages both go by it.
#
# From the environment: DESTDIR, PREFIX (/usr/local), SYSCONFDIR (/etc), ZSHDIR
# (below PREFIX/share; where zsh looks for completions); BIN, where the programs
# are that were built, and MAN, where the pages are.
set -eu
umask 022
cd "$(dirname "$0")/.."

prefix=${PREFIX:-/usr/local}
sysconfdir=${SYSCONFDIR:-/etc}
share=$prefix/share
doc=$share/doc/offlineimapd
: "${BIN:?}" "${MAN:?}"

# put MODE DIRECTORY FILE...
put() {
	mode=$1 dir=${DESTDIR:-}$2
	shift 2
	install -d "$dir"
	install -m "$mode" -t "$dir" "$@"
}

# adapt DIRECTORY FILE...: the same for files that name the programs' directory.
adapt() {
	put 0644 "$@"
	dir=${DESTDIR:-}$1
	shift
	for file; do
		sed -i "s|/usr/bin/offlineimap|$prefix/bin/offlineimap|g" "$dir/${file##*/}"
	done
}

# make FILE COMMAND...: a file with what a command prints.
make() {
	file=${DESTDIR:-}$1
	shift
	install -d "${file%/*}"
	"$@" >"$file"
	chmod 0644 "$file"
}

put 0755 "$prefix/bin" "$BIN/offlineimapd" "$BIN/offlineimapctl" "$BIN/offlineimap-applet"

# The name of OfflineIMAP, where nobody meets it who does not ask for it: its own
# package has it in bin.
install -d "${DESTDIR:-}$prefix/lib/offlineimapd"
ln -sf ../../bin/offlineimapd "${DESTDIR:-}$prefix/lib/offlineimapd/offlineimap"

adapt "$prefix/lib/systemd/user" contrib/systemd/*.service contrib/systemd/*.socket contrib/systemd/*.timer
put 0644 "$prefix/lib/systemd/catalog" packaging/catalog/offlineimapd.catalog
adapt "$share/dbus-1/services" packaging/dbus/org.offlineimap.Daemon1.service
put 0644 "$share/dbus-1/interfaces" dbus/api/org.offlineimap.Daemon1.*.xml

make "$share/bash-completion/completions/offlineimapctl" "$BIN/offlineimapctl" completion bash
make "$share/${ZSHDIR:-zsh/site-functions}/_offlineimapctl" "$BIN/offlineimapctl" completion zsh
make "$share/fish/vendor_completions.d/offlineimapctl.fish" "$BIN/offlineimapctl" completion fish

for page in "$MAN"/*.[157]; do
	make "$share/man/man${page##*.}/${page##*/}.gz" gzip -9nc "$page"
done

adapt "$share/applications" packaging/desktop/*.desktop
adapt "$sysconfdir/xdg/autostart" packaging/desktop/autostart/*.desktop

make "$doc/changelog.gz" gzip -9nc CHANGELOG.md
# Where the README's links lead.
put 0644 "$doc" README.md
put 0644 "$doc/docs" docs/*.md
put 0644 "$doc/docs/decisions" docs/decisions/*.md
put 0644 "$doc/examples" packaging/examples/*
for dir in contrib/systemd/*.d; do
	put 0644 "$doc/examples/${dir##*/}" "$dir"/*
done
