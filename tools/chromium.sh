#!/usr/bin/env bash
# Sees to it that the tests of the console's pages find a browser: Debian's Chromium.
#
#   tools/chromium.sh          installs it with apt-get, as root on Debian, unless there is one
#   tools/chromium.sh --note   prints a line if there is none: what was not tested, how to get it
#
# Always ends well, for elsewhere the tests do without.
set -euo pipefail

command -v chromium >/dev/null && exit

if [ "${1:-}" = --note ]; then
    echo "Skipped: tests/console/test_browser.py (the console's pages in a browser), for there is" \
        "no chromium on the PATH. On Debian: apt-get install chromium."
    exit
fi

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0

install() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::http::Timeout=20 \
        install --no-install-recommends -y chromium
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ install || { apt-get -qq update && install; }; } >"$log" 2>&1 ||
    { echo "chromium: Debian's package could not be had" && tail -n 5 "$log"; } >&2
