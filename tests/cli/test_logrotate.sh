#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# logrotate with the sample: the server goes on in new files, and where none runs the rotation succeeds.
set -euo pipefail

command -v logrotate > /dev/null || { echo 'logrotate is missing'; exit 77; }
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
chmod 0755 "$folder" # its workers, of another user, open the files themselves
cd "$folder"
sed -e "s|/var/log/|$folder/|g" -e "s|/usr/sbin/prefork-srv|'$PREFORK_SRV' -p '$folder/pid'|" \
	"$TOP_SRCDIR/etc/prefork-srv.logrotate" > rotate.conf
chmod 0644 rotate.conf

rotate() { logrotate --state "$folder/state" --force rotate.conf; }

echo 'of a server that is gone' > prefork-srv.log
rotate
test -s prefork-srv.log.1
test ! -e prefork-srv.log

mkfifo ready
"$PREFORK_SRV" -q -w 2 -p pid -l 127.0.0.1:0=ack -o log.path="$folder/prefork-srv.log" \
	-o log.access="$folder/prefork-srv.access" --ready-fd 3 3> ready &
pid=$!
read -r address < ready

# A line for each file: rotated away with it, and the next one in the new file.
for round in 1 2; do
	"$TOP_BUILDDIR/prefork-client" "$address" "round $round" > answer
	test -s answer
	rotate
	test -e prefork-srv.log
	grep -q logs_reopened prefork-srv.log
done
test "$(cat prefork-srv.log* | grep -c logs_reopened)" -eq 2

kill "$pid"
wait "$pid"
pid=
test "$(zcat -f prefork-srv.access* | grep -c ' what=connection ')" -eq 2
