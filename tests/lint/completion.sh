#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The shell completion knows every flag, verb, table, service and option of the program.
set -euo pipefail

program=$PREFORK_SRV
# shellcheck source=/dev/null
. "$TOP_SRCDIR/etc/prefork-srv.bash-completion"

# complete_words WORD...: what is offered for the last one
complete_words() {
	COMP_WORDS=("$program" "$@")
	COMP_CWORD=$#
	COMP_LINE="${COMP_WORDS[*]}"
	COMP_WORDBREAKS=' '
	COMP_POINT=${#COMP_LINE}
	COMPREPLY=()
	_prefork_srv "$program" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}" || true
	printf '%s\n' "${COMPREPLY[@]}"
}

bad=0
# offers NAME WORD...: the name is offered for these words
offers() {
	local name=$1
	shift
	# not a pipe: grep would leave it before all is written
	grep -qxF -e "$name" <<< "$(complete_words "$@")" || { echo "not offered after '$*': $name"; bad=1; }
}

# rows TABLE MACRO: the first argument of each row of the table, and the second where it is in quotes
rows() { sed -nE "s/^$2\(([^,]*), ?(\"([^\"]*)\")?.*/\1 \3/p" "$TOP_SRCDIR/src/tables/$1.def"; }

while read -r letter name; do
	offers "--$name" -
	[ "${#letter}" -lt 3 ] || { letter=${letter//\'/}; offers "-$letter" -; }
done < <(rows flags FLAG_ROW)
while read -r verb _; do offers "$verb" -s ''; done < <(rows verbs VERB)
while read -r service _; do
	[[ $service =~ ^(fault|mixed|evil)$ ]] || offers "127.0.0.1:0=$service" -l "127.0.0.1:0=$service"
done < <(rows services SERVICE)
while read -r section name; do
	case $section in
	main) offers "$name=" -o "$name" ;;
	log) offers "log.$name=" -o "log.$name" ;;
	listen)
		offers "listen.$name=" -o "listen.$name"
		[ "$name" = service ] || offers "8080=ack,$name=" -l "8080=ack,$name"
		;;
	esac
done < <(sed -nE 's/^OPTION\(([a-z]+), ([a-z_0-9]+),.*/\1 \2/p' "$TOP_SRCDIR/src/tables/options.def")

tables=$("$program" -P '' 2>&1 | sed -E 's/.*\((.*)\).*/\1/; s/, | or / /g' || true)
for table in $tables; do offers "$table" -P ''; done
for word in --json --watch; do offers "$word" -s status -; done

# completes COMMAND WORD...: the words offered for the last one by another program of this tree
completes() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	"_${1//-/_}" "$TOP_BUILDDIR/$1" "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}"
}

# also NAME COMMAND WORD...: the name is offered
also() {
	local name=$1
	shift
	grep -qxF -e "$name" <<< "$(completes "$@")" || { echo "not offered after '$*': $name"; bad=1; }
}

for command in prefork-client prefork-demo; do
	# shellcheck source=/dev/null
	. "$TOP_SRCDIR/etc/$command.bash-completion"
done
while read -r lesson _; do also "${lesson//\"/}" prefork-demo ''; done < <(rows lessons LESSON)
while read -r letter name; do
	also "--$name" prefork-client -
	[ "${#letter}" -lt 3 ] || { letter=${letter//\'/}; also "-$letter" prefork-client -; }
done < <(rows client_flags FLAG_ROW)
while read -r _ name; do also "--$name" prefork-demo -; done < <(rows demo_flags FLAG_ROW)
while read -r _ name; do also "--$name" prefork-client bench -; done < <(rows bench_flags FLAG_ROW)
also bench prefork-client ''
also length prefork-client -f ''
exit "$bad"
