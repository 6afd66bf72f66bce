#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What tests/driver.sh makes of a test program's output and exit code.
set -uo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# shellcheck source-path=SCRIPTDIR source=../report.sh
. "$TOP_SRCDIR/tests/report.sh"

# drives NAME WANTED OUTPUT [EXIT_CODE]: a program prints OUTPUT; WANTED are the results, the last for the whole
drives() {
	local name=$1 wanted=$2 got
	printf '%b' "$3" > "$folder/output"
	sh "$TOP_SRCDIR/tests/driver.sh" --test-name t --log-file "$folder/log" --trs-file "$folder/trs" -- \
		sh -c "cat '$folder/output'; exit ${4:-0}" > /dev/null
	got=$(sed -n 's/^:test-result: //p; s/^:global-test-result: //p' "$folder/trs" | tr '\n' '|')
	[ "$got" = "$wanted" ]
	report "$name" $? <(printf 'wanted %s\ngot    %s\n' "$wanted" "$got")
}

echo 1..9
drives cases__that_pass__are_counted_each 'PASS t: a|PASS t: b|PASS|' '1..2\nok 1 - a\nok 2 - b\n'
drives case__that_fails__fails_the_program 'FAIL t: a|PASS t: b|FAIL|' '1..2\nnot ok 1 - a\nok 2 - b\n' 1
drives case__skipped_by_an_old_cmocka__is_skipped 'PASS t: a|SKIP t: b|PASS|' '1..2\nok 1 - a\nnot ok 2 # SKIP b\n'
drives case__skipped_by_a_new_cmocka__is_skipped 'PASS t: a|SKIP t: b|PASS|' '1..2\nok 1 - a\nok 2 # SKIP b\n'
drives cases__all_skipped__skip_the_program 'SKIP t: a|SKIP|' '1..1\nnot ok 1 # SKIP a\n'
drives case__not_reported__fails 'PASS t: a|FAIL t: 1 of 2 cases reported, exit code 139|FAIL|' '1..2\nok 1 - a\n' 139
drives exit_code__beside_passed_cases__fails 'PASS t: a|FAIL t: exit code 1|FAIL|' '1..1\nok 1 - a\n' 1
drives program__that_lacks_what_it_needs__is_skipped 'SKIP t|SKIP|' 'python3 is missing\n' 77
drives line__that_a_case_left_open__hides_no_result 'SKIP t: a|PASS t: b|PASS|' '1..2\nsaidnot ok 1 # SKIP a\nsaidok 2 - b\n'
exit "$bad"
