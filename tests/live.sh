#!/bin/sh
# The live tier: real processes and the sockets between them, browsers, PostgreSQL, Prometheus,
# network namespaces. Two at a time: those with a browser one after another (two with four pages
# each starve each other on two cores for minutes), and beside them the others, which mostly wait.
# Arguments go to pytest, and then one test runs after another and what it prints is seen with -s.
# BIN is the virtual environment's bin folder.
set -eu
unset PYTHONDONTWRITEBYTECODE # every process of the tests would compile anew
"$BIN/python" -m bridge.media.shell.compile # once for every state of the sources
[ $# -gt 0 ] || set -- -m "live and not soak" -n 2 --dist loadgroup
exec "$BIN/python" -m pytest "$@"
