#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The scripts pass shellcheck.
set -euo pipefail
cd "$TOP_SRCDIR"

command -v shellcheck > /dev/null || { echo 'shellcheck is missing'; exit 77; }
mapfile -t scripts < <(find tests man etc \( -name '*.sh' -o -name '*.bash-completion' \) -type f)
shellcheck dev .ci/run "${scripts[@]}"
