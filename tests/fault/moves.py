# SPDX-License-Identifier: MIT
"""Scenarios in which connections outlive their worker: they move to another one, or its successor takes over. Every
connection goes on at the byte where it was.
"""
import re
import signal
import time

import facts
import talks
from run import BOUND_S, Fault, is_gone

SERVICES = ("ack", "echo", "status", "mixed")
LISTENS = "".join(f'listen "127.0.0.1:0" {{ service = {name} {more} }}\n' for name, more in (
    ("ack", "framing = length"), ("echo", "sndbuf = 64k  rcvbuf = 64k"), ("status", ""), ("mixed", "sndbuf = 64k")))
PATIENCE_S = 2.0  # for a change that a fault may prevent
SURPLUS = 8  # what worker/door/rebalance.c leaves, between two workers
MOVED = re.compile(r"ok, \d+ workers?, \d+ ms, (\d+) connections? moved(?:, (\d+) )?")


def begin(run, workers, kinds, more="", listens=LISTENS, services=SERVICES):
    """A server of all services, with a connection of each kind, all of them accepted."""
    run.is_strict = True
    run.probe = lambda: acknowledge(run)
    run.write("conf", more + listens)
    run.start("-c", run.path("conf"), listeners=len(services), workers=workers, grace="10s")
    run.talks = []
    for kind in kinds if run.is_told else ():
        run.attempt(open_talk, run, kind, services)
    facts.settle(run)


def open_talk(run, kind, services):
    talk = kind(run, services.index(kind.service))
    talk.begin()
    run.talks.append(talk)


def acknowledge(run):
    talk = talks.AckResting(run, 0)
    talk.go_on()
    talk.finish()


def each(run, step):
    for talk in run.talks:
        if talk.client not in run.lost:
            run.attempt(getattr(talk, step))


def end_all(run):
    facts.settle(run)
    each(run, "go_on")
    each(run, "finish")
    facts.settle(run)


def check_outcome(run, code, said):
    """What -s reload says is what has happened, or what still happens to those that it says finish."""
    told = facts.status(run)
    if told is None or not run.is_up():
        return
    generation, moved = told["server"]["generation"], told["totals"]["connections_moved_out_total"]["reload"]
    found = MOVED.search(said)
    if code == 0:
        first, more = (int(number or 0) for number in found.groups()) if found else (-1, 0)
        is_true = generation == 2 and first <= moved <= first + more
    else:
        is_true = generation == 1 and moved == 0
    if not is_true:
        raise Fault(f"it says {said.strip()!r}: {moved} have moved, and generation {generation} serves")
    if not run.struck() and moved != len(run.talks):
        raise Fault(f"{moved} of {len(run.talks)} connections have moved")


def start_handover(run):
    begin(run, 2, talks.ALL)


def handover(run):
    order = run.order("reload")
    each(run, "go_on")
    check_outcome(run, *run.result(order))
    end_all(run)


def wait_until(run, is_so):
    """False where it does not become so, which a fault excuses."""
    began = time.monotonic()
    while run.is_serving() and not is_so():
        if time.monotonic() > began + (PATIENCE_S if run.struck() else BOUND_S):
            return False
        is_gone(run.process.pid, facts.TURN_S)
    return True


def loads(run):
    """The connections of each worker that is ready."""
    told = facts.status(run)
    return [worker["live"] for worker in told["workers"] if worker["state"] == "ready"] if told else []


def change_workers(run, number, is_so):
    if run.is_up():
        run.process.send_signal(number)
    each(run, "go_on")
    if not wait_until(run, is_so) and not run.struck():
        raise Fault(f"{signal.Signals(number).name} has had no effect")


def start_retire(run):
    begin(run, 2, talks.ALL)


def retire(run):
    change_workers(run, signal.SIGTTOU, lambda: len(run.workers()) == 1)
    end_all(run)


def is_even(live):
    return len(live) == 2 and max(live) - min(live) <= SURPLUS


def start_rebalance(run):
    begin(run, 1, talks.ALL + talks.ALL[:4])


def rebalance(run):
    change_workers(run, signal.SIGTTIN, lambda: is_even(loads(run)))
    end_all(run)


def start_recover(run):
    begin(run, 1, talks.ALL)


def recover(run):
    run.kill_workers()
    each(run, "go_on")
    end_all(run)


def start_drain(run):
    begin(run, 1, (talks.AckSpeaking, talks.HttpSpeaking, talks.MixedFile), "move_connections = no\n")


def drain(run):
    """The old worker is killed while it waits for the end of its messages."""
    run.ask("reload")
    run.kill_workers("draining")
    facts.settle(run)
    each(run, "finish")
    facts.settle(run)


ALL = {name: (globals()["start_" + name], globals()[name])
       for name in ("handover", "retire", "rebalance", "recover", "drain")}
