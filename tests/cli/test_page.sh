#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The status page in a browser, where there is one: no table is cut in a window of 1280 pixels, even with large numbers,
# and page.js shows the rows of programs and upstreams as the server has written them.
set -euo pipefail

browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo 'chromium is missing'; exit 77; }
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
chmod 0755 "$folder" # the copies run as another user where root runs the test
cd "$folder"
cat > app << 'END'
#!/bin/sh
while read -r line; do :; done < pipe
END
chmod 0755 app
mkfifo -m 0666 ready pipe
cat > conf << END
workers = 2
listen "127.0.0.1:0" { service = status }
listen "127.0.0.1:0" { service = program  program = "an application of a long name" }
listen "127.0.0.1:0" { service = proxy  upstream = "a database of a long name" }
upstream "a database of a long name" {
	server = {"127.0.0.1:65535 down", "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535 backup", "unix:$folder/none"}
}
program "an application of a long name" { command = {"$folder/app"}  copies = 2  ready_after = 10ms }
END
"$PREFORK_SRV" -q -p pid -c conf --ready-fd 3 3> ready 2> log &
pid=$!
{ read -r address; } < ready || { cat log; exit 1; }
ask() { "$TOP_BUILDDIR/prefork-client" -N "$address" "GET $1 HTTP/1.0"$'\r\n\r\n' | sed -E '1,/^\r?$/d'; }
# the server counts them once a second
until ask /status.json > status.json && grep -q '"program_copies_ready":2,' status.json; do [ "$SECONDS" -lt 30 ]; done
ask / > served

# dump FILE: the page as the browser has it in the end
dump() {
	timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking \
		--user-data-dir="$folder/user" --window-size=1280,1400 --virtual-time-budget=3000 --dump-dom "file://$folder/$1" \
		2> browser.log || { cat browser.log; exit 1; }
}

# The page as it was sent, with large numbers in the rows, and a line that measures the tables.
sed -E \
	-e '/data-rows="(workers|programs|copies)"/,/<\/tbody>/{
		s|(<td class="count">)[^<]*|\19,876,543|g
		s|(<td class="bytes">)[^<]*|\1987.6 GiB|g
		s|(<td class="latency">)[^<]*|\198,765.4 s|g
		s|(<td class="seconds">)[^<]*|\1123d 22h|g
		s|(<td class="word">)[^<]*|\1signal 11 (SEGV), 23h ago|g
	}' \
	-e '/data-rows="upstreams"/,/<\/tbody>/{
		s|(<td class="count">)[^<]*|\19,876,543|g
		s|(<td class="bytes">)[^<]*|\1987.6 GiB|g
		s|(<td class="latency">)[^<]*|\1876.5 ms|g
		s|(<td class="seconds">)[^<]*|\1123d 22h|g
		s|(<td class="word">)-<|\1upstream_unreachable<|g
	}' \
	-e '/data-rows="copies"/,/<\/tbody>/s|(<td class="word">)[^<]*|\1serving 120 of 400 clients, since the cache was filled at noon|g' \
	-e 's|</body>|<script>document.body.dataset.cut = Array.from(document.querySelectorAll(".scroll")).map(\
		s => s.scrollWidth > s.clientWidth ? s.getAttribute("aria-label") : "").join("") \|\| "none"</script></body>|' \
	served > page.html
[ "$(grep -c 'signal 11' page.html)" -eq 3 ] # two workers and the program
[ "$(grep -c 'cache was filled' page.html)" -eq 2 ]
[ "$(grep -c 'upstream_unreachable' page.html)" -eq 3 ]
dump page.html > seen
grep -o 'data-cut="[^"]*"' seen
grep -q 'data-cut="none"' seen

# The rows that page.js makes of the JSON, in tables that the server has left empty. One copy waits for its start.
# rows: the rows of upstreams, programs and copies alone, without what time changes
rows() {
	sed -n -E '/data-rows="(upstreams|programs|copies)"/,/<\/tbody>/p' | sed -E -e 's|.*<tbody|<tbody|' -e 's|</tr>|&\n|g' |
		sed -E -e 's|[0-9]+[sm]( [0-9]+s)?( ago)?<|TIME<|g' -e 's|>[0-9.]+ .?.?s<|>CPU<|g' -e 's|[0-9.]+ [MK]iB|MEMORY|' \
			-e 's|<th class="word" scope="row">|<th scope="row" class="word">|' -e 's|</?tbody[^>]*>||' -e '/^(<\/table>)?$/d'
}
{
	echo '<script>window.fetch = async () => ({ ok: true, json: async () => ('
	sed -E '/"copy":1,/s/"pid":[0-9]+(.*)"state":"[a-z]*"/"pid":0\1"state":"waiting"/' status.json
	echo ') });</script>'
	sed -E '/data-rows="(upstreams|programs|copies)"/,/<\/tbody>/{/<tr>/d}' served
} > empty.html
[ -z "$(rows < empty.html)" ]
sed -E '/data-rows="copies"/,/<\/tbody>/{
	/<td class="id">1</{
		s|badge [a-z]*">[a-z]*|badge waiting">waiting|
		s|(class="(seconds\|latency\|bytes)">)[^<]*|\1-|g
		s|(</td><td class="id">)[0-9]{2,}|\1-|
	}
}' served | rows > wanted
dump empty.html | rows > made
[ "$(grep -c 'an application of a long name' wanted)" -eq 3 ]
[ "$(grep -c 'a database of a long name' wanted)" -eq 3 ]
diff wanted made
