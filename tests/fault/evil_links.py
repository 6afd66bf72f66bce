#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has one worker make each attack of the service `evil` on its link to the helper of an exec listener: the clients of
the other worker get their programs in time and none is lost, and the helper lives. The master sees that
a link is shut, and replaces its worker. Needs a server built with --enable-faults.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import evil as evils  # noqa: E402
import guests  # noqa: E402
import run as running  # noqa: E402

ATTACK_S = 2.5
ANSWER_S = 2.0
AFTER = 40  # clients, of both workers
MENDED_S = 10.0  # for the replacement to serve


class Deed:
    """A word of the service; shuts: the attacker's own clients get no program until it is replaced."""

    def __init__(self, word, shuts=False):
        self.word, self.shuts = word, shuts


DEEDS = (Deed("link-garbage"), Deed("link-flood"), Deed("link-rights"), Deed("link-control"), Deed("link-crowd"),
         Deed("link-shut", shuts=True))


def run_program(run):
    """A client of the exec listener; returns how long its program took."""
    began = time.monotonic()
    client = run.connect(1)
    client.send(b"one message")
    client.expect(b"one message")
    client.end()
    client.expect_end()
    return time.monotonic() - began


def helpers(run):
    return [pid for pid in running.children(run.process.pid) if "prefork-srv: exec" in running.title(pid)]


def endure(run, deed):
    """All clients go to the other worker, since the attacker accepts none meanwhile."""
    slow_s = evils.TIMES * evils.took_before(run)
    line = evils.Line(run)
    line.say(f"{deed.word} {int(ATTACK_S * 1000)}")
    until, count, longest = time.monotonic() + ATTACK_S / 2, 0, 0.0
    while time.monotonic() < until:
        longest = max(longest, run_program(run))
        count += 1
    tried, succeeded = (int(word) for word in line.hear().split()[1:])
    if tried == 0 or succeeded == 0:
        raise running.Fault(f"{succeeded} of {tried} attempts succeeded: it did nothing")
    if longest > max(ANSWER_S, slow_s):
        raise running.Fault(f"a program took {longest:.3f} s")
    line.client.close()
    return f"{succeeded} of {tried} attempts; {count} programs, the slowest in {longest:.3f} s"


def all_are_served(run):
    try:
        for _ in range(AFTER):
            run_program(run)
    except running.Lost:
        return False
    return True


def endure_shut(run, deed):
    """The attacker's own clients get no program until it is replaced; the other worker's do."""
    line = evils.Line(run)
    line.say(f"{deed.word} {int(ATTACK_S * 1000)}")
    until = time.monotonic() + ATTACK_S / 2
    while time.monotonic() < until:
        run_program(run)
    line.hear()
    line.client.close()
    began = time.monotonic()
    while not all_are_served(run):
        if time.monotonic() > began + MENDED_S:
            raise running.Fault(f"clients get no program {MENDED_S} s after it")
    return f"all were served {time.monotonic() - began:.1f} s after it"


def check_end(run):
    log = run.text("stderr")
    if run.code != 0:
        return f"the server left with {run.code}"
    if run.left:
        return f"left behind: {run.left}"
    for event in ("helper_died", "helper_failed", "worker_hung"):
        if f" {event} " in log:
            return event
    return ""


def put_through(server, deed):
    run = running.Run(server, [], "count")

    def act():
        run.write("conf", 'exempt = "127.0.0.1"\n' + ('user = "nobody"\n' if evils.IS_ROOT else "") +
                  'listen "127.0.0.1:0" { service = evil }\n'
                  'listen "127.0.0.1:0" { service = exec  command = {/bin/cat} }\n')
        run.start("-c", run.path("conf"), listeners=2, workers=2)
        run.within = max(evils.WITHIN_S, evils.TIMES * evils.took_before(run))
        before = helpers(run)
        told = endure_shut(run, deed) if deed.shuts else endure(run, deed)
        if not all_are_served(run):
            raise running.Fault("a client was lost after all")
        if helpers(run) != before:
            raise running.Fault(f"the helpers were {before}, and are {helpers(run)}")
        guests.settle(run, None)
        run.stop()
        return told

    wrong, told = evils.put_to_proof(run, act)
    return run.conclude(deed.word, wrong or check_end(run), told)


if __name__ == "__main__":
    sys.exit(evils.run_deeds(__doc__, DEEDS, put_through))
