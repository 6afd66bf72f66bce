#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A function is at most 80 lines long and has no conditional compilation inside.
set -euo pipefail
cd "$TOP_SRCDIR"

# The formatting check makes sure that a function's braces are alone in the first column.
find src tests -name '*.c' -exec awk '
FNR == 1 { inside = 0 }
/^\{/    { inside = 1; start = FNR }
/^}/     {
	if (inside && FNR - start > 80) {
		print FILENAME ":" start ": a function of " FNR - start " lines"
		bad = 1
	}
	inside = 0
}
inside && /^[ \t]*#[ \t]*if/ {
	print FILENAME ":" FNR ": conditional compilation inside a function"
	bad = 1
}
END { exit bad }' {} +
