#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every source file and every example is in Makefile.am, so that it is built and shipped.
set -euo pipefail
cd "$TOP_SRCDIR"

bad=0
while IFS= read -r file; do
	# A test program is listed by its name without .c.
	grep -qE "(^|[[:space:]])${file%.c}(\.c)?([[:space:]]|\$)" Makefile.am ||
		{ echo "$file is not in Makefile.am"; bad=1; }
done < <(find src tests etc/examples -type f \( -path 'etc/examples/*' -o -name '*.[ch]' -o -name '*.def' -o -name '*.sh' -o -path 'tests/fuzz/corpus/*' \))
exit "$bad"
