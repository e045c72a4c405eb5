#!/usr/bin/env bash
# make_venv.sh FOLDER: a virtual environment from the newest Python 3.11+ that is here.
set -euo pipefail
for candidate in python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null 2>&1 &&
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    if ! "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
      echo "Python is here, but not its 'venv' module. On Debian: apt-get install python3-venv" >&2
      exit 1
    fi
    exec "$candidate" -m venv "$1"
  fi
done
echo 'Circle needs Python 3.11 or newer; none was found.' >&2
exit 1
