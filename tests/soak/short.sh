#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Some seconds of the soak with fewer clients: crashes, hangs, reloads cost no more than they may.
set -euo pipefail

command -v python3 > /dev/null || { echo 'python3 is missing'; exit 77; }
exec python3 "$TOP_SRCDIR/tests/soak/soak.py" 8 --ack 200 --echo 40
