#!/usr/bin/env bash
# Writes sdk/python/circle_client/gql from schema.graphql and circle_client/operations/*.graphql.
# Its environment is its own (docs/decisions/0004); `make` keeps it.
set -euo pipefail
cd "$(dirname "$0")/../sdk/python"
rm -rf circle_client/gql
../../.venv-codegen/bin/ariadne-codegen client >/dev/null
