#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A soak of some seconds with fewer clients: crashes, hangs and reloads cost no more than permitted.
set -euo pipefail

command -v python3 > /dev/null || { echo 'python3 is missing'; exit 77; }
exec python3 "$TOP_SRCDIR/tests/soak/soak.py" 8 --ack 200 --echo 40 --guests 20 --seed 1
