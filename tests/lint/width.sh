#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No line of C and no row of a table is wider than 100 columns, comments included; a tab has eight columns.
set -euo pipefail
cd "$TOP_SRCDIR"

bad=0
while IFS= read -r file; do
	expand -t 8 "$file" | awk -v file="$file" '
	length > 100 { print file ":" FNR ": " length " columns"; bad = 1 }
	END          { exit bad }' || bad=1
done < <(find src tests -name '*.[ch]' -o -name '*.def')
exit "$bad"
