#!/usr/bin/env bash
# All Python tests, in five runs side by side, since most of them wait more than they compute; all but one speak at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

pytest=(.venv/bin/python -m pytest --durations=10)
logs=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT

# aside NAME TESTS...: one of the runs that speak at the end.
aside() {
  "${pytest[@]}" "${@:2}" >"$logs/$1" 2>&1 &
  pids+=($!)
}
# One test of many minutes: no sign that something hangs.
aside random tests/scenario/test_scenario.py -o faulthandler_timeout=1200
aside cases tests/scenario --ignore=tests/scenario/test_scenario.py
aside browser tests/e2e/test_browser*.py tests/e2e/test_graphiql.py
aside clients tests/e2e --ignore-glob='*/test_browser*.py' --ignore-glob='*/test_graphiql.py'

status=0
"${pytest[@]}" --ignore=tests/scenario --ignore=tests/e2e || status=$?
for pid in "${pids[@]}"; do
  wait "$pid" || status=$?
done
cat "$logs"/*
exit "$status"
