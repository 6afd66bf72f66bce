#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has one worker make each attack of the service `evil` on the doors of the others: their clients are answered in time
and none is lost, also while a reload and TTOU move them through the doors. Needs a server built with --enable-faults.
"""
import os
import re
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import evil as evils  # noqa: E402
import run as running  # noqa: E402
import talks  # noqa: E402

WORKERS = 3
CLIENTS = 60
BUSY_TICKS = 3  # of processor time, after which a worker attacks
STEP_S = 0.8  # of messages between two steps
ATTACK_S = 6  # beyond all steps; the attacker is killed at the end of the reload, or by the stop
RELOAD_S = 8  # longer than RELOAD_HANDING_MS and RELOAD_MOVING_MS together
MESSAGE, ANSWER = talks.message(b"one message"), talks.message(talks.REPLY)
CUT = 6
ANSWER_S = 2.0  # twice the time for which a sender waits for a receiver whose door is full


class Deed:
    """A word of the service; hang_s: hang_timeout; ends: it is killed as hung meanwhile; answer_s: the longest wait of a
    client; shuts: connections do not move, and end as in a graceful stop."""

    def __init__(self, word, hang_s=30, ends=False, answer_s=ANSWER_S, shuts=False):
        self.word, self.hang_s, self.ends, self.answer_s, self.shuts = word, hang_s, ends, answer_s, shuts


DEEDS = (Deed("door-garbage"), Deed("door-forged"), Deed("door-halves"), Deed("door-rights"), Deed("door-notes"),
         Deed("door-begun", hang_s=2, ends=True, answer_s=5.0), Deed("door-shut", shuts=True))


class Crowd:
    """Clients of echo, which speak in turns."""

    def __init__(self, run):
        self.clients = [run.connect(1) for _ in range(CLIENTS)]
        self.count, self.longest = 0, 0.0

    def round(self):
        for client in self.clients:
            text = f"message {self.count}".encode()
            began = time.monotonic()
            client.send(text)
            client.expect(text)
            self.longest = max(self.longest, time.monotonic() - began)
            self.count += 1

    def talk(self, seconds):
        until = time.monotonic() + seconds
        self.round()
        while time.monotonic() < until:
            self.round()

    def talk_until(self, what, seconds, condition):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise running.Fault(f"{what}: not within {seconds} s")
            self.round()


def ticks(pid):
    """The processor time of a process (proc(5))."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def begin_attack(run, deed):
    """From its return on the worker accepts no connection."""
    line = evils.Line(run)
    before = ticks(line.pid)
    line.say(f"{deed.word} {ATTACK_S * 1000}")
    until = time.monotonic() + running.BOUND_S
    while ticks(line.pid) < before + BUSY_TICKS:
        if time.monotonic() > until:
            raise running.Fault("the attack does not begin")
        select.select([line.client.socket], [], [], 0.01)
    return line


def reload(run, crowd):
    order = run.order("reload")
    crowd.talk_until("-s reload", RELOAD_S, lambda: order[1].poll() is not None)
    code, said = run.result(order)
    if code != 0:
        raise running.Fault(f"-s reload failed: {said.strip()}")
    return said.strip()


def moved_by(said):
    return int(re.search(r"(\d+) connections? moved", said)[1]) if "moved" in said else 0


def retire_one(run, crowd):
    before = len(run.workers())
    run.process.send_signal(signal.SIGTTOU)
    crowd.talk_until("TTOU", RELOAD_S, lambda: len(run.workers()) < before)


def move_all(run, crowd):
    """Retires a worker and reloads: all clients go on. Returns what -s reload said."""
    retire_one(run, crowd)
    crowd.talk(STEP_S)
    said = reload(run, crowd)
    crowd.talk(STEP_S)
    if moved_by(said) < CLIENTS:
        raise running.Fault(f"{moved_by(said)} of {CLIENTS} connections moved: {said}")
    return said


def endure(run, deed):
    slow_s = evils.TIMES * evils.took_before(run)  # the machine is busy
    line = begin_attack(run, deed)
    crowd = Crowd(run)
    crowd.talk(STEP_S)
    if deed.ends:  # hang_timeout, a look at it, and the time of an abort
        crowd.talk_until("the end of the attacker", 4 * deed.hang_s, lambda: "worker_hung" in run.text("stderr"))
    said = move_all(run, crowd)
    if crowd.longest > max(deed.answer_s, slow_s):
        raise running.Fault(f"an answer took {crowd.longest:.3f} s")
    for client in crowd.clients + [line.client]:
        client.close()
    return f"{crowd.count} messages, the slowest in {crowd.longest:.3f} s; {said}"


class Halves:
    """Clients of ack: the first half of them rest, the others have begun with a message."""

    def __init__(self, run):
        self.clients = [run.connect(2) for _ in range(CLIENTS)]
        for client in self.clients:
            client.send(MESSAGE)
            client.expect(ANSWER)
        self.resting, self.begun = self.clients[:CLIENTS // 2], self.clients[CLIENTS // 2:]
        for client in self.begun:
            client.send(MESSAGE[:CUT])

    def finish(self):
        """Each gets its answer, and then, as those that rest, an orderly end."""
        for client in self.begun:
            client.send(MESSAGE[CUT:])
            client.expect(ANSWER)
        for client in self.clients:
            client.expect_end()


def reload_shut(run):
    code, said = run.ask("reload")
    if code != 0:
        raise running.Fault(f"-s reload failed: {said.strip()}")
    if moved_by(said) > 0:
        raise running.Fault(f"connections moved through doors that are shut: {said.strip()}")


def endure_shut(run, deed):
    """The next reload moves nothing; the workers that it starts have doors of their own, and the reload after it moves all."""
    line = evils.Line(run)
    line.say(f"{deed.word} 1")
    tried, succeeded = (int(word) for word in line.hear().split()[1:])
    if succeeded == 0 or succeeded < tried // 2:
        raise running.Fault(f"{succeeded} of {tried} doors were shut")
    halves = Halves(run)
    reload_shut(run)
    halves.finish()
    line.client.expect_end()
    crowd = Crowd(run)
    said = move_all(run, crowd)
    return f"{succeeded} of {tried} attempts; {2 * CLIENTS} clients ended in order; then {said}"


def check_end(run, deed, attacker):
    log = run.text("stderr")
    if run.code != 0:
        return f"the server left with {run.code}"
    if run.left:
        return f"left behind: {run.left}"
    for found in re.findall(r"worker_(?:hung|crashed) .*?child_pid=(\d+)", log):
        if int(found) != attacker or not deed.ends:
            return f"process {found} was taken for hung or crashed; the attacker is {attacker}"
    return ""


def put_through(server, deed):
    run = running.Run(server, [], "count")
    arguments = ["-l", "127.0.0.1:0=evil", "-l", "127.0.0.1:0=echo", "-l",
                 "127.0.0.1:0=ack,framing=length", "-o", f"hang_timeout={deed.hang_s}s", "-o",
                 "exempt=127.0.0.1"]

    def act():
        run.start(*arguments, *(["-o", "user=nobody"] if evils.IS_ROOT else []), listeners=3, workers=WORKERS, grace="5s")
        told = endure_shut(run, deed) if deed.shuts else endure(run, deed)
        run.stop()
        return told

    wrong, told = evils.put_to_proof(run, act)
    attacker = int((re.findall(r"worker_hung .*?child_pid=(\d+)", run.text("stderr")) or ["0"])[0])
    wrong = wrong or check_end(run, deed, attacker)
    return run.conclude(deed.word, wrong, told)


if __name__ == "__main__":
    sys.exit(evils.run_deeds(__doc__, DEEDS, put_through))
