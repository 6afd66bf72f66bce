#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No unfinished text, no calls without a bound or an error, no sleeps in place of conditions, no file over 400 lines.
set -euo pipefail
cd "$TOP_SRCDIR"

bad=0
# forbid WHY PATTERN PATH...
forbid() {
	local why=$1 pattern=$2 found
	shift 2
	found=$(grep -rniIE --exclude=words.sh --exclude-dir=corpus -e "$pattern" "$@" || true)
	[ -n "$found" ] || return 0
	printf '%s:\n%s\n' "$why" "$found"
	bad=1
}

all=(src tests etc man dev configure.ac Makefile.am README.md CONTRIBUTING.md ChangeLog.md)
forbid 'unfinished' '\b(TODO|FIXME|XXX|HACK|TBD)\b|(^|[^1] |[^ ])not (yet )?implemented|placeholder' "${all[@]}"
forbid 'no bound, or no error' '\b(sprintf|vsprintf|strcpy|strcat|strtok|atoi|atol|alloca|gets)[[:space:]]*\(' src tests
forbid 'a nap instead of a condition' '\b(u|nano)?sleep[[:space:]]*\(|clock_nanosleep' --exclude-dir=bench tests
forbid 'a nap instead of a condition' '^[^#"]*\bsleep [0-9.]' --exclude-dir=bench tests
forbid 'a blank at the end' '[[:space:]]$' src tests dev configure.ac Makefile.am

while read -r lines file; do
	[ "$lines" -le 400 ] || [ "$file" = total ] || { echo "$file: $lines lines, two jobs?"; bad=1; }
done < <(find src tests -name '*.[ch]' -exec wc -l {} +)

while IFS= read -r file; do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || { echo "$file: no SPDX line"; bad=1; }
done < <(find src tests dev \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' -o -name dev \) -type f)

exit "$bad"
