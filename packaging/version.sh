#!/bin/sh
# Prints the version (argument: version) or the time of the last change in
# seconds (argument: epoch) of this tree. VERSION and SOURCE_DATE_EPOCH of the
# environment come first. A tree without a tag is 0.1.0~dev, and one that is no
# checkout has the time of its CHANGELOG.md.
set -eu
cd "$(dirname "$0")/.."

case ${1:?version or epoch} in
version)
	if [ -n "${VERSION:-}" ]; then
		echo "$VERSION"
	else
		# v1.2.0 is 1.2.0, and the third change after it 1.2.0+3.g0123abc.
		described=$(git describe --tags --match 'v[0-9]*' 2>/dev/null || true)
		echo "${described:-v0.1.0~dev}" | sed 's/^v//; s/-\([0-9]*\)-g/+\1.g/; s/-/~/g'
	fi
	;;
epoch)
	echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}"
	;;
esac
