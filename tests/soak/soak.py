#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Causes faults in a running prefork-srv while clients record every byte, and reports the cost.

A crash or a hang may cost the one connection that was in hand; no other connection or message may be
lost, repeated or wrong, also while connections move to other workers. A copy of a program that is killed or
told to end may cost its own, a killed helper the one that it had just taken. A program that connections are passed
on to may cost its own when it is killed. The clients' books, the server's
counts and its log must agree, and nothing may be left: no dead process, no descriptor, no program. Ends with a table, and with 0 only if this held. `./dev soak` runs it for a
minute, tests/soak/short.sh for some seconds.
"""
import argparse
import os
import random
import signal
import sys
import time

sys.dont_write_bytecode = True

import driver  # noqa: E402
import ledger  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402
import talks  # noqa: E402
from server import Server, ServerFailed, allow_descriptors  # noqa: E402
from verdict import Verdict  # noqa: E402

PROGRESS_SECONDS = 0.25
DUE_SECONDS = 60  # the most that a run takes longer
# Of a connection that is passed on: both ends of it with their pipes, and what is behind it in this server.
PASSED_PART = 3  # of the guests
DESCRIPTORS = {"relay": 2 + 4 + 1, "peer": 2 + 4}
CACHE = 65  # of a worker: the folder and its open files (services/files/open/file_cache.h)


def positive(text):
    number = float(text)
    if not 0 < number <= 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text}: not a time (more than 0, a day at most)")
    return number


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=positive, default=60, help="how long (60)")
    parser.add_argument("--server", default=os.environ.get("PREFORK_SRV", "build/prefork-srv"),
                        help="the program (PREFORK_SRV, or build/prefork-srv)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--ack", type=int, default=1000, help="connections of ack (1000)")
    parser.add_argument("--echo", type=int, default=200, help="connections of echo (200)")
    parser.add_argument("--guests", type=int, default=60,
                        help="connections of each service that runs code of others (60)")
    parser.add_argument("--hang-ms", type=int, default=1000, help="hang_timeout (1000)")
    parser.add_argument("--without", action="append", default=[], choices=list(driver.PLAN),
                        help="leave this fault out (may be repeated)")
    parser.add_argument("--seed", type=int, default=None,
                        help="repeats a run's dice, not its times")
    parser.add_argument("--log", type=argparse.FileType("w"), default=None,
                        help="file for all that the server logged")
    args = parser.parse_args()
    if args.workers < 2 or min(args.ack, args.echo, args.guests) < 1:
        parser.error("two workers and a connection of each service are needed")
    if not os.access(args.server, os.X_OK):
        parser.error(f"{args.server}: not there (./dev soak builds it)")
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 32)
    return args


class Progress:
    """One line on a terminal, rewritten; elsewhere silence."""

    def __init__(self, seconds):
        self.seconds, self.began, self.shown = seconds, time.monotonic(), 0

    def show(self, did, books):
        now = time.monotonic()
        if not sys.stderr.isatty() or now - self.shown < PROGRESS_SECONDS:
            return
        self.shown = now
        sums = {what: sum(b.counts[what] for b in books) for what in ledger.COUNTS}
        print(f"\r\033[K{now - self.began:3.0f}/{self.seconds:.0f} s: {did['kill'] + did['strike']} kills, "
              f"{did['hang']} hangs, {did['keeper']} keepers, {did['reload']} reloads; "
              f"{sums['opened']} opened, {sums['answered']}/{sums['sent']} answered, "
              f"{sums['lost'] + sums['repeated'] + sums['wrong']} bad",
              end="", file=sys.stderr, flush=True)

    @staticmethod
    def clear():
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def harm(server, harmer, books, seconds):
    """Until the time is over or the server is. On a machine that is slow, until what a soak is for was done once."""
    progress = Progress(seconds)
    until = time.monotonic() + seconds
    at_last = until + DUE_SECONDS
    while (time.monotonic() < until or (harmer.lacks() and time.monotonic() < at_last)) and (
            server.process.poll() is None):
        harmer.step()
        progress.show(harmer.did, books)
        harmer.breathe()
    harmer.end()
    progress.clear()


def soak(args):
    passed = 1 + args.guests // PASSED_PART
    numbers = {"ack": args.ack, "echo": args.echo, "relay": passed, "peer": passed}
    held = args.ack + args.echo + 5 * args.guests + CACHE + sum(DESCRIPTORS.values()) * passed
    # Little, so that a crowd can exhaust it; but one worker alone can hold all the clients.
    nofile = 160 + held
    crowd = (driver.MORE_MOST + 1) * nofile - held
    crowd = min(crowd, allow_descriptors(max(crowd, args.ack) + 256) - 256)
    with peers.Peers() as behind, Server(args.server, args.workers, nofile, args.hang_ms, behind) as server:
        books = []
        harmer = driver.Driver(server, random.Random(args.seed), min(1, args.seconds / 30), held,
                               crowd, [what for what in driver.PLAN if what not in args.without])
        try:
            for address, talk in zip(server.addresses, talks.ALL):
                number = numbers.get(talk.service, args.guests)
                books.append(ledger.Ledger(address, talk, number, 1 + number // 10, args.seed))
            harm(server, harmer, books, args.seconds)
            for book in books:
                book.say_finish()
            verdict = Verdict(harmer, books, [book.finish() for book in books])
            verdict.end_server(server, args.workers)
            if args.log:
                args.log.write(server.log.text())
        finally:
            harmer.release()
            for book in books:
                book.kill()
    return verdict


def main():
    args = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    processes.adopt_orphans()
    try:
        verdict = soak(args)
    except ServerFailed as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsoak: interrupted", file=sys.stderr)
        return 130
    verdict.show(args.seed)
    return 0 if verdict.is_good() else 1


if __name__ == "__main__":
    sys.exit(main())
