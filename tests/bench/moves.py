# SPDX-License-Identifier: MIT
"""9,000 idle connections when their worker dies, and when a reload moves them.

Each of the functions recovery and reload takes a gauge.Bench and yields rows. Used by works.py.
"""
import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import threading
import time

import crowds
import peers
from gauge import Row

MOST, TIMES = 9000, 10
LISTEN = "ack,reply=ok,idle_timeout=10m"
CROWD = ("-H", "-c", str(MOST), "-r", "2", "-R", "6000")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def ask(client):
    client.sendall(b"x")
    if client.recv(16) != b"ok":
        raise RuntimeError("a client has lost its connection")


def worker_of(bench, server, client):
    """The number and process id of the worker that serves the client, the only one that asks."""
    before, found = crowds.messages(bench, server), []

    def is_counted():
        now = crowds.messages(bench, server)
        found[:] = [number for number in now if now[number] > before.get(number, 0)]
        return found

    ask(client)
    peers.wait_for(is_counted, 10, "the count of a message")
    return found[0], crowds.spread(bench, server)[found[0]][0]


def clients_of_both(bench, server):
    """One client of each of two workers."""
    found = {}
    while len(found) < 2:
        client = socket.create_connection(("127.0.0.1", server.ports[0]), timeout=30)
        number, _ = worker_of(bench, server, client)
        if found.setdefault(number, client) is not client:
            client.close()
    return [found[number] for number in sorted(found)]


class Probe(threading.Thread):
    """Asks each millisecond until told to stop; knows the longest wait for an answer."""

    def __init__(self, client):
        super().__init__()
        self.client, self.worst_s, self.is_over = client, 0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.001):
            began = time.monotonic()
            ask(self.client)
            self.worst_s = max(self.worst_s, time.monotonic() - began)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


def kill_and_ask(bench, server, client, other):
    """Milliseconds from the death of the client's worker to its answer; and the longest wait of the other's."""
    _, pid = worker_of(bench, server, client)
    with Probe(other) as probe:
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        ask(client)
        taken = time.monotonic() - began
    return taken * 1000, probe.worst_s * 1000


def recovery(bench):
    """Two workers with 9,000 each; one is killed, ten times."""
    bench.progress("recovery")
    with peers.ours(bench.binary, [LISTEN], workers=2) as server, contextlib.ExitStack() as stack:
        helds = [stack.enter_context(bench.hold(server.ports[0], *CROWD)) for _ in range(2)]
        for held in helds:
            held.wait_open()
        client, other = (stack.enter_context(c) for c in clients_of_both(bench, server))
        runs = [kill_and_ask(bench, server, client, other) for _ in range(TIMES)]
        counts = crowds.live(bench, server)
        lines = [held.let_go("recovery", "ours", 0) for held in helds]
    taken = [run[0] for run in runs]
    ended = sum(line["ended"] for line in lines)
    yield Row(f"{MOST} idle connections, a worker's death to its first answer, ms",
              f"median of {TIMES}; {min(taken):.1f} to {max(taken):.1f}; connections by worker "
              f"{' '.join(map(str, counts))}", statistics.median(taken), 10)
    yield Row("the same: connections ended", f"of {2 * MOST}", ended, 0)
    yield Row("the same: longest wait of the other worker's client, ms",
              f"median of {TIMES}", statistics.median(run[1] for run in runs))


def processor_s(pid, and_children):
    with open(f"/proc/{pid}/stat") as stat:
        ticks = list(map(int, stat.read().rsplit(")", 1)[1].split()[11:15]))
    return sum(ticks if and_children else ticks[:2]) * TICK_S


def cost_s(server):
    """Processor time of all processes, also of those that have gone: these the master has reaped.

    When one goes while they are read, all are read again.
    """
    while True:
        try:
            return sum(processor_s(pid, pid == server.process.pid) for pid in server.pids())
        except (FileNotFoundError, ProcessLookupError):
            continue


def reload_once(bench, server):
    """Milliseconds, and connections moved, as -s reload tells."""
    said = subprocess.run([bench.binary, "-p", f"{server.folder}/srv.pid", "-s", "reload"],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    took = int(re.search(r" (\d+) ms", said).group(1))
    moved = re.search(r" ([\d,]+) connections? moved", said)
    return took, int(moved.group(1).replace(",", "")) if moved else 0


def reloads(bench, server):
    """The results of ten, and their processor time in seconds."""
    before = cost_s(server)
    results = [reload_once(bench, server) for _ in range(TIMES)]
    return results, cost_s(server) - before


def reload(bench):
    """Four workers, ten reloads: without connections, then with 9,000."""
    bench.progress("reload")
    with peers.ours(bench.binary, [LISTEN], workers=4) as server:
        _, empty_s = reloads(bench, server)
        with bench.hold(server.ports[0], *CROWD) as held:
            held.wait_open()
            results, full_s = reloads(bench, server)
            line = held.let_go("reload", "ours", 0)
    took = [ms for ms, _ in results]
    moved = sum(count for _, count in results)
    yield Row(f"a reload that moves {MOST} idle connections, 4 workers, ms",
              f"median of {TIMES}; {min(took)} to {max(took)}; {moved / TIMES:.0f} moved each time",
              statistics.median(took), 150)
    yield Row("the same: processor time for each connection, us",
              f"{full_s * 1000:.0f} ms for {moved} and the reloads, {empty_s * 1000:.0f} ms for the "
              f"reloads alone", (full_s - empty_s) * 1e6 / max(moved, 1), 6)
    yield Row("the same: connections ended", f"of {MOST}", line["ended"], 0)
