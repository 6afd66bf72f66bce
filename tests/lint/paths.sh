#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A source file that a comment or a document names is there: ROOM/FILE with or without .c, .h or .def.
set -euo pipefail
cd "$TOP_SRCDIR"

rooms=$(cd src && printf '%s|' */ | tr -d /)
bad=0
while IFS=: read -r file line path; do
	path=${path#src/}
	compgen -G "src/$path" > /dev/null || compgen -G "src/$path.[ch]" > /dev/null ||
		{ echo "$file:$line: there is no src/$path"; bad=1; }
done < <(grep -rnoE --include='*.[ch]' --include='*.def' --include='*.md' --include='*.sh' --include='*.py' \
	"(^|[^[:alnum:]_/.-])(src/)?(${rooms%|})/[a-z_]+(/[a-z_]+)?(\.[ch]|\.def)?\b" \
	src tests README.md CONTRIBUTING.md | sed -E 's/:[^:[:alnum:]]([a-z]+\/)/:\1/' |
	grep -vE '/proc/|_$|:net/(core|tcp|tcp6|unix|ipv4|ipv6|if|sockstat)' || true)
exit "$bad"
