#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# No table of the status page is cut in a window of 1280 pixels, even with large numbers. Asks a browser, where there is
# one.
set -euo pipefail

browser=$(command -v chromium || command -v chromium-browser || true)
[ -n "$browser" ] || { echo 'chromium is missing'; exit 77; }
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
cd "$folder"
mkfifo ready
"$PREFORK_SRV" -q -w 2 -p pid -l 127.0.0.1:0=status --ready-fd 3 3> ready 2> log &
pid=$!
read -r address < ready
"$TOP_BUILDDIR/prefork-client" -N "$address" $'GET / HTTP/1.0\r\n\r\n' > answer

# The page as it was sent, with large numbers in the rows of workers, and a line that measures the tables.
sed -E -e '1,/^\r?$/d' answer | sed -E \
	-e '/data-rows="workers"/,/<\/tbody>/{
		s|(<td class="count">)[^<]*|\19,876,543|g
		s|(<td class="bytes">)[^<]*|\1987.6 GiB|g
		s|(<td class="latency">)[^<]*|\198,765.4 s|g
		s|(<td class="seconds">)[^<]*|\1123d 22h|g
		s|(<td class="word">)[^<]*|\1signal 11 (SEGV), 23h ago|g
	}' \
	-e 's|</body>|<script>document.body.dataset.cut = Array.from(document.querySelectorAll(".scroll")).map(\
		s => s.scrollWidth > s.clientWidth ? s.getAttribute("aria-label") : "").join("") \|\| "none"</script></body>|' \
	> page.html
grep -q 'signal 11' page.html
timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking \
	--user-data-dir="$folder/user" --window-size=1280,1400 --dump-dom "file://$folder/page.html" > seen 2> browser.log || { cat browser.log; exit 1; }
grep -o 'data-cut="[^"]*"' seen
grep -q 'data-cut="none"' seen
