#!/bin/sh
# The live tier: real processes and the sockets between them, browsers, PostgreSQL, Prometheus,
# network namespaces. One after another: on two cores what runs beside a test with four pages
# starves. LANES=2, for more cores, is two at a time: those with a browser one after another, and
# beside them the others (tests/lanes.py). Arguments go to pytest. BIN is the virtual environment's
# bin folder.
set -eu
unset PYTHONDONTWRITEBYTECODE # every process of the tests would compile anew
"$BIN/python" -m bridge.media.shell.compile # once for every state of the sources
[ $# -gt 0 ] || set -- -m "live and not soak"
[ "${LANES:-1}" = 1 ] || set -- -n "$LANES" --dist loadgroup "$@"
exec "$BIN/python" -m pytest "$@"
