#!/bin/sh
# The fast tier: lint, format, types and import contracts beside every test that is not marked live
# and one short run of the demo. With arguments only pytest runs, in one process and with them; another
# -m among them takes the place of the one here.
# BIN is the virtual environment's bin folder.
set -eu
here=$(dirname "$0")
# What is compiled is kept, whatever the environment says: each process of the tests would do it anew.
unset PYTHONDONTWRITEBYTECODE
# Thousands of tests make tables of the compiled turn and use little of each: clearing the 2 MB that
# are around every touched octet took as long as making them.
export NUMPY_MADVISE_HUGEPAGE=0
# One process a core, and one more: the demo's test mostly waits.
workers=$(($(getconf _NPROCESSORS_ONLN) + 1))
# Once for every state of the sources, instead of by every process of the tests.
compile() { "$BIN/python" -m tests.media.compiled; }
tests() { "$BIN/python" -m pytest -m "not live and not soak" --ignore "$here/live" "$@"; }
if [ $# -gt 0 ]; then
    compile
    tests "$@"
    exit
fi
said=$(mktemp)
trap 'rm -f "$said"' EXIT
sh "$here/lint.sh" >"$said" 2>&1 &
lint=$!
compile
failed=
tests -n $workers --dist worksteal || failed=1
wait $lint || failed=1
cat "$said"
[ -z "$failed" ]
