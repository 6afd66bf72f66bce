#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh FOLDER COMPILER...: builds the modules of the tests, and the examples, into FOLDER.
set -euo pipefail

folder=$1
shift
mkdir -p "$folder"

# build NAME SOURCE FLAG...
build() {
	local name=$1 source=$2
	shift 2
	"${compiler[@]}" "$@" -D_GNU_SOURCE -std=gnu11 -Wall -Wextra -Werror -I"$TOP_SRCDIR/src/include" -fPIC -shared \
		-o "$folder/$name.so.new" "$TOP_SRCDIR/$source"
	mv "$folder/$name.so.new" "$folder/$name.so"
}

compiler=("$@" -g -O2)
build echo etc/examples/module/echo.c
build echo_changed etc/examples/module/echo.c -O0
build kv etc/examples/module/kv.c
build faulty tests/modules/faulty.c -Wno-stringop-overflow
build every tests/modules/every.c
build every_changed tests/modules/every.c '-DWORD="two"'
build every_other tests/modules/every.c '-DWORD="three"' -DVERSION=2
build every_bound tests/modules/every.c '-DWORD="four"' -DVERSION=0
for odd in abi short refuse silent constructor hang check init exit name counter state share fickle descriptors symbol lives daemon thread orphan forger; do
	build "odd_$odd" tests/modules/odd.c "-DODD=ODD_$odd"
done
