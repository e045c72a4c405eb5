#!/usr/bin/env bash
# Fails when a generated file differs from what the code makes now.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/circle schema >"$work/schema.graphql"
if ! diff -u schema.graphql "$work/schema.graphql"; then
  echo "schema.graphql is out of date: run 'make schema'." >&2
  exit 1
fi
cp -r sdk/typescript/src/gql "$work/gql"
npm run --silent codegen --workspace sdk/typescript >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
if ! diff -ru "$work/gql" sdk/typescript/src/gql; then
  echo "The TypeScript SDK's operations are out of date: run 'make codegen'." >&2
  exit 1
fi
