#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang-format leaves the sources unchanged ("clang-format -i FILE" formats one).
set -euo pipefail
cd "$TOP_SRCDIR"

command -v clang-format > /dev/null || { echo 'clang-format is missing'; exit 77; }
mapfile -t files < <(find src tests -name '*.[ch]')
said=$(clang-format --style=file --dry-run -Werror --ferror-limit=0 "${files[@]}" 2>&1) && exit 0

for file in "${files[@]}"; do
	clang-format --style=file "$file" | diff -u --label "$file" --label "$file, formatted" "$file" - || true
done
[[ $said == *'[-Wclang-format-violations]'* ]] || printf '%s\n' "$said"
exit 1
