#!/bin/sh
# Install Debian packages that only tests need, where nobody has to be asked: root and apt-get. Elsewhere say what is
# missing and go on, for the tests that need it skip by themselves: sh tools/debian.sh PACKAGE...
set -eu
missing=''
for package; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

skip() {
    printf '%s\n' "" "!! NOT INSTALLED:$missing" "!! $1; tests that need it are skipped." "" >&2
    exit 0
}
command -v apt-get >/dev/null || skip 'there is no apt-get here'
[ "$(id -u)" = 0 ] || skip "only root may: apt-get install$missing"

install() {
    # shellcheck disable=SC2086 # the names are words
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends $missing >/dev/null
}
printf 'Installing Debian packages:%s\n' "$missing" >&2
install 2>/dev/null || { apt-get update --quiet=2 && install; } || skip 'apt-get could not install it, its words stand above'
