#!/bin/sh
# The live tier: real processes and the sockets between them, browsers, PostgreSQL, Prometheus,
# network namespaces. Two modules of tests run at a time, each with ports, folders and a browser of its
# own. Arguments go to pytest instead. BIN is the virtual environment's bin folder.
set -eu
unset PYTHONDONTWRITEBYTECODE # every process of the tests would compile anew
"$BIN/python" -m bridge.media.shell.compile # once for every state of the sources
[ $# -gt 0 ] || set -- -m "live and not soak" -n 2 --dist loadfile --no-loadscope-reorder
exec "$BIN/python" -m pytest "$@"
