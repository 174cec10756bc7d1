#!/bin/sh
# Installs the Debian packages that the tests (argument: test) or the benchmark
# (argument: bench) need. Without the right to, it says the one command that
# does, and fails. Where everything is there it does nothing.
set -eu

have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# The test data of Python carries the version of the release's python3 in its name.
testsuite() {
	name=$(apt-cache search --names-only '^libpython3\.[0-9]+-testsuite$' 2>/dev/null | cut -d' ' -f1 | sort -V | tail -n 1)
	if [ -z "$name" ]; then
		name=$(python3 -V 2>/dev/null | sed -n 's/^Python \(3\.[0-9]*\).*/libpython\1-testsuite/p')
	fi
	echo "${name:-libpython3-testsuite}"
}

missing() {
	[ -x /usr/lib/dovecot/imap ] || echo dovecot-imapd
	have mbsync || echo isync
	have offlineimap || echo offlineimap3
	case $1 in
	test) have python3 || echo python3
		have dbus-daemon || echo dbus-daemon
		have busctl || echo systemd
		[ -e /usr/lib/systemd/user/dbus.socket ] || echo dbus-user-session
		[ -e /lib/systemd/system/dbus.socket ] || echo dbus
		ls /lib/*/security/pam_systemd.so >/dev/null 2>&1 || echo libpam-systemd
		have git || echo git
		have scdoc || echo scdoc
		have microsocks || echo microsocks
		have tinyproxy || echo tinyproxy-bin
		have man || echo man-db
		ls /usr/lib/python3*/test/test_email/data/msg_01.txt >/dev/null 2>&1 || testsuite ;;
	esac
}

kind=${1:?test or bench}
[ -n "$(missing "$kind")" ] || exit 0

if ! have apt-get; then
	echo "These Debian packages are missing, and there is no apt-get to install them:" $(missing "$kind") >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	sudo=
elif have sudo && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	echo "Some Debian packages are missing. Install them with this command, then try again:" >&2
	echo "    sudo apt-get update && sudo apt-get install --no-install-recommends" $(missing "$kind") >&2
	exit 1
fi

install() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(missing "$kind"); }

# A fresh machine has no package lists, an old one has lists of what is gone.
[ -n "$(apt-cache show dovecot-imapd 2>/dev/null | head -n 1)" ] || $sudo apt-get update -q
install || { $sudo apt-get update -q && install; }
if [ -n "$(missing "$kind")" ]; then
	echo "Still missing after the installation:" $(missing "$kind") >&2
	exit 1
fi
