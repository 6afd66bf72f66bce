#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets each system call of prefork-client and of lessons of prefork-demo fail, once and in each way, at its first,
second ... call: they end by themselves, with a code that their manuals name and, if it is not 0, with a message; a
success that they report is a success. Needs programs built with --enable-faults.
"""
import argparse
import collections
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import run as running  # noqa: E402
import sweep  # noqa: E402

BULK = bytes(range(256)) * 1024  # more than the buffers of a connection

# What is run, what it reads, and what it prints when it ends with 0 (None: not known beforehand).
Scenario = collections.namedtuple("Scenario", "words input wanted")
SCENARIOS = {
    "message": Scenario(("prefork-client", "-w", "2", "-f", "line", "@", "one", "two"), b"", b"one\ntwo\n"),
    "stream": Scenario(("prefork-client", "-w", "2", "-N", "@"), BULK, BULK),
    "story": Scenario(("prefork-client", "-v", "-w", "2", "-f", "length", "@", "one"), b"", b"one\n"),
    "bench": Scenario(("prefork-client", "bench", "-w", "1", "-n", "20", "-c", "4", "-k", "3", "-t", "2", "-q",
                       "--verify", "@"), b"", None),
    "paced": Scenario(("prefork-client", "bench", "-w", "1", "-n", "20", "-c", "4", "-r", "500", "-q", "@"),
                      b"", None),
    "close": Scenario(("prefork-demo", "close-vs-shutdown"), b"", None),
    "passing": Scenario(("prefork-demo", "passing"), b"", None),
    "race": Scenario(("prefork-demo", "accept-race"), b"", None),
    "short": Scenario(("prefork-demo", "short-send", "short-recv"), b"", None),
    "ports": Scenario(("prefork-demo", "ports", "reuseaddr"), b"", None),
}
CODES = {"prefork-client": (0, 1, 68, 69, 71, 77), "prefork-demo": (0, 1, 71, 77)}
settings = None  # of this process: set before the pool is made


def echo(connection):
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass  # the client's doing


def listen():
    """An echo that no fault reaches; its address."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve():
        while True:
            threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def judge(scenario, code, out, said, struck):
    """What is wrong."""
    name = scenario.words[0]
    if code is None:
        return "it does not end"
    if code < 0:
        return f"it died of signal {-code}"
    if code not in CODES[name]:
        return f"it left with {code}"
    if code == 0 and scenario.wanted is not None and out != scenario.wanted:
        return "it left with 0, and what it printed is wrong"
    if code != 0 and not struck:
        return f"it left with {code}, and nothing had failed"
    if code != 0 and name == "prefork-client" and b"prefork-client: " not in said and b"errors " not in out:
        return f"it left with {code} and no sentence"
    if code == 0 and name == "prefork-demo" and not re.search(rb"(\d+) of \1 claims held", out):
        return "it left with 0, and not every claim had held"
    return ""


def try_once(name, fault):
    scenario = SCENARIOS[name]
    run = running.Run(settings.folder, list(settings.rows), fault)  # its folder and its report are used
    words = [settings.address if word == "@" else word for word in scenario.words]
    words[0] = os.path.join(settings.folder, words[0])
    environment = {**os.environ, "NO_COLOR": "1", "PREFORK_FAULT": fault, "PREFORK_FAULT_LOG": run.path("report")}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment)
    try:
        out, said = process.communicate(scenario.input, timeout=running.BOUND_S)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, said = process.communicate()
        code = None
    struck, counts = run.report()
    wrong = judge(scenario, code, out, said, struck)
    run.end()
    if not wrong and run.left:
        wrong = f"left behind: {run.left}"
    run.remove()
    return sweep.Result(name, fault, time.monotonic() - run.began, struck, [wrong] if wrong else [], (said + out[-2000:]).decode(errors="replace"),
                        ({}, counts), 0)


def carry_out(task):
    """One row, one way, n after n, until nothing is left to fail."""
    results = []
    for n in task.numbers:
        results.append(try_once(task.scenario, f"any:{task.row}:{task.error}:{n}"))
        if not results[-1].struck:
            break
    return results


def count(name):
    return try_once(name, "count")


def plan(counted):
    for result in counted:
        for (role, row), times in result.counts[1].items():
            if role != "any" or (settings.row and row not in settings.row.split(",")):
                continue
            for error in settings.rows[row][:1 if settings.reduced else None]:
                yield sweep.Task(result.scenario, role, row, error, range(1, min(times, settings.most) + 1), False)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("--folder", required=True, help="where the programs are")
    parser.add_argument("--tables", required=True)
    parser.add_argument("--most", type=int, default=12, help="calls of a row in a scenario that are tried")
    parser.add_argument("--reduced", action="store_true", help="the first errno alone")
    parser.add_argument("--only", help="scenarios, by commas")
    parser.add_argument("--fault", help="this one fault, as in PREFORK_FAULT; needs --only")
    parser.add_argument("--row", help="rows, by commas")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    return parser.parse_args()


def main():
    global settings  # pylint: disable=global-statement
    settings = read_arguments()
    settings.rows = sweep.read_rows(settings.tables)
    settings.folder = os.path.abspath(settings.folder)
    settings.address = listen()
    began = time.monotonic()
    names = settings.only.split(",") if settings.only else list(SCENARIOS)
    if settings.fault:
        running.adopt_orphans()
        result = try_once(names[0], settings.fault)
        print(result.said, end="")
        return sweep.conclude([result], time.monotonic() - began)
    with multiprocessing.Pool(settings.jobs, running.adopt_orphans) as pool:
        counted = pool.map(count, names)
        for result in counted:
            if result.wrong:
                sweep.tell(result)
                sys.exit(f"faults: {result.scenario} fails without any fault")
        results = sweep.sweep(pool, list(plan(counted)), carry_out)
    return sweep.conclude(results, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
