#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The dashboard is JSON, queries only existing metrics, and omits none.
set -euo pipefail
cd "$TOP_SRCDIR"

python3 - etc/grafana-dashboard.json src/tables/metrics.def <<'END'
import json
import re
import sys

dashboard, table = sys.argv[1:]
with open(dashboard, encoding="utf-8") as file:
    board = json.load(file)
with open(table, encoding="utf-8") as file:
    known = set(re.findall(r"^METRIC\(\w+, \w+, \w+, (\w+),", file.read(), re.M))
asked = set()
targets = [target for panel in board["panels"] for target in panel["targets"]]
for target in targets + board["annotations"]["list"]:
    asked |= set(re.findall(r"prefork_(\w+?)(?:_bucket)?\{", target["expr"]))
# What tells nothing beside the others: scrapes of one's own, and sums that a panel makes by itself.
silent = {"scrapes_total", "workers", "stopping", "lame_duck_end_time_seconds",
          "accept_queue_length", "accept_queue_highest", "recoveries_total"}
wrong = [f"no such metric: {name}" for name in sorted(asked - known)]
wrong += [f"not in the dashboard: {name}" for name in sorted(known - asked - silent)]
wrong += [f"no metric, or in the dashboard: {name}" for name in sorted(silent & asked | silent - known)]
print("\n".join(wrong))
sys.exit(bool(wrong))
END
