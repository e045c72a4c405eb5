#!/usr/bin/env bash
# Says in one sentence what is wrong with Node.js here, if anything.
set -euo pipefail
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo 'Circle needs Node.js 20 or newer (with npm) to build its web client; it was not found.' >&2
  exit 1
fi
if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'; then
  echo "Circle needs Node.js 20 or newer; this is $(node --version)." >&2
  exit 1
fi
