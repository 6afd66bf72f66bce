#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mandoc reports no error in the manual pages, and their tables fit into a terminal of 80 columns:
# groff, which is man(1) on most systems, breaks no line within a column, and all the rest with it.
set -euo pipefail

command -v mandoc > /dev/null || { echo 'mandoc is missing'; exit 77; }
bad=0

# Text has 73 columns in a section; between two columns are 4 blanks, of a table of five 3.
check_tables()
{
	awk '
	function fail(what) { print FILENAME ":" FNR ": " what; bad = 1 }
	/^\.Bl -column/ {
		count = split($0, part, "\""); n = 0; sum = 0
		for (i = 2; i <= count; i += 2) { width[++n] = length(part[i]); sum += width[n] }
		sum += n < 5 ? 4 * (n - 1) : n == 5 ? 12 : n - 1
		if (sum > 73) fail("the table has " sum " columns of the terminal (73 at most)")
		in_table = 1
	}
	/^\.El/ { in_table = 0 }
	in_table && /^\.It / {
		sub(/^\.It /, ""); gsub(/(Sy|Em|Ic) /, "")
		count = split($0, cell, / Ta /)
		for (i = 1; i <= count; i++)
			if (length(cell[i]) > width[i])
				fail("\"" cell[i] "\" is wider than its column")
	}
	END { exit bad }' "$1"
}

for page in "$TOP_SRCDIR"/man/*.[1-8]; do
	said=$(mandoc -T lint -W all "$page" 2>&1 || true)
	[ -z "$said" ] || { printf '%s\n' "$said"; bad=1; }
	check_tables "$page" || bad=1
done
exit "$bad"
