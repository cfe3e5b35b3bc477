#!/bin/sh
# Every check. Arguments go to pytest. Chromium and PostgreSQL are installed where this runs
# as root.
set -eu
if ! command -v chromium >/dev/null || ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing chromium and postgresql"
        apt-get update -qq
        # No cluster of the machine's own: the tests start theirs.
        mkdir -p /etc/postgresql-common
        test -e /etc/postgresql-common/createcluster.conf ||
            echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium postgresql >/dev/null
    else
        echo "chromium or postgresql is missing (as root: apt-get install chromium postgresql); tests that need them are skipped"
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
