# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For scripts that report cases in TAP: counts them, and sets bad to 1 once one of them has failed.

number=0 bad=0
# report NAME CODE FILE: the case of that name was good, by the exit code of a check; otherwise FILE tells why
report() {
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		sed 's/^/# /' "$3"
		# shellcheck disable=SC2034 # the script exits with it
		bad=1
	fi
}
