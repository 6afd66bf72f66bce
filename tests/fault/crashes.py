#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Crashes a worker in each way of the service `fault`, while other clients have sent half a line: the server goes on
serving, and with keepers the other clients continue at the byte where they were. Needs a server built with
--enable-faults.
"""
import argparse
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import run as running  # noqa: E402

# The word, and what it costs beside the connection that says it: none, one (whoever is beside it) or all.
CRASHES = (("null", 0), ("abort", 0), ("loop", 0), ("self", 0), ("neighbour", 1), ("head", 3))


def half_said(run):
    client = run.connect()
    client.send(b"half ")
    return client


def finish(client):
    client.send(b"a line\n")
    client.expect(b"half a line\n")


def crash(run, word):
    others = [half_said(run) for _ in range(3)]
    bad = run.connect()
    bad.send(word.encode() + b"\n")
    try:
        bad.expect_end()
    except running.Lost:
        pass
    for client in others:
        run.attempt(finish, client)
    late = run.connect()
    late.send(b"late\n")
    late.expect(b"late\n")
    for client in run.clients:
        client.close()


def put_through(server, word, cost):
    """What went wrong, or nothing."""
    run = running.Run(server, [], "count")
    wrong, keepers = "", False
    try:
        run.start("-l", "127.0.0.1:0=fault", "-o", "hang_timeout=300ms", "-o", "exempt=127.0.0.1")
        keepers = any(": keeper" in running.title(pid) for pid in running.children(run.process.pid))
        crash(run, word)
        run.stop(signal.SIGTERM)
    except (running.Fault, running.Lost) as e:
        wrong = str(e)
    run.end()
    if not wrong and run.code != 0:
        wrong = f"the server left with {run.code}"
    if not wrong and keepers and len(run.lost) != cost:
        wrong = f"{len(run.lost)} other connections lost instead of {cost}"
    if not wrong and run.left:
        wrong = f"left behind: {run.left}"
    return run.conclude(f"{word} {'with' if keepers else 'without'} keepers", wrong,
                        f"{len(run.lost)} other connections lost")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    server = parser.parse_args().server
    running.adopt_orphans()
    wrong = [word for word, cost in CRASHES if put_through(server, word, cost)]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
