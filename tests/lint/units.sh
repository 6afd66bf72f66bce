#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# systemd reports no error in the units; the socket's addresses are those of the sample's listeners, and the service
# does not kill workers that finish after their master.
set -euo pipefail

etc=$TOP_SRCDIR/etc
cmp <(sed -n 's/^ListenStream=//p' "$etc/prefork-srv.socket" | sort) \
	<(sed -nE 's/^listen "(.*)" \{$/\1/p' "$etc/prefork-srv.conf" | sort)
grep -qx 'KillMode=process' "$etc/prefork-srv.service.in"

command -v systemd-analyze > /dev/null || { echo 'systemd-analyze is missing'; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# It asks for a program that is there, and for manual pages that are installed.
sed -e 's|@sbindir@/prefork-srv|/bin/true|' -e '/^Documentation=/d' \
	"$etc/prefork-srv.service.in" > "$folder/prefork-srv.service"
sed -e '/^Documentation=/d' "$etc/prefork-srv.socket" > "$folder/prefork-srv.socket"
said=$(systemd-analyze verify "$folder/prefork-srv.service" "$folder/prefork-srv.socket" 2>&1 || true)
printf '%s\n' "$said"
! grep -qE 'prefork-srv\.(service|socket)' <<< "$said"
