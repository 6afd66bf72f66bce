#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Includes name their folder, and a layer includes only itself and what stands below it.
set -euo pipefail
cd "$TOP_SRCDIR"

declare -A below=(
	[tables]=''
	[base]='tables'
	[core]='tables base'
	[worker]='tables base core'
	[services]='tables base core worker'
	[master]='tables base core worker'
	[client]='tables base'
	[demo]='tables base'
	[main.c]='tables base core worker services master'
)

bad=0
complain() {
	printf '%s\n' "$*"
	bad=1
}

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
	elif [ ! -f "src/$included" ]; then
		complain "$file:$line: there is no src/$included"
	fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src --include='*.[ch]' --include='*.def')

exit "$bad"
