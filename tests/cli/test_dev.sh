#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# ./dev where a folder was built in before, and where there is no dpkg. No compiler runs: make is a stand-in.
set -uo pipefail

unset MAKEFLAGS MFLAGS MAKELEVEL
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir -p "$folder/tree/src" "$folder/tree/etc" "$folder/stand-ins" "$folder/bare"
cd "$TOP_SRCDIR" || exit 1
cp -pr dev configure configure.ac aclocal.m4 build-aux Makefile.am Makefile.in "$folder/tree"
cp -p src/main.c "$folder/tree/src"
cp -p etc/*.in "$folder/tree/etc"
cd "$folder/tree" || exit 1
chmod -R u+w .
touch aclocal.m4 && touch Makefile.in configure

# shellcheck source-path=SCRIPTDIR source=../report.sh
. "$TOP_SRCDIR/tests/report.sh"

# says TEXT...: these lines are among what dev has said
says() {
	local text
	for text; do grep -qxF -e "$text" "$folder/said" || return 1; done
}

echo 1..3
# Every package is there, and every target is made, but for distclean, which is real.
printf '#!/bin/sh\nshift 2\nprintf " installed:%%s" "$@"\n' > "$folder/stand-ins/dpkg-query"
printf '#!/bin/sh\ncase " $* " in *" distclean "*) exec %s "$@" ;; esac\n' "$(command -v make)" > "$folder/stand-ins/make"
chmod +x "$folder/stand-ins"/*

./configure --prefix=/opt > "$folder/said" 2>&1 && test -f config.status
report configure__in_the_source__makes_a_build_there $? "$folder/said"

PATH=$folder/stand-ins:$PATH ./dev docs > "$folder/said" 2>&1 && test ! -e config.status && test -f build/config.status &&
	says 'dev: this folder was built in as well: cleaning it (again: ./configure --prefix=/opt && make)'
report dev__in_a_source_that_was_built__cleans_it_and_builds $? "$folder/said"

for name in bash dirname; do ln -s "$(command -v "$name")" "$folder/bare/$name"; done
PATH=$folder/bare bash ./dev docs > "$folder/said" 2>&1
test $? -eq 1 && says 'dev: this system has no dpkg; please install what is missing:' 'dev:   a C compiler and GNU make' \
	'dev:   GNU autoconf' 'dev:   GNU automake' 'dev:   pkgconf or pkg-config' \
	'dev:   libconfuse >= 3.0, with its headers' 'dev:   libxcrypt >= 4.3, with its headers' 'dev:   OpenSSL >= 3.0, with its headers' \
	'dev:   cmocka >= 1.1.5, with its headers'
report dev__without_dpkg__names_what_is_missing $? "$folder/said"
exit "$bad"
