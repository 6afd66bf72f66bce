#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# etc/examples/haproxy.cfg: two servers behind a real HAProxy are restarted one after the other under load, and no
# request fails. Without lame_duck, requests fail, which shows that the test can see it. The example's addresses
# become unix sockets here, HAProxy tries nothing twice, and the servers' configuration is the example's first comment.
set -euo pipefail

example=$TOP_SRCDIR/etc/examples/haproxy.cfg
client=$TOP_BUILDDIR/prefork-client
PATH=$PATH:/usr/sbin
if ! command -v haproxy > /dev/null || ! command -v python3 > /dev/null; then
	echo "haproxy or python3 is not installed, left out"
	exit 77
fi

folder=$(mktemp -d)
chmod 0755 "$folder" # the workers run as another user where root runs the test
declare -A pids=()
trap end EXIT
cd "$folder"

end() {
	local pid
	for pid in "${pids[@]}"; do
		kill -9 "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	rm -rf "$folder"
}

fail() {
	echo "$1"
	tail -n 20 ./*.log ./*.json 2> /dev/null
	exit 1
}

# wait_for COMMAND...: until it succeeds, for a minute at most; looks ten times a second (nobody writes to the fifo)
mkfifo tick
wait_for() {
	local end=$((SECONDS + 60))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || fail "waited in vain: $*"
		read -r -t 0.1 <> tick || true
	done
}

# --- The servers

# configure NAME: what the comment of the example says, on unix sockets. A unix socket has no address to be allowed
configure() {
	sed -nE 's/^#\t//p' "$example" |
		sed -E "s/allow = \{[^}]*\}//; s|\"\*:([0-9]+)\"|\"unix:$folder/$1.\1\"|" > "$1.conf"
	printf 'workers = 2\nlog { path = "%s"  access = "%s" }\n' "$folder/$1.log" "$folder/$1.access" >> "$1.conf"
}

start() {
	rm -f "$1.ready"
	mkfifo "$1.ready"
	"$PREFORK_SRV" -q -c "$1.conf" -p "$folder/$1.pid" "${@:2}" --ready-fd 3 3> "$1.ready" &
	pids[$1]=$!
	read -r _ < "$1.ready"
}

stop() {
	"$PREFORK_SRV" -q -p "$folder/$1.pid" -s quit || fail "$1 did not stop"
	wait "${pids[$1]}" || fail "$1 ended with $?"
	unset "pids[$1]"
}

# --- HAProxy

# It has no port of its own choice: python gives it a listening socket with one that the system has chosen.
start_haproxy() {
	sed -E -e "s|/run/haproxy/stats.sock|$folder/stats.sock|" \
		-e "s|bind :9001|bind $folder/messages.sock|" -e "s|bind :9002|bind fd@3|" \
		-e "s|check port 8080|check|" -e "s|^defaults|&\n\tretries 0|" \
		-e "s|server (.) [0-9.]+:([0-9]+)|server \1 unix@$folder/\1.\2 addr unix@$folder/\1.8080|" \
		"$example" > haproxy.cfg
	mkfifo port
	python3 -c '
import os
import socket

web = socket.create_server(("127.0.0.1", 0))
os.write(3, b"%d\n" % web.getsockname()[1])
os.dup2(web.fileno(), 3)
os.execvp("haproxy", ["haproxy", "-db", "-f", "haproxy.cfg"])' 3> port > haproxy.log 2>&1 &
	pids[haproxy]=$!
	read -r port < "$folder/port"
	wait_for test -S stats.sock
}

ask_haproxy() {
	"$client" -N "unix:$folder/stats.sock" "$1"$'\n' 2> /dev/null
}

# servers FIELD...: a line with these fields of "show stat" for each server of each backend
servers() {
	ask_haproxy "show stat" | python3 -c '
import csv
import sys

sys.stdin.read(len("# "))
for row in csv.DictReader(sys.stdin):
    if row["svname"] not in ("FRONTEND", "BACKEND"):
        print(*(row[name] for name in sys.argv[1:]))' "$@"
}

# is_state NAME STATE: in both backends
is_state() {
	[ "$(servers svname status | grep -c "^$1 $2\$")" -eq 2 ]
}

# --- The load

declare -A targets=()
begin_load() {
	targets=([messages]="-k 1 -f line -m hello unix:$folder/messages.sock"
		[web]="-k 1 http://127.0.0.1:$port/status.json" [keepalive]="http://127.0.0.1:$port/status.json")
	for load in "${!targets[@]}"; do
		# shellcheck disable=SC2086 # the words of a target are separate
		"$client" bench -q --json -c 4 -r 100 -d 10m ${targets[$load]} > "$load.json" 2> "$load.err" &
		pids[$load]=$!
	done
}

# end_load: sets answers and errors, the numbers of requests
end_load() {
	for load in "${!targets[@]}"; do
		kill -TERM "${pids[$load]}"
		wait "${pids[$load]}" || [ $? -eq 143 ] || fail "the load $load ended by itself: $(cat "$load.err")"
		unset "pids[$load]"
	done
	read -r answers errors < <(python3 -c '
import json
import sys

runs = [json.load(open(name)) for name in sys.argv[1:]]
print(sum(run["answers"] for run in runs), sum(run["errors"] for run in runs))' ./*.json)
}

# restart_all: one server after the other, each when HAProxy has taken the one before in again
restart_all() {
	for name in a b; do
		stop "$name"
		wait_for is_state "$name" DOWN
		start "$name"
		wait_for is_state "$name" UP
	done
}

# troubles: of each server, the connections that HAProxy could not make, the answers that it did not get, and the
# requests that it had to send again
troubles() {
	servers pxname svname econ eresp wretr wredis
}

for name in a b; do
	configure "$name"
	start "$name" -o lame_duck=off
done
start_haproxy
wait_for is_state a UP
wait_for is_state b UP

begin_load
restart_all
end_load
echo "without lame_duck: $answers answers, $errors errors"
[ "$errors" -gt 0 ] || fail "a rolling restart without lame_duck cost nothing: the test cannot see a failed request"

troubles > before
begin_load
restart_all
end_load
echo "with lame_duck: $answers answers, $errors errors"
if [ "$errors" -ne 0 ] || [ "$answers" -lt 100 ]; then
	fail "a rolling restart with lame_duck cost requests"
fi
troubles | diff before - || fail "HAProxy had trouble with a server (econ eresp wretr wredis)"
for name in a b; do
	! grep -E ' (warning|error) ' "$name.log" || fail "$name: its log has warnings"
	[ "$(grep -c ' lame_duck_started ' "$name.log")" -eq 1 ] || fail "$name: no lame_duck"
done
