#!/usr/bin/env bash
# Writes sdk/python/circle_client/gql from schema.graphql and circle_client/operations/*.graphql.
# ariadne-codegen needs another graphql-core than Strawberry, hence an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
env=.venv-codegen
if [ ! -x "$env/bin/ariadne-codegen" ]; then
  "${PYTHON:-python3}" -m venv "$env"
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/codegen.txt
fi
cd sdk/python
rm -rf circle_client/gql
"../../$env/bin/ariadne-codegen" client >/dev/null
