#!/bin/sh
# Chromium, PostgreSQL, Prometheus, Alertmanager and the tools of network namespaces, for the live
# tests: installed where this runs as root, otherwise named with what is skipped without them.
set -eu
packages="chromium postgresql iproute2 iptables debootstrap keepalived curl softhsm2 poppler-utils"
# Without what Debian recommends beside them.
lean="baresip-core baresip-ffmpeg sip-tester kamailio prometheus prometheus-alertmanager"
missing=
skipped=
need() { # PROGRAM WHAT-IS-SKIPPED
    command -v "$1" >/dev/null && return
    missing="$missing $1"
    skipped="$skipped
  without $1: $2"
}
need chromium "the tests with browsers (pages, rooms, the agent's kiosk)"
need ip "the probes through network namespaces"
need tc "the probes through network namespaces"
need iptables "the probes through network namespaces"
need promtool "the alert rules and what is exported, checked by Prometheus itself"
need prometheus "dashboards and rules on the figures of a running demo"
need prometheus-alertmanager "the path of an alert from the rule to the bridge"
need debootstrap "the walk of docs/production.md on a bare Debian"
need keepalived "an address that follows the host that leads"
need curl "an address that follows the host that leads"
need softhsm2-util "signing with a token"
need pdfsig "signatures of minutes, checked by poppler"
need baresip "codecs in conferences"
need sipp "floods and guessed passwords at the SIP gateway"
need kamailio "the SIP gateway at a registrar"
need amtool "the check of the example of Alertmanager"
if ! test -e /usr/lib/baresip/modules/avcodec.so; then
    missing="$missing baresip-ffmpeg"
    skipped="$skipped
  without baresip-ffmpeg: codecs in conferences"
fi
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
    missing="$missing postgresql"
    skipped="$skipped
  without postgresql: the tests of the store and of restarts on PostgreSQL"
fi
test -n "$missing" || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing:$missing$skipped"
    echo "as root: apt-get install $packages $lean"
    if [ "${CI:-}" = true ]; then
        echo "with CI=true that is a failure" >&2
        exit 1
    fi
    exit 0
fi
echo "installing what is missing:$missing"
apt-get update -qq
# No cluster of the machine's own: the tests start theirs.
mkdir -p /etc/postgresql-common
test -e /etc/postgresql-common/createcluster.conf ||
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
# Services that the packages would start here are none of ours: the tests start theirs.
rc=/usr/sbin/policy-rc.d
if ! test -e $rc; then
    printf '#!/bin/sh\nexit 101\n' >$rc
    chmod +x $rc
    trap 'rm -f $rc' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # words
apt-get install -y -qq $packages >/dev/null
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $lean >/dev/null
