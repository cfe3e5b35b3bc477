#!/bin/sh
# Lint, format, types, import contracts. BIN is the virtual environment's bin folder.
set -eu
"$BIN/ruff" check .
"$BIN/ruff" format --check --quiet .
"$BIN/mypy"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
"$BIN/lint-imports" >"$said" 2>&1 || { cat "$said"; exit 1; }
echo "lint, format, types and import contracts are clean"
