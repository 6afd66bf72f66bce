#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets each system call fail, in each role and each way, at its first, second ... call of each scenario, and once
kill its process; reports the errors. Needs a server built with --enable-faults, and what guests.py has it run.

A counting run finds how often each row is called; calls of a scenario before the server is ready belong to the
scenario "start", and in the scenarios of guests.py to their own: there others are made. Where a scenario has many
calls of a row, some are tried, spread evenly; in the scenarios of moves.py, passed.py, sites.py and guests.py fewer,
since the master, keepers and children do there much that they do in "reload" and "recovery".
"""
import argparse
import collections
import multiprocessing
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import guests  # noqa: E402
import judge  # noqa: E402
import moves  # noqa: E402
import passed  # noqa: E402
import run as running  # noqa: E402
import scenarios  # noqa: E402
import secured  # noqa: E402
import sites  # noqa: E402

Task = collections.namedtuple("Task", "scenario role row error numbers kill")
Result = collections.namedtuple("Result", "scenario fault seconds struck wrong said counts lost")
MOST_OF_WORKER = {False: 12, True: 64}  # calls of a row that fail, and after which the worker is killed
MOST_OF_OTHERS = 6
SWEPT = ("master", "worker", "keeper", "helper", "child")
SCENARIOS = {**scenarios.ALL, **moves.ALL, **passed.ALL, **sites.ALL, **secured.ALL, **guests.ALL}
settings = None  # of this process: set before the pool is made


def read_rows(tables):
    """{row: its errnos}, in the order of the table."""
    with open(f"{tables}/syscalls.def", encoding="utf-8") as f:
        return {name: errors.split() for name, errors in
                re.findall(r'^SYSCALL\((\w+),.*?"([A-Z0-9 ]+)"\)', f.read(), re.M | re.S)}


def put_through(run, scenario):
    """Leaves in run what there is to judge; returns how often each row had been called when it was ready."""
    begin, go_on = SCENARIOS[scenario]
    begin(run)
    ready = run.report()[1]
    if run.is_told:
        go_on(run)
        if run.code is None and run.is_up():
            run.attempt(scenarios.probe, run)
    elif not run.addresses and ":write:" not in run.fault:
        run.wait()
    if run.code is None:
        run.stop()
    return ready


def try_once(scenario, fault):
    run = running.Run(settings.server, list(settings.rows), fault)
    wrong, ready = [], {}
    try:
        ready = put_through(run, scenario)
    except running.Fault as e:
        wrong.append(str(e))
    except Exception as e:  # pylint: disable=broad-except
        wrong.append(f"the scenario itself: {e!r}")
    run.end()
    struck, counts = run.report()
    has_keepers = any(role == "keeper" for role, _ in counts)
    wrong += judge.judge(run, struck, settings.codes, has_keepers)
    result = Result(scenario, fault, time.monotonic() - run.began, struck, wrong, run.said,
                    (ready, counts), len(run.lost))
    run.remove()
    return result


def count(scenario):
    return try_once(scenario, "count")


def carry_out(task):
    """One row, one way, n after n, until nothing is left to fail."""
    results = []
    for n in task.numbers:
        fault = f"{task.role}:{task.row}:{task.error}:{n}{':kill' if task.kill else ''}"
        result = try_once(task.scenario, fault)
        results.append(result)
        if not result.struck:
            break
    return results


def spread(first, last, most):
    """At most so many of the numbers, with the first and, of more than one, the last."""
    count = last - first + 1
    if count <= most:
        return list(range(first, last + 1))
    return sorted({first + i * (count - 1) // max(1, most - 1) for i in range(most)})


def most_calls(scenario, role, kills):
    if scenario in scenarios.ALL:
        return settings.most
    if settings.reduced and scenario in guests.ALL:
        return 1
    return min(settings.most, MOST_OF_WORKER[kills] if role == "worker" else MOST_OF_OTHERS)


def plan(scenario, counted, rows):
    before, after = counted.counts
    for (role, row), times in after.items():
        first = 1 if scenario == "start" or scenario in guests.ALL else before.get((role, row), 0) + 1
        if role not in SWEPT or first > times:
            continue
        numbers = spread(first, times, most_calls(scenario, role, False))
        for error in () if settings.kills else rows[row][:1 if settings.reduced else None]:
            yield Task(scenario, role, row, error, numbers, False)
        if not settings.reduced:
            numbers = spread(first, times, most_calls(scenario, role, True))
            yield Task(scenario, role, row, rows[row][0], numbers, True)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--tables", required=True)
    parser.add_argument("--most", type=int, default=64,
                        help="calls of a row in a scenario that are tried")
    parser.add_argument("--reduced", action="store_true", help="the first errno alone, and nothing killed")
    parser.add_argument("--kills", action="store_true", help="only kills")
    parser.add_argument("--only", help="scenarios, by commas")
    parser.add_argument("--row", help="rows, by commas")
    parser.add_argument("--fault", help="this one fault, as in PREFORK_FAULT; needs --only")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    return parser.parse_args()


def count_all(pool, names):
    counted = {result.scenario: result for result in pool.map(count, names)}
    for result in counted.values():
        if result.wrong:
            tell(result)
            sys.exit(f"faults: {result.scenario} fails without any fault")
    return counted


def tell(result):
    print(f"FAIL {result.scenario} {result.fault}: {'; '.join(result.wrong)}")
    for line in result.said.splitlines()[-12:]:
        print(f"    {line}")


def sweep(pool, tasks, work=carry_out):
    results, shown = [], 0
    for some in pool.imap_unordered(work, tasks):
        results += some
        for result in some:
            if result.wrong:
                tell(result)
        if sys.stderr.isatty() and len(results) > shown + 50:
            shown = len(results)
            print(f"\r{shown} runs", end="", file=sys.stderr)
    return results


def conclude(results, seconds):
    failed = [result for result in results if result.wrong]
    by_scenario = collections.Counter(result.scenario for result in results)
    print("runs: " + ", ".join(f"{name} {n}" for name, n in by_scenario.items()))
    for result in sorted(results, key=lambda r: -r.seconds)[:5]:
        print(f"slow: {result.seconds:.1f} s {result.scenario} {result.fault}")
    print(f"faults: {len(results)} runs, {sum(1 for r in results if r.struck)} faults struck, "
          f"{len(failed)} failed, {seconds:.0f} s")
    return 1 if failed else 0


def main():
    global settings  # pylint: disable=global-statement
    settings = read_arguments()
    settings.rows = read_rows(settings.tables)
    settings.codes = judge.exit_codes(settings.tables)
    names = settings.only.split(",") if settings.only else list(SCENARIOS)
    began = time.monotonic()
    if any(name in sites.ALL for name in names):
        sites.make()
    with multiprocessing.Pool(settings.jobs, running.adopt_orphans) as pool:
        counted = count_all(pool, names)
    if settings.fault:
        running.adopt_orphans()
        results = [try_once(names[0], settings.fault)]
        print(results[0].said, end="")
        return conclude(results, time.monotonic() - began)
    wanted = settings.row.split(",") if settings.row else settings.rows
    tasks = [task for name in names for task in
             plan(name, counted[name], settings.rows)
             if task.row in wanted]
    with multiprocessing.Pool(settings.jobs, running.adopt_orphans) as pool:
        results = sweep(pool, tasks)
    called = {row for r in counted.values() for _, row in r.counts[1]}
    print(f"calls that no scenario makes: {' '.join(row for row in wanted if row not in called) or 'none'}")
    return conclude(results, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
