#!/bin/sh
# Lint, format, types, import contracts. BIN is the virtual environment's bin folder.
set -eu
"$BIN/ruff" check .
"$BIN/ruff" format --check --quiet .
"$BIN/mypy"
"$BIN/lint-imports" >/tmp/lint-imports.$$ 2>&1 || { cat /tmp/lint-imports.$$; rm -f /tmp/lint-imports.$$; exit 1; }
rm -f /tmp/lint-imports.$$
echo "lint, format, types and import contracts are clean"
