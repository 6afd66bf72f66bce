#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Includes name their folder, a layer includes only itself and the layers below it, the folders of a service see each
# other one way, and no files of one folder include each other in a circle.
set -euo pipefail
cd "$TOP_SRCDIR"

declare -A below=(
	[tables]=''
	[base]='tables'
	[config]='tables base'
	[net]='tables base config'
	[tls]='tables base config net'
	[stats]='tables base config net tls'
	[accesslog]='tables base config net tls stats'
	[worker]='tables base config net tls stats accesslog'
	[services]='tables base config net tls stats accesslog worker'
	[master]='tables base config net tls stats accesslog worker'
	[ctl]='tables base config net tls stats accesslog worker master'
	[client]='tables base'
	[demo]='tables base'
	[main.c]='tables base config net tls stats accesslog worker services master ctl'
)

# What a folder of a service sees of services/ besides itself.
declare -A sees=(
	[services/http/parse]=''
	[services/http]='services/http/parse'
	[services/files/open]='services/http/parse'
	[services/files/send]='services/files/open services/http services/http/parse'
)

# False when the folder of the file must not see the folder of what it includes.
is_seen() {
	local folder=${1%/*} from=${2%/*}

	[ "${from%%/*}" != services ] || [ -z "${sees[$folder]+known}" ] || [[ " ${sees[$folder]} $folder " = *" $from "* ]]
}

bad=0
complain() {
	printf '%s\n' "$*"
	bad=1
}

pairs=$(mktemp)
trap 'rm -f "$pairs"' EXIT

while IFS=: read -r file line text; do
	layer=${file#src/}
	layer=${layer%%/*}
	included=${text#*\"}
	included=${included%%\"*}
	if [ -z "${below[$layer]+known}" ]; then
		complain "$file: src/$layer is no layer"
	elif [[ $included != */* ]]; then
		complain "$file:$line: \"$included\" does not name its folder"
	elif [[ " ${below[$layer]} $layer " != *" ${included%%/*} "* ]]; then
		complain "$file:$line: $layer must not include \"$included\""
	elif ! is_seen "${file#src/}" "$included"; then
		complain "$file:$line: ${file%/*} must not include \"$included\""
	elif [ ! -f "src/$included" ]; then
		complain "$file:$line: there is no src/$included"
	elif [ "${included%%/*}" = "$layer" ]; then
		unit=${file#src/}
		printf '%s %s\n' "${unit%.[ch]}" "${included%.[ch]}" >> "$pairs"
	fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src --include='*.[ch]' --include='*.def')

# A .c file and its header are one unit. tsort(1) names the members of each circle on stderr.
if ! rings=$(sort -u "$pairs" | awk '$1 != $2' | tsort 2>&1 > /dev/null); then
	complain "these need each other in a circle:"
	printf '%s\n' "$rings" | sed -n 's/^tsort: \([^-].*\/.*\)/  \1/p'
fi

exit "$bad"
