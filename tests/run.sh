#!/bin/sh
# Every check. Arguments go to pytest. Chromium is installed where this runs as root.
set -eu
if ! command -v chromium >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing chromium"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
    else
        echo "chromium is missing (as root: apt-get install chromium); the tests marked 'browser' are skipped"
        if [ "${CI:-}" = true ]; then
            echo "with CI=true that is a failure" >&2
            exit 1
        fi
    fi
fi
if [ $# -eq 0 ]; then
    sh "$(dirname "$0")/lint.sh"
    set -- -m "not soak"
fi
exec "$BIN/python" -m pytest "$@"
