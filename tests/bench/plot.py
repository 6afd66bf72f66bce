#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws the ratios of a race's CSV as SVG with gnuplot, and prints them as a table of Markdown.

A ratio is our processor time for an answer to theirs, on one core with one worker. `./dev plot`
runs it. Must not measure.
"""
import argparse
import subprocess
import sys

sys.dont_write_bytecode = True

import report  # noqa: E402

PEERS = {  # contenders drawn, with gnuplot's type of point and colour
    "minimal": (1, "#555555"), "nginx": (7, "#1b7837"), "haproxy": (5, "#2166ac"),
    "lighttpd": (9, "#b35806"), "apache2": (11, "#c51b7d"), "h2o": (13, "#762a83"),
    "caddy": (15, "#008b8b")}
NAMES = {  # works drawn, from the top, and their labels
    "echo_64": "echo, 64 B", "keepalive": "tiny answer, keep-alive",
    "connection": "tiny answer, new connection", "file_100": "file, 100 B",
    "file_1k": "file, 1 KiB", "file_100k": "file, 100 KiB", "file_10m": "file, 10 MiB",
    "proxy_64": "TCP proxy, 64 B", "proxy_connection": "TCP proxy, new connection",
    "proxy_bulk": "TCP proxy, bulk", "proxy_memory": "memory of an idle proxied pair",
    "idle_memory": "memory of an idle connection"}
SCRIPT = """
set terminal svg size 900,{height} background rgb 'white' font 'sans-serif,15'
set output '{svg}'
set title "prefork-srv to other servers, on one core: left of 1 it needs less\\n{about}" noenhanced
set logscale x 2
set xrange [{low}:{high}]
set xtics ({tics})
set yrange [{bottom}:0.6]
set ytics ({labels}) noenhanced
set grid xtics ytics linecolor rgb '#d0d0d0'
set arrow from 1,graph 0 to 1,graph 1 nohead linewidth 2 linecolor rgb '#000000' front
set xlabel 'processor time for an answer, or memory: ours to theirs (logarithmic)'
set key outside right top Left reverse noenhanced
plot {plots}
"""
LEAST = 0.1  # drawn: what is less stands there as well
TICS = {LEAST: "<= 0.1", **{tic: f"{tic:g}" for tic in (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)}}


def ratios(rows):
    """Ratio by work and peer: of races on one core, and of figures with a ratio."""
    found = {}
    for row in rows:
        is_drawn = row["cores"] == "one" and not row["figure"] or row["figure"]
        if row["work"] in NAMES and row["contender"] in PEERS and row["ratio"] and is_drawn:
            found.setdefault(row["work"], {})[row["contender"]] = float(row["ratio"])
    return {work: found[work] for work in NAMES if work in found}


def present(found):
    return [peer for peer in PEERS if any(peer in of_work for of_work in found.values())]


def told(about):
    return (f"{about.get('cpu', '?')}, {about.get('cores', '?')} cores, "
            f"{about.get('kernel', '?')}, {about.get('date', '?')}").replace("'", "")


def script(about, rows, svg):
    """gnuplot's commands and data."""
    found = ratios(rows)
    if not found:
        raise ValueError("no ratio on one core in it")
    highest = max([1] + [ratio for of_work in found.values() for ratio in of_work.values()])
    peers = present(found)
    plots = [f"'-' using 1:2 with points pointtype {PEERS[peer][0]} pointsize 1.3 "
             f"linewidth 2 linecolor rgb '{PEERS[peer][1]}' title '{peer}'" for peer in peers]
    data = ""
    for index, peer in enumerate(peers):
        beside = 0.09 * (len(peers) / 2 - index)  # above each other, where they would be one
        for number, of_work in enumerate(found.values()):
            if peer in of_work:
                data += f"{max(of_work[peer], LEAST):g} {beside - number:g}\n"
        data += "e\n"
    labels = ", ".join(f"'{NAMES[work]}' {-number}" for number, work in enumerate(found))
    return SCRIPT.format(
        svg=svg, about=told(about), height=170 + 38 * len(found), labels=labels,
        tics=", ".join(f"'{label}' {tic}" for tic, label in TICS.items()),
        bottom=0.4 - len(found), low=LEAST / 1.1, high=highest * 1.15,
        plots=", \\\n     ".join(plots)) + data


def markdown(rows):
    """Lines of a table: a work each, a column for each peer."""
    found = ratios(rows)
    peers = present(found)
    yield f"| ours to | {' | '.join(peers)} |"
    yield "|---|" + "---|" * len(peers)
    for work, of_work in found.items():
        cells = (f"{of_work[peer]:.2f}" if peer in of_work else "" for peer in peers)
        yield f"| {NAMES[work]} | {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv", type=argparse.FileType(), help="what the race has written")
    parser.add_argument("svg", help="the picture to write")
    args = parser.parse_args()
    try:
        about, rows = report.read(args.csv)
        commands = script(about, rows, args.svg)
        subprocess.run(["gnuplot"], input=commands, text=True, check=True)
    except (ValueError, OSError, subprocess.CalledProcessError) as why:
        parser.exit(1, f"plot: {args.csv.name}: {why}\n")
    print("\n".join(markdown(rows)))


if __name__ == "__main__":
    main()
