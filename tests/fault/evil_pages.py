#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has one worker write garbage to all memory that workers share (`scribble` of the service `evil`) where it misleads
others the most: upstreams in each way of balancing, with limits, checks and slow_start. The other worker goes on
with the connections that it has, the master answers, and once the attacker has gone all clients are served again.
Needs a server built with --enable-faults.
"""
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import evil as evils  # noqa: E402
import facts  # noqa: E402
import guests  # noqa: E402
import run as running  # noqa: E402
import talks  # noqa: E402

ATTACK_S = 3.0
STEP_S = 0.5  # of messages between two steps
ANSWER_S = 2.0
HEALED_S = 20.0  # after the attack; a server that is taken for failed is tried again within fail_timeout
PAIRS = 24  # held, by both workers
SIZES = (100, 50_000)  # the second one is in bulk

CONF = """\
exempt = "127.0.0.1"
hang_timeout = {hang}s
{user}upstream "u" {{
	server = {{"127.0.0.1:{port} weight=3", "localhost:{port}", "127.0.0.1:1 down"}}
	max_connections = 1000  queue_timeout = 1s  fail_timeout = 1s  resolve_interval = 1s
	{more}
}}
listen "127.0.0.1:0" {{ service = evil }}
listen "127.0.0.1:0" {{ service = proxy  upstream = "u"  {limits} }}
listen "127.0.0.1:0" {{ service = echo  {limits} }}
"""
LIMITS = "max_connections = 1000  max_per_source = 900  rate = 10000  rate_per_source = 9000  on_limit = {}"


class Deed:
    """What the upstream has, and what happens beyond a limit."""

    def __init__(self, word, more, on_limit):
        self.word, self.more, self.on_limit = word, more, on_limit


DEEDS = (Deed("least_conn", "balance = least_conn  check = connect  check_interval = 100ms", "wait"),
         Deed("round_robin", "balance = round_robin  slow_start = 10s", "close"),
         Deed("random", "balance = random  check = connect  check_interval = 100ms  slow_start = 1s", "reset"),
         Deed("hash", "balance = hash", "wait"))


def converse(client, size):
    text = talks.PATTERN[:size]
    client.send(text)
    client.expect(text)


def pairs_of(run, pid, clients):
    """Those clients whose connection that worker has."""
    held, served = set(facts.held_sockets(pid)), dict(facts.server_ends(run))
    names = {served[inode] for inode in held if inode in served}
    return [client for client in clients if client.name() in names]


def talk(run, line, pairs, seconds):
    """Returns the longest time that one of them took."""
    until, longest = time.monotonic() + seconds, 0.0
    while True:
        for size in SIZES:
            for client in pairs:
                began = time.monotonic()
                converse(client, size)
                longest = max(longest, time.monotonic() - began)
        line.exchange("a message")
        if time.monotonic() > until:
            return longest


def knock(run):
    """New clients may be misled: all that counts is that they do not harm."""
    for index in (1, 2):
        try:
            client = run.connect(index)
            client.send(b"a message")
            select.select([client.socket], [], [], 0.01)
            client.close()
        except running.Lost:
            pass


def are_all_served(run):
    """New clients, of all workers."""
    try:
        for index in (1, 2):
            for _ in range(PAIRS):
                client = run.connect(index)
                client.socket.settimeout(STEP_S)
                converse(client, SIZES[0])
                client.close()
    except (running.Lost, running.Fault):
        return False
    return True


def wait_until_healed(run):
    began = time.monotonic()
    while not are_all_served(run):
        if time.monotonic() > began + HEALED_S:
            raise running.Fault(f"new clients are not served {HEALED_S} s after the attack")
    return time.monotonic() - began


def endure(run):
    evil, good = evils.two_workers(run)
    run.within = max(evils.WITHIN_S, evils.TIMES * evils.took_before(run))
    clients = [run.connect(1) for _ in range(PAIRS)]
    for client in clients:
        converse(client, SIZES[0])
    pairs = pairs_of(run, good.pid, clients)
    if not pairs:
        raise running.Fault("the worker that serves on has no pair")
    evil.say(f"scribble {int(ATTACK_S * 1000)}")
    longest = 0.0
    for step in (lambda: evils.ask(run, "status"), lambda: evils.replace(run, good), lambda: knock(run)):
        longest = max(longest, talk(run, good, pairs, STEP_S))
        step()
    longest = max(longest, talk(run, good, pairs, STEP_S))
    if longest > max(ANSWER_S, run.within):
        raise running.Fault(f"an answer took {longest:.3f} s")
    evils.counts(run, 0, True)
    tried, _ = (int(word) for word in evil.hear().split()[1:])
    if tried == 0:
        raise running.Fault("it did nothing")
    evils.replace(run, evil)
    healed = wait_until_healed(run)
    evils.ask(run, "reload")
    again = wait_until_healed(run)
    talk(run, evils.Line(run), clients, 0)
    for client in run.clients:
        client.close()
    return f"{tried} attempts; the slowest answer in {longest:.3f} s; new clients: {healed:.1f} s after it, {again:.1f} s after a reload"


def check_end(run):
    log = run.text("stderr")
    if run.code != 0:
        return f"the server left with {run.code}"
    if run.left:
        return f"left behind: {run.left}"
    return next((event for event in ("helper_died", "worker_hung", "worker_failed", "reload_failed", "arena_emptied")
                 if f" {event} " in log), "")


def put_through(server, deed):
    run = running.Run(server, [], "count")

    def act():
        run.write("conf", CONF.format(hang=evils.HANG_S, user='user = "nobody"\n' if evils.IS_ROOT else "",
                                      port=talks.backend(), more=deed.more, limits=LIMITS.format(deed.on_limit)))
        run.start("-c", run.path("conf"), listeners=3, workers=2, grace="5s")
        told = endure(run)
        guests.settle(run, None)
        run.stop()
        return told

    wrong, told = evils.put_to_proof(run, act)
    return run.conclude(deed.word, wrong or check_end(run), told)


if __name__ == "__main__":
    sys.exit(evils.run_deeds(__doc__, DEEDS, put_through))
