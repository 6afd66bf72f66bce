# SPDX-License-Identifier: MIT
"""The instruments: runs prefork-client bench, keeps each of its lines, holds connections open.

Must not depend on a server, and must not judge.
"""
import contextlib
import csv
import os
import statistics
import subprocess
import time

ROUNDS, TURNS = 5, 2  # turns of each side in a round
COLUMNS = {  # of the file of all lines, with their names in the reports of bench and crowd
    "requests": "answers", "seconds": "seconds", "rate": "rate", "errors": "errors",
    "p50_us": "answer_p50_us", "p99_us": "answer_p99_us", "max_us": "answer_max_us",
    "server_us": "server_cpu_us", "client_us": "client_cpu_us", "ended": "ended",
    "first_end_ms": "first_end_ms", "last_end_ms": "last_end_ms",
    "bytes": "bytes"}


class Row:
    """One figure: `value` is held against `target` (at most); None has none."""

    def __init__(self, title, what, value, target=None, contender=None, ratio=None):
        self.title, self.what, self.contender = title, what, contender
        self.value, self.target, self.ratio = value, target, ratio


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
    """Where things are, how long to measure, and who is told how far it is."""

    def __init__(self, args, screen):
        self.tools, self.binary, self.client = args.tools, args.server, args.client
        self.rounds, self.screen = ROUNDS, screen
        self.turn_s = 0.3  # of one side; set before each work
        self.cpu = None    # that server and client share; chosen before each work
        self.failed = set()  # contenders that could not be started, and for which work
        self.places = {}     # what the jobs of contenders name: root, files, module ...
        self.progress = screen.progress
        self.lines = csv.writer(args.lines) if args.lines else None
        self.header_written = False

    def keep(self, measurement, side, number, text):
        """Keeps the last two lines of a report, names and values, under the names of COLUMNS."""
        found = next(csv.DictReader(text.strip().splitlines()[-2:]))
        line = {ours: float(found.get(name) or 0) for ours, name in COLUMNS.items()}
        if self.lines and not self.header_written:
            self.lines.writerow(["measurement", "side", "round"] + list(line))
            self.header_written = True
        if self.lines:
            self.lines.writerow([measurement, side, number] + [f"{x:g}" for x in line.values()])
        return line

    def load(self, measurement, side, number, server, port, *arguments, pinned=True, seconds=None):
        command = ["taskset", "-c", str(self.cpu)] if pinned else []
        command += [self.client, "bench", "-q", "--csv",
                    "-d", f"{1000 * (seconds or self.turn_s):.0f}ms",
                    "--server-pid", str(server.process.pid), *arguments, f"127.0.0.1:{port}"]
        done = subprocess.run(command, timeout=20, stdin=subprocess.DEVNULL,
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
        text, _ = self.process.communicate(timeout=20)
        return self.bench.keep(measurement, side, number, text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is not None:
            return
        try:
            self.process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def compare(bench, title, start, pinned, afresh=False):
    """The lines of each round by side, and the facts of each side's server after the last.

    start() starts sides (name, server, port, arguments of bench); afresh: anew for each round, as
    one process is not like another. A round gives every side two turns, there and back, so that
    what else this machine does meets all alike.
    """
    lines, facts = {}, {}
    with contextlib.nullcontext() if afresh else start() as kept:
        for number in range(bench.rounds):
            bench.progress(title, number + 1, bench.rounds)
            with start() if afresh else contextlib.nullcontext(kept) as sides:
                turns = {}
                for name, server, port, arguments in (sides + sides[::-1]) * (TURNS // 2):
                    turns.setdefault(name, []).append(
                        bench.load(title, name, number, server, port, *arguments, pinned=pinned))
                facts = {name: (server.spread(), server.user_memory())
                         for name, server, _, _ in sides}
            for name, of_round in turns.items():
                lines.setdefault(name, []).append(merge(of_round))
    return lines, facts


def merge(turns):
    """One line out of several: sums, means by request, and the middle of the latencies."""
    requests = sum(line["requests"] for line in turns)
    merged = {"requests": requests, "errors": sum(line["errors"] for line in turns)}
    merged["rate"] = requests / sum(line["seconds"] for line in turns)
    for key in ("p50_us", "p99_us"):
        merged[key] = statistics.median(line[key] for line in turns)
    for key in ("server_us", "client_us"):
        merged[key] = sum(line[key] * line["requests"] for line in turns) / max(requests, 1)
    return merged
