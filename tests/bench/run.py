#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The race: measures prefork-srv beside the other servers that are installed, on loopback.

Prints a table and writes a CSV. All rounds are interleaved; ratios are of the processor time of
the servers' processes for an answer. Ends within the budget of time. `./dev bench` runs it.
"""
import argparse
import os
import resource
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import contenders  # noqa: E402
import gauge  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import works  # noqa: E402

TOOLS = ("minimal", "crowd", "spread", "answer")
TURN_S = (0.05, 0.5)  # the shortest and the longest turn of a side
CSV = "race.csv"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Budget:
    """Divides the time that is left among the works that are left."""

    def __init__(self, seconds, chosen):
        self.end, self.chosen = time.monotonic() + seconds, list(chosen)
        self.began = self.planned_end = time.monotonic()
        self.planned_s = 0  # of the works that are done

    def turn_s(self, number):
        """Length of a turn, so that the works from this one on can end in time; 0: they cannot."""
        rest, now = self.chosen[number:], time.monotonic()
        slowness = self.slowness(now)
        fixed = sum(work.cost(0) for work in rest) * slowness
        turns = sum(work.cost(1) for work in rest) * slowness - fixed
        fair = (self.end - now - fixed) / turns if turns else TURN_S[1]
        length = min(TURN_S[1], fair)
        if length < TURN_S[0] or now > self.end:
            return 0
        self.planned_end = now + fixed + turns * length
        self.planned_s += rest[0].cost(length)
        return length

    def slowness(self, now):
        """How much longer than planned the works took so far: others may use this machine."""
        return min(3, max(1, (now - self.began) / self.planned_s)) if self.planned_s else 1

    def left_s(self):
        """Seconds that the works need that are left, one of which has begun."""
        return self.planned_end - time.monotonic()


def what_is_there():
    """Lines of --list: the works, then the contenders."""
    yield "works:"
    for work in works.WORKS:
        yield f"  {work.name:18} {work.what}"
    yield "contenders:"
    for row in contenders.ROWS:
        jobs = " ".join(row.jobs) or "no work yet"
        yield f"  {row.name:18} {absence(row) or 'there':22} {jobs}"[:100].rstrip()


def absence(row):
    """None, or what to say where it is not."""
    try:
        row.need()
    except peers.Missing:
        return "not installed"
    return None


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="WORK", help="works to run (all); see --list")
    parser.add_argument("--list", action="store_true", help="list the works and the contenders")
    parser.add_argument("--packages", action="store_true",
                        help="print the Debian packages of the contenders")
    parser.add_argument("--csv", default=CSV, metavar="FILE", help=f"results ({CSV})")
    parser.add_argument("--lines", type=argparse.FileType("w"), metavar="FILE",
                        help="also write each line of prefork-client bench")
    parser.add_argument("--budget", type=float, default=840, metavar="SECONDS",
                        help="time for all works (840)")
    parser.add_argument("--server", default=os.environ.get("PREFORK_SRV", "build/prefork-srv"),
                        metavar="PROGRAM", help="the program to measure (build/prefork-srv)")
    parser.add_argument("--client", default="build/prefork-client", metavar="PROGRAM",
                        help="the program to measure with (build/prefork-client)")
    parser.add_argument("--tools", default="build/tests/bench", metavar="FOLDER",
                        help=f"folder of {', '.join(TOOLS)} (build/tests/bench)")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in works.BY_NAME]
    if unknown:
        parser.exit(64, f"bench: {unknown[0]}: no such work; there are:\n  "
                    + "\n  ".join(works.BY_NAME) + "\n")
    return args


def check_tools(args):
    for path in [args.server, args.client] + [f"{args.tools}/{name}" for name in TOOLS]:
        if not os.access(path, os.X_OK):
            sys.exit(f"bench: {path}: not there (make bench builds it)")


def leave(number, _):
    """Ends the run and its servers. A second signal must not end their end."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def allow_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def give_up(*_):
    raise RuntimeError("it took too long")


def run_work(bench, work, screen, writer, most_s):
    """Shows and writes what it yields. Tells of what went wrong, or takes longer than most_s, and
    goes on. Returns the rows, and whether nothing went wrong.
    """
    rows = []
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(max(1, int(most_s)))
    try:
        for result in work.run(bench):
            rows.append(report.as_row(work.name, result))
            screen.show(rows[-1], work.what)
            writer.add(rows[-1])
    except (peers.Missing, RuntimeError, OSError, subprocess.SubprocessError) as why:
        screen.say(f"\n{work.name}: left out: {why}")
        return rows, False
    finally:
        signal.alarm(0)
    return rows, True


def run_all(args, chosen, screen, writer):
    """Returns whether all could be measured, and the rows."""
    budget, bench, rows, is_whole = Budget(args.budget, chosen), gauge.Bench(args, screen), [], True
    screen.left_s = budget.left_s
    with works.places(bench) as bench.places:
        for number, work in enumerate(chosen):
            bench.turn_s = budget.turn_s(number)
            if not bench.turn_s:
                screen.say(f"\n{work.name}: left out: the time is up (--budget)")
                is_whole = False
                continue
            bench.cpu = gauge.quietest_cpu()
            most_s = min(30 + 3 * work.cost(bench.turn_s), 30 + budget.end - time.monotonic())
            found, is_done = run_work(bench, work, screen, writer, most_s)
            rows += found
            is_whole = is_whole and is_done
    screen.clear()
    return is_whole, rows


def conclude(rows, screen):
    beyond = [row for row in rows if report.is_beyond(row)]
    held = [row for row in rows if "target" in row or "rate_target" in row]
    screen.say(f"\n{len(held) - len(beyond)} of {len(held)} targets are met")
    for row in beyond:
        where = f"{row['work']} {row.get('cores', '')} {row.get('workers', '')}".strip()
        screen.say(f"  beyond: {where}: {row.get('contender') or row['figure']}"[:100])


def main():
    args = read_arguments()
    if args.list or args.packages:
        print("\n".join(what_is_there() if args.list else contenders.packages()))
        return 0
    check_tools(args)
    os.umask(0o022)  # servers read the files as another user
    allow_descriptors()
    for number in SIGNALS:
        signal.signal(number, leave)
    chosen = [work for work in works.WORKS if not args.names or work.name in args.names]
    screen, about = report.Screen(sys.stdout, sys.stderr), report.machine()
    screen.say(", ".join(about.values()))
    screen.say(report.LEGEND)
    for row in contenders.ROWS:
        if not row.variant and absence(row):
            screen.say(f"left out: {row.name} is not installed (./dev bench --install)")
    with open(args.csv, "w", newline="") as stream:
        is_whole, rows = run_all(args, chosen, screen, report.Writer(stream, about))
    conclude(rows, screen)
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
