#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The shell checker has nothing to say about the scripts.
set -euo pipefail
cd "$TOP_SRCDIR"

command -v shellcheck > /dev/null || { echo 'shellcheck is missing'; exit 77; }
mapfile -t scripts < <(find tests man etc \( -name '*.sh' -o -name '*.bash-completion' \) -type f)
shellcheck dev .ci/run "${scripts[@]}"
