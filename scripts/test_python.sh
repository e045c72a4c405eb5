#!/usr/bin/env bash
# All Python tests, in three runs side by side, since most of them wait more than they compute; two speak at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT
for part in scenario e2e; do
  .venv/bin/python -m pytest "tests/$part" --durations=10 >"$logs/$part" 2>&1 &
  pids+=($!)
done

status=0
.venv/bin/python -m pytest --ignore=tests/scenario --ignore=tests/e2e --durations=10 || status=$?
for pid in "${pids[@]}"; do
  wait "$pid" || status=$?
done
cat "$logs/e2e" "$logs/scenario"
exit "$status"
