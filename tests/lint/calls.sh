#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the linker's symbols: no files of one folder call each other in a circle (layers.sh checks includes).
set -euo pipefail
cd "$TOP_BUILDDIR"

# The objects whose source is still there: an older build may have left others.
objects() {
	find src -name '*.o' | while IFS= read -r object; do
		[ ! -f "$TOP_SRCDIR/${object%.o}.c" ] || printf '%s\0' "$object"
	done
}

# Lines "CALLER CALLEE" for the files of one folder of src/ that use each other's names.
pairs() {
	objects | xargs -0 nm -A -g | awk '
	{
		split($0, at, ":")
		unit = at[1]
		sub(/^src\//, "", unit)
		sub(/\.o$/, "", unit)
		if ($(NF - 1) == "U")
			used[++uses] = unit " " $NF
		else if ($(NF - 1) ~ /^[A-Z]$/)
			home[$NF] = unit
	}
	END {
		for (i = 1; i <= uses; i++) {
			split(used[i], use, " ")
			split(use[1], from, "/")
			split(home[use[2]], to, "/")
			if (home[use[2]] != use[1] && from[1] == to[1])
				print use[1], home[use[2]]
		}
	}' | sort -u
}

found=$(pairs)
[ -n "$found" ] || { echo 'no object files: build first'; exit 77; }
if ! rings=$(tsort <<< "$found" 2>&1 > /dev/null); then
	echo 'these call each other in a circle:'
	sed -n 's/^tsort: \([^-].*\/.*\)/  \1/p' <<< "$rings"
	exit 1
fi
