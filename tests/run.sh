#!/bin/sh
# Every check. Arguments go to pytest. Chromium, PostgreSQL, Prometheus, Alertmanager and the tools
# of network namespaces are installed where this runs as root.
set -eu
missing=
for tool in chromium ip tc iptables promtool prometheus prometheus-alertmanager; do
    command -v $tool >/dev/null || missing="$missing $tool"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing what is missing:$missing"
        apt-get update -qq
        # No cluster of the machine's own: the tests start theirs.
        mkdir -p /etc/postgresql-common
        test -e /etc/postgresql-common/createcluster.conf ||
            echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
        # Services that the packages would start here are none of ours: the tests start theirs.
        rc=/usr/sbin/policy-rc.d
        if test -e $rc; then
            rc=
        else
            printf '#!/bin/sh\nexit 101\n' >$rc
            chmod +x $rc
            trap 'rm -f $rc' EXIT
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -y -qq chromium postgresql iproute2 iptables >/dev/null
        apt-get install -y -qq --no-install-recommends prometheus prometheus-alertmanager >/dev/null
        trap - EXIT
        test -z "$rc" || rm -f $rc
    else
        echo "missing:$missing (as root: apt-get install chromium postgresql iproute2 iptables prometheus prometheus-alertmanager); tests that need them are skipped"
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
