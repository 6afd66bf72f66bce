# SPDX-License-Identifier: MIT
"""The instruments: runs prefork-client bench, keeps each of its lines, holds connections open.

Must not depend on a server, and must not judge. Used by ratios.py and crowds.py.
"""
import contextlib
import csv
import os
import statistics
import subprocess
import time

TURNS = 4  # of each side in a round
COLUMNS = {  # of the file of all lines, with their names in the reports of bench and crowd
    "requests": "answers", "seconds": "seconds", "rate": "rate", "errors": "errors",
    "p50_us": "answer_p50_us", "p99_us": "answer_p99_us", "max_us": "answer_max_us",
    "server_us": "server_cpu_us", "client_us": "client_cpu_us", "ended": "ended",
    "first_end_ms": "first_end_ms", "last_end_ms": "last_end_ms",
    "bytes": "bytes"}


class Row:
    """One line of the result: `value` is held against `target` (at most); None has none."""

    def __init__(self, title, what, value, target=None, remark=""):
        self.title, self.what, self.remark = title, what, remark
        self.value, self.target = value, target


def busy_ticks():
    with open("/proc/stat") as stat:
        rows = [line.split() for line in stat if line.startswith("cpu") and line[3].isdigit()]
    return {int(row[0][3:]): sum(map(int, row[1:])) - int(row[4]) - int(row[5]) for row in rows}


def quietest_cpu():
    """The CPU, of those this process may use, that others use least at the moment."""
    before = busy_ticks()
    time.sleep(0.5)
    after = busy_ticks()
    cpus = sorted(os.sched_getaffinity(0), reverse=True)
    return min(cpus, key=lambda cpu: after[cpu] - before[cpu])


class Bench:
    """Where things are and how long to measure."""

    def __init__(self, args):
        self.tools, self.binary, self.client = args.tools, args.server, args.client
        self.rounds, self.seconds = args.rounds, args.seconds
        self.cpu = None  # that server and client share; chosen before each measurement
        self.csv = csv.writer(args.csv)
        self.header_written = False

    def keep(self, measurement, side, number, text):
        """Keeps the last two lines of a report, names and values, under the names of COLUMNS."""
        found = next(csv.DictReader(text.strip().splitlines()[-2:]))
        line = {ours: float(found.get(name) or 0) for ours, name in COLUMNS.items()}
        if not self.header_written:
            self.csv.writerow(["measurement", "side", "round"] + list(line))
            self.header_written = True
        self.csv.writerow([measurement, side, number] + [f"{x:g}" for x in line.values()])
        return line

    def load(self, measurement, side, number, server, port, *arguments, pinned=True, seconds=None):
        command = ["taskset", "-c", str(self.cpu)] if pinned else []
        command += [self.client, "bench", "--csv", "-d", f"{seconds or self.seconds / TURNS:g}",
                    "--server-pid", str(server.process.pid), *arguments, f"127.0.0.1:{port}"]
        done = subprocess.run(command, timeout=60, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 1):  # 1: some were lost, which the line tells
            raise RuntimeError(f"prefork-client: exit code {done.returncode}")
        return self.keep(measurement, side, number, done.stdout)

    def hold(self, port, *arguments, cpu=None):
        return Held(self, port, arguments, cpu)


class Held:
    """Connections that stay until let_go, or the end of `with`."""

    def __init__(self, bench, port, arguments, cpu=None):
        self.bench = bench
        command = [] if cpu is None else ["taskset", "-c", str(cpu)]
        command += [f"{bench.tools}/crowd", *arguments, f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def wait_open(self):
        if self.process.stdout.readline() != "open\n":
            raise RuntimeError("crowd: not all connections could be opened")

    def let_go(self, measurement, side, number):
        text, _ = self.process.communicate(timeout=60)
        return self.bench.keep(measurement, side, number, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.communicate(timeout=60)


def compare(bench, title, sides, pinned=True):
    """Lines of each round and side (name, server, port, arguments of bench)."""
    return compare_afresh(bench, title, lambda: contextlib.nullcontext(sides), pinned)


def compare_afresh(bench, title, start, pinned=True):
    """The same with servers that start() starts for each round: one process is not like another.

    A round gives every side four short turns, there and back, so that what else this machine does
    meets all alike.
    """
    lines = {}
    for number in range(bench.rounds):
        turns = {}
        with start() as sides:
            for name, server, port, arguments in (sides + sides[::-1]) * (TURNS // 2):
                turns.setdefault(name, []).append(
                    bench.load(title, name, number, server, port, *arguments, pinned=pinned))
        for name, of_round in turns.items():
            lines.setdefault(name, []).append(merge(of_round))
    return lines


def merge(turns):
    """One line out of several: sums, means by request, and the middle of the latencies."""
    requests = sum(line["requests"] for line in turns)
    merged = {"requests": requests, "errors": sum(line["errors"] for line in turns)}
    merged["rate"] = requests / sum(line["seconds"] for line in turns)
    for key in ("p50_us", "p99_us"):
        merged[key] = statistics.median(line[key] for line in turns)
    for key in ("server_us", "client_us"):
        merged[key] = sum(line[key] * line["requests"] for line in turns) / requests
    return merged


def both_us(line):
    return line["server_us"] + line["client_us"]


def ratio_row(title, lines, ours, other, target=None):
    pairs = list(zip(lines[ours], lines[other]))
    ratios = [a["server_us"] / b["server_us"] for a, b in pairs]
    both = statistics.median(both_us(a) / both_us(b) for a, b in pairs)
    ours_us, other_us = (statistics.median(line["server_us"] for line in lines[name])
                         for name in (ours, other))
    errors = sum(a["errors"] + b["errors"] for a, b in pairs)
    what = (f"{ours} {ours_us:.2f} us, {other} {other_us:.2f} us; rounds {min(ratios):.2f} to "
            f"{max(ratios):.2f}; with the client's share {both:.2f}")
    return Row(title, what, statistics.median(ratios), target,
               f"{errors:.0f} errors" if errors else "")
