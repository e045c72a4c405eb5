#!/usr/bin/env bash
# Fails when a generated file differs from what the code makes now. What was there is put back either way.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

.venv/bin/circle schema >"$work/schema.graphql"
if ! diff -u schema.graphql "$work/schema.graphql"; then
  echo "schema.graphql is out of date: run 'make schema'." >&2
  exit 1
fi

# compare FOLDER COMMAND...: whether the command writes the folder as it stands.
compare() {
  local folder=$1 same=0
  shift
  cp -r "$folder" "$work/before"
  find "$work/before" -name __pycache__ -prune -exec rm -rf {} +
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  diff -ru -x __pycache__ "$work/before" "$folder" || same=1
  rm -rf "$folder"
  mv "$work/before" "$folder"
  if [ "$same" = 1 ]; then
    echo "$folder is out of date: run 'make codegen'." >&2
    exit 1
  fi
}
compare sdk/typescript/src/gql npm run --silent codegen --workspace sdk/typescript
compare sdk/python/circle_client/gql scripts/codegen_python.sh
