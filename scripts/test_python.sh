#!/usr/bin/env bash
# All Python tests. The scenarios run beside the others, since both wait more than they compute; what they say comes last.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
.venv/bin/python -m pytest tests/scenario >"$log" 2>&1 &
scenarios=$!
trap 'kill "$scenarios" 2>/dev/null || true; rm -f "$log"' EXIT

status=0
.venv/bin/python -m pytest --ignore=tests/scenario || status=$?
wait "$scenarios" || status=$?
cat "$log"
exit "$status"
