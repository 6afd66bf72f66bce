#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mandoc reports no error in the manual pages.
set -euo pipefail

command -v mandoc > /dev/null || { echo 'mandoc is missing'; exit 77; }
bad=0
for page in "$TOP_SRCDIR"/man/*.[1-8]; do
	said=$(mandoc -T lint -W all "$page" 2>&1 || true)
	[ -z "$said" ] || { printf '%s\n' "$said"; bad=1; }
done
exit "$bad"
