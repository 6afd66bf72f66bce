#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Feeds every file of every corpus to its fuzz target; each target is a case.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=../report.sh
. "$TOP_SRCDIR/tests/report.sh"

targets=("$TOP_SRCDIR"/tests/fuzz/fuzz_*.c)
echo "1..${#targets[@]}"
for target in "${targets[@]}"; do
	name=$(basename "$target" .c)
	said=$("$TOP_BUILDDIR/tests/fuzz/$name" "$TOP_SRCDIR/tests/fuzz/corpus/${name#fuzz_}"/* 2>&1)
	code=$?
	report "$name" $code <(printf 'exit code %s\n%s\n' $code "$said")
done
exit "$bad"
