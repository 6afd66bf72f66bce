#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tables in the manual pages and the sample file equal the program's output ("./dev docs" updates them).
set -euo pipefail

bad=0
for page in "$TOP_SRCDIR"/man/*.[1-8]; do
	bash "$TOP_SRCDIR/tests/lint/paste.sh" "$PREFORK_SRV" "$page" |
		diff -u --label "$page" --label 'what the program prints' "$page" - || bad=1
done
sample=$TOP_SRCDIR/etc/prefork-srv.conf
"$PREFORK_SRV" -P sample | diff -u --label "$sample" --label 'what the program prints' "$sample" - || bad=1
exit "$bad"
