#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# paste.sh PROGRAM PAGE: prints the manual page with its tables replaced by the output of PROGRAM -P. A table is
# between the comment lines  .\" BEGIN TABLE name  and  .\" END TABLE name.
set -euo pipefail

program=$1 page=$2
table=
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	'.\" BEGIN TABLE '*)
		[ -z "$table" ] || { echo "$page: table $table has no end" >&2; exit 1; }
		table=${line##* }
		printf '%s\n' "$line"
		"$program" -P "$table"
		;;
	'.\" END TABLE '*)
		[ "$table" = "${line##* }" ] || { echo "$page: $line: no such beginning" >&2; exit 1; }
		table=
		printf '%s\n' "$line"
		;;
	*)
		[ -n "$table" ] || printf '%s\n' "$line"
		;;
	esac
done < "$page"
[ -z "$table" ] || { echo "$page: table $table has no end" >&2; exit 1; }
