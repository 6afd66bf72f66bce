#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one test for "make check" and writes down what became of it, a result for each case that it reports in
# TAP, or one for the whole where it reports none. Must not wait longer than TEST_SECONDS, nor for what a
# test leaves behind. It takes the options of automake's custom test drivers.
set -u

test_name='' log_file='' trs_file=''
while [ $# -gt 0 ]; do
	case $1 in
	--test-name) test_name=$2; shift ;;
	--log-file) log_file=$2; shift ;;
	--trs-file) trs_file=$2; shift ;;
	--color-tests | --enable-hard-errors | --expect-failure) shift ;;
	--) shift; break ;;
	*) echo "driver.sh: unknown option $1" >&2; exit 2 ;;
	esac
	shift
done

# Files, not pipes: a process that outlives its test would keep a pipe open and the driver waiting.
seconds=${TEST_SECONDS:-600}
rm -f "$trs_file" "$log_file.err"
began=$(date +%s)
timeout -k 10 "$seconds" "$@" < /dev/null > "$log_file" 2> "$log_file.err"
code=$?
echo "# took $(($(date +%s) - began)) seconds" >> "$log_file"
if [ "$code" -eq 124 ]; then
	echo "# the test did not end within $seconds seconds" >> "$log_file"
fi
if [ -s "$log_file.err" ]; then
	echo "# standard error:" >> "$log_file"
	cat "$log_file.err" >> "$log_file"
fi
rm -f "$log_file.err"

awk -v name="$test_name" -v code="$code" -v trs="$trs_file" '
function result(what, of) {
	print ":test-result: " what " " of > trs
	count[what]++
	if (what == "FAIL")
		print "FAIL: " of
}
/^# standard error:$/ { exit }
/^1\.\.[0-9]+$/       { planned += substr($0, 4); next }
# What a test prints without a newline may stand before its result.
!/^#/ && match($0, /(not )?ok [0-9]+ - /) {
	what = substr($0, RSTART, 4) == "not " ? "FAIL" : "PASS"
	result(what, name ": " substr($0, RSTART + RLENGTH))
	seen++
	next
}
# cmocka 1.1.5 writes "not ok" before a skipped case, later ones "ok".
!/^#/ && match($0, /(not )?ok [0-9]+ # SKIP /) {
	result("SKIP", name ": " substr($0, RSTART + RLENGTH))
	seen++
}
END {
	if (!seen && !planned)
		result(code == 0 ? "PASS" : code == 77 ? "SKIP" : "FAIL", name)
	else if (seen < planned)
		result("FAIL", name ": " seen " of " planned " cases reported, exit code " code)
	else if (code != 0 && !count["FAIL"])
		result("FAIL", name ": exit code " code)
	all = count["FAIL"] ? "FAIL" : count["PASS"] ? "PASS" : "SKIP"
	if (all != "FAIL")
		print all ": " name " (" seen + !seen ")"
	print ":global-test-result: " all > trs
	print ":recheck: " (all == "FAIL" ? "yes" : "no") > trs
	print ":copy-in-global-log: " (all == "FAIL" ? "yes" : "no") > trs
}' "$log_file"
