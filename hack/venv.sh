#!/usr/bin/env bash
# Makes the virtual environment, or adds to it, from a lock: venv.sh PYTHON FOLDER STAMP LOCK
# STAMP names the lock's content, so an unchanged lock costs nothing and a changed one is installed.
set -euo pipefail
python=$1 folder=$2 stamp=$3 lock=$4

"$python" - <<'CHECK' || { echo "error: $python is missing or older than 3.11: install it, or: make PYTHON=/path/to/python3.11" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
CHECK

if ! [ -x "$folder/bin/pip" ]; then
  echo "making $folder"
  if ! "$python" -m venv "$folder" >/dev/null 2>&1; then
    # Debian keeps ensurepip in a package of its own.
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
      echo "error: $python -m venv does not work: install python3-venv" >&2
      exit 1
    fi
    apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
    rm -rf "$folder"
    "$python" -m venv "$folder"
  fi
fi

echo "installing what $lock names into $folder"
"$folder/bin/python" -m pip install --disable-pip-version-check --progress-bar off --require-hashes \
  --requirement "$lock" | sed -nE 's/^(Collecting|Installing) ([^ ]+).*/  \2/p'
rm -f "${stamp%-*-*}"-*
touch "$stamp"
