#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# systemd has nothing to say about the unit.
set -euo pipefail

command -v systemd-analyze > /dev/null || { echo 'systemd-analyze is missing'; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# It asks for a program that is there, and for manual pages that are installed.
sed -e 's|@sbindir@/prefork-srv|/bin/true|' -e '/^Documentation=/d' \
	"$TOP_SRCDIR/etc/prefork-srv.service.in" > "$folder/prefork-srv.service"
said=$(systemd-analyze verify "$folder/prefork-srv.service" 2>&1 || true)
printf '%s\n' "$said"
! grep -q 'prefork-srv.service' <<< "$said"
