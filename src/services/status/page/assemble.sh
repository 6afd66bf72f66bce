#!/bin/sh
# SPDX-License-Identifier: MIT
# assemble.sh FOLDER: prints the C source of the status page's fixed parts (services/status/status_page.h), made of page.html,
# page.css and page.js in FOLDER, with the hashes that a browser asks for. Needs coreutils, sed and awk.
set -eu

folder=$1
LC_ALL=C
export LC_ALL

# What a reader of the source needs and a browser does not: blanks at the beginning, lines of comment, empty lines.
squeeze() {
	sed -e 's/^[[:blank:]]*//' -e '/^\/\//d' -e '/^\/\*.*\*\/$/d' -e '/^$/d' "$1"
}

# The hash of a script or style as it stands between its tags, which have no line of their own.
hash() {
	squeeze "$1" | sha256sum | cut -c 1-64 | tr a-f A-F | basenc --base16 -d | base64
}

style=$(hash "$folder/page.css")
script=$(hash "$folder/page.js")

page() {
	while IFS= read -r line; do
		case $line in
		*@@css@@*) printf '%s' "${line%%@@*}"; squeeze "$folder/page.css"; printf '%s\n' "${line##*@@}" ;;
		*@@js@@*) printf '%s' "${line%%@@*}"; squeeze "$folder/page.js"; printf '%s\n' "${line##*@@}" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done < "$folder/page.html" | sed -e 's/^[[:blank:]]*//'
}

printf '%s\n' '/* Made by src/services/status/page/assemble.sh of the files beside it; changes here are lost. */' \
	'#include "services/status/status_page.h"' '' 'const char page_headers[] = PAGE_GUARDS' \
	"\"Content-Security-Policy: default-src 'none'; style-src 'sha256-$style'; script-src 'sha256-$script'; \"" \
	"\"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\\r\\n\";"
page | awk '
function begin(name) { printf "\nstatic const char %s[] =\n", name; part = name; empty = 1 }
function end() {
	if (empty)
		print "\"\""
	printf ";\nconst struct page_text page_%s = { %s, sizeof(%s) - 1 };\n", part, part, part
}
BEGIN { begin("top") }
/^@@[a-z]*@@$/ { end(); gsub(/@/, ""); begin("after_" $0); next }
{
	gsub(/[\\"?]/, "\\\\&")
	printf "\"%s\\n\"\n", $0
	empty = 0
}
END { end() }'
