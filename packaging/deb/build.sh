#!/bin/sh
# Builds the Debian package into the directory that is its argument. What is in
# it depends on the tree, on VERSION and SOURCE_DATE_EPOCH, on the compilers,
# and on nothing else: two builds are equal.
set -eu
umask 022
cd "$(dirname "$0")/../.."

out=${1:?where to}
mkdir -p "$out"
out=$(cd "$out" && pwd)
root=$out/root
VERSION=$(sh packaging/version.sh version)
SOURCE_DATE_EPOCH=$(sh packaging/version.sh epoch)
ARCH=$(dpkg --print-architecture)
export VERSION SOURCE_DATE_EPOCH ARCH

rm -rf "$root"
# Debian keeps symbol tables out of its packages (a dump of goroutines needs none)
# and wants programs that are loaded anywhere and keep their tables read-only.
${MAKE:-make} --no-print-directory install DESTDIR="$root" PREFIX=/usr ZSHDIR=zsh/vendor-completions \
	BIN="$out/bin" MAN="$out/man" BUILDMODE=pie \
	LDFLAGS="-s -w -extldflags=-Wl,-z,relro,-z,now"

doc=$root/usr/share/doc/offlineimapd
{
	echo "Upstream-Name: offlineimapd"
	echo
	cat LICENSE
} >"$doc/copyright"
{
	echo "offlineimapd ($VERSION) unstable; urgency=medium"
	echo
	echo "  * See changelog.gz."
	echo
	echo " -- The offlineimapd authors <offlineimap@users.noreply.github.com>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$doc/changelog.Debian.gz"
# The tool gives a link that it finds in the tree the mode of whatever the target would be
# from here: nfpm.yaml has the link, with a mode.
rm "$root/usr/lib/offlineimapd/offlineimap"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# What the programs ask of the C library, they say themselves.
glibc=$(objdump -T "$out"/bin/* | sed -n 's/.*(\{0,1\}GLIBC_\([0-9][0-9.]*\).*/\1/p' | sort -Vu | tail -n 1)
export LIBC="libc6 (>= $glibc)" ROOT="$root"
${GO:-go} run "github.com/goreleaser/nfpm/v2/cmd/nfpm@$NFPM" package -f packaging/nfpm.yaml -p deb \
	-t "$out/offlineimapd_${VERSION}_$ARCH.deb"
ln -s ../../bin/offlineimapd "$root/usr/lib/offlineimapd/offlineimap"
