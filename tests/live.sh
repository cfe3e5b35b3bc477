#!/bin/sh
# The live tier: real processes and the sockets between them, browsers, PostgreSQL, Prometheus,
# network namespaces. Two at a time: those with a browser one after another, and beside them the
# others (tests/lanes.py); every test passes beside busy cores, so also beside another one. LANES=1 is
# one after another, which is easier to read and takes half as long again. Arguments go to pytest; another -m
# among them takes the place of the one here. BIN is the virtual environment's bin folder.
set -eu
unset PYTHONDONTWRITEBYTECODE # every process of the tests would compile anew
"$BIN/python" -m bridge.media.shell.compile # once for every state of the sources
set -- -m "live and not soak" "$@"
[ "${LANES:-2}" = 1 ] || set -- -n "${LANES:-2}" --dist loadgroup "$@"
exec "$BIN/python" -m pytest "$@"
