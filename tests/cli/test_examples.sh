#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example programs as pre-forked copies: each answers, is reloaded, answers again, and leaves nothing. Those whose
# interpreter or package is not installed are left out.
set -euo pipefail

folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
chmod 0755 "$folder" # the copies run as another user where root runs the test
cp "$TOP_SRCDIR"/etc/examples/programs/* "$folder"
cd "$folder"
export XDG_CACHE_HOME=$folder PYTHONDONTWRITEBYTECODE=1

# ask ADDRESS: sends what a client of the example says, and prints the first line of the answer. A program may take
# longer to answer than a client waits, if it has just started: the client's time is long.
ask() {
	case $1 in
	http) printf 'GET / HTTP/1.0\r\n\r\n' | "$TOP_BUILDDIR/prefork-client" -w 20s "$2" | tail -n 1 ;;
	time) "$TOP_BUILDDIR/prefork-client" -w 20s "$2" < /dev/null | sed -E 's/[0-9]/N/g; s/^[A-Z].*NNNN$/time/' ;;
	*) "$TOP_BUILDDIR/prefork-client" -w 20s "$2" hello ;;
	esac
}

# serve KIND ANSWER OPTION COMMAND...: the same before and after a reload. A worker of gunicorn that is told to end as
# it starts misses that, and gunicorn kills it after 30 seconds: the server waits longer.
serve() {
	local kind=$1 answer=$2 option=$3 address round
	shift 3
	rm -f ready
	mkfifo ready
	"$PREFORK_SRV" -q -w 2 -p "$folder/pid" -l 127.0.0.1:0 -o log.path="$folder/log" -o shutdown_timeout=50s \
		-o "$option" --ready-fd 3 3> ready -- "$@" &
	pid=$!
	read -r address < ready
	for round in before after; do
		[ "$round" = before ] || "$PREFORK_SRV" -q -p "$folder/pid" -s reload
		[ "$(ask "$kind" "$address")" = "$answer" ] || { echo "$*: $round a reload: wrong answer"; cat log; exit 1; }
	done
	"$PREFORK_SRV" -q -p "$folder/pid" -s quit
	wait "$pid"
	pid=
	! grep -E ' (warning|error) ' log || { echo "$*: its log has warnings"; exit 1; }
	rm log
	echo "$*: served"
}

# with COMMAND: true when it is installed and works here; a folder of the caller alone is not for another user
with() {
	command -v "$1" > /dev/null && [[ $(command -v "$1") != "$HOME"/* ]] && return 0
	echo "$1: not installed, left out"
	return 1
}

python=$(PATH=/usr/bin:/usr/local/bin:$PATH command -v python3)
cc -O2 -Wall -Wextra -Werror -o echo echo.c
chmod 0755 echo
serve ack hello program.copies=2 ./echo
serve ack 我已经收到 program.copies=2 "$python" tutorial.py
serve ack hello program.copies=2 "$python" echo.py
serve time time program.ready_after=notify "$python" notify.py
! with node || serve ack hello program.copies=2 node echo.js
! with uvicorn || serve http ok program.copies=2 uvicorn --fd 3 --log-level warning asgi:app
! with gunicorn || serve http ok program.copies=2 gunicorn --log-level warning --bind fd://3 --workers 1 wsgi:app
! with gunicorn || serve http ok program.copies=2 gunicorn --log-level warning --workers 1 wsgi:app
