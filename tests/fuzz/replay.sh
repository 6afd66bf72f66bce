#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Feeds every file of every corpus to its fuzz target; each target is a case.
set -uo pipefail

targets=("$TOP_SRCDIR"/tests/fuzz/fuzz_*.c)
echo "1..${#targets[@]}"
number=0 bad=0
for target in "${targets[@]}"; do
	name=$(basename "$target" .c)
	number=$((number + 1))
	said=$("$TOP_BUILDDIR/tests/fuzz/$name" "$TOP_SRCDIR/tests/fuzz/corpus/${name#fuzz_}"/* 2>&1)
	code=$?
	if [ "$code" -eq 0 ]; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		printf '# exit code %s\n%s\n' "$code" "$said"
		bad=1
	fi
done
exit "$bad"
