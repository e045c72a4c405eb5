#!/usr/bin/env bash
# Locks requirements/*.in into *.txt: names, versions and hashes for every platform, no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv
for name in base dev codegen; do
  "$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header "requirements/$name.in" -o "requirements/$name.txt"
done
