#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The examples, in a folder outside the tree and built against what is installed, serve; the header stands alone, in C
# and in C++; and a module sees its functions, and no other of the program.
set -euo pipefail

folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
chmod 0755 "$folder" # workers of another user load the modules
MAKEFLAGS='' make -C "$TOP_BUILDDIR" install-modulesHEADERS install-nodist_pkgconfigDATA DESTDIR="$folder/root" > "$folder/said"
header=$(find "$folder/root" -path '*/prefork-srv/service.h')
PKG_CONFIG_LIBDIR=$(dirname "$(find "$folder/root" -name prefork-srv.pc)")
PKG_CONFIG_SYSROOT_DIR=$folder/root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR

# Each function is declared, exported and defined; nothing else of the program is visible.
sed -nE 's/^[a-z].*[ *](prefork_[a-z_]+)\(.*/\1/p' "$header" | sort > "$folder/declared"
sed -nE 's/^\t(prefork_[a-z_]+);$/\1/p' "$TOP_SRCDIR/src/services/module/exports.list" | sort > "$folder/listed"
nm -D --defined-only "$PREFORK_SRV" | awk '{ print $3 }' | sort > "$folder/exported"
nm -g --defined-only "$TOP_BUILDDIR/src/libprefork.a" "$TOP_BUILDDIR/src/libbase.a" 2> /dev/null |
	awk 'NF == 3 { print $3 }' | sort -u > "$folder/own"
diff "$folder/declared" "$folder/listed"
comm -12 "$folder/exported" "$folder/own" | diff "$folder/declared" -

cp -r "$TOP_SRCDIR/etc/examples/module" "$folder/examples"
cd "$folder/examples"
chmod -R u+w .
MAKEFLAGS='' make CFLAGS='-O2 -Wall -Wextra -Werror' > "$folder/said"
printf '#include <prefork-srv/service.h>\n' | tee alone.cc > alone.c
read -ra flags < <(pkg-config --cflags prefork-srv)
cc -std=c99 -pedantic -Wall -Wextra -Werror "${flags[@]}" -c alone.c
! command -v c++ > /dev/null || c++ -std=c++11 -pedantic -Wall -Wextra -Werror "${flags[@]}" -c alone.cc

mkfifo ready
"$PREFORK_SRV" -q -w 2 -p none -l "127.0.0.1:0=module,module=./echo.so" \
	-l "127.0.0.1:0=module,module=./kv.so,arguments=size=1m" --ready-fd 3 3> ready 2> log &
pid=$!
{ read -r echo; read -r kv; } < ready
test "$("$TOP_BUILDDIR/prefork-client" "$echo" 'from outside the tree')" = 'from outside the tree'
test "$("$TOP_BUILDDIR/prefork-client" -f line "$kv" 'set colour red' 'get colour' | tr '\n' ' ')" = 'ok = red '
kill "$pid"
wait "$pid"
pid=
