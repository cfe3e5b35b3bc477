#!/bin/sh
# The live tier: real processes and the sockets between them, browsers, PostgreSQL, Prometheus,
# network namespaces. One after another: two tests with four browsers each starve each other on two
# cores for minutes. Arguments go to pytest. BIN is the virtual environment's bin folder.
set -eu
unset PYTHONDONTWRITEBYTECODE # every process of the tests would compile anew
"$BIN/python" -m bridge.media.shell.compile # once for every state of the sources
[ $# -gt 0 ] || set -- -m "live and not soak"
exec "$BIN/python" -m pytest "$@"
