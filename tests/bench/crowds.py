# SPDX-License-Identifier: MIT
"""The effect of many connections on a server: balance, cost, and the delay of other clients.

Each of the functions balance, idle_memory, slow and greedy takes a gauge.Bench and yields rows.
Used by works.py.
"""
import contextlib
import os
import signal
import statistics
import subprocess
import time

import contenders
import peers
from gauge import Row


def slots(bench, server):
    """Number, process id, live connections and messages of each worker."""
    text = subprocess.run([f"{bench.tools}/spread", server.scoreboard], check=True,
                          stdout=subprocess.PIPE, text=True)
    return [list(map(int, line.split())) for line in text.stdout.splitlines()]


def spread(bench, server):
    """Process id and live connections by worker number."""
    return {number: (pid, live) for number, pid, live, _ in sorted(slots(bench, server))}


def messages(bench, server):
    return {number: count for number, _, _, count in slots(bench, server)}


def live(bench, server):
    return [count for _, count in spread(bench, server).values()]


def variation(counts):
    return statistics.pstdev(counts) / statistics.mean(counts)


def all_gone(bench, server):
    peers.wait_for(lambda: sum(live(bench, server)) == 0, 15, "the connections' end")


def held_sample(bench, server, title, number, *arguments):
    with bench.hold(server.ports[0], "-H", "-c", "400", *arguments) as held:
        held.wait_open()
        counts = live(bench, server)
        held.let_go(title, "ours", number)
    all_gone(bench, server)
    return counts


def loaded_sample(bench, server, number):
    """400 connections opened at 200/s, each echoing without pause from its first moment."""
    arguments = ("-A", "-c", "400", "-R", "200")
    with bench.hold(server.ports[0], *arguments) as busy:
        peers.wait_for(lambda: sum(live(bench, server)) == 400, 10, "400 connections")
        counts = live(bench, server)
        busy.let_go("balance under load", "ours", number)
    all_gone(bench, server)
    return counts


def refill_sample(bench, server, number):
    """A worker is killed; then as many connections as were lost are opened anew at 200/s."""
    title = "balance refill"
    with bench.hold(server.ports[0], "-H", "-c", "400", "-R", "400") as held:
        held.wait_open()
        before = spread(bench, server)
        victim, (pid, _) = list(before.items())[number % len(before)]
        os.kill(pid, signal.SIGKILL)
        peers.wait_for(lambda: spread(bench, server).get(victim, (pid, 0))[0] != pid, 10,
                       "the worker's return")
        more = max(100, 400 - sum(live(bench, server)))
        arguments = ("-H", "-c", str(more), "-R", "200")
        with bench.hold(server.ports[0], *arguments) as again:
            again.wait_open()
            counts = live(bench, server)
            again.let_go(title, "ours", number)
        held.let_go(title, "ours, before", number)
    all_gone(bench, server)
    return counts


def balance_row(title, samples, target):
    values = [variation(counts) for counts in samples]
    worst = samples[values.index(max(values))]
    runs = ", ".join(f"{value:.3f}" for value in values)
    return Row(f"CV, {title}", f"runs {runs}; in the worst {' '.join(map(str, worst))}",
               max(values), target)


def balance(bench):
    times = range(3)
    bench.progress("balance")
    with peers.ours(bench.binary, ["echo"], workers=4) as server:
        yield balance_row("4 workers, 400 connections at 200/s",
                          [held_sample(bench, server, "balance slow", n, "-R", "200")
                           for n in times], 0.015)
        yield balance_row("4 workers, a burst of 400",
                          [held_sample(bench, server, "balance burst", n) for n in times], 0.02)
        yield balance_row("4 workers, 400 at 200/s, all echoing",
                          [loaded_sample(bench, server, n) for n in times], 0.03)
        yield balance_row("4 workers, one killed and filled again at 200/s",
                          [refill_sample(bench, server, n) for n in times], 0.05)


def memory_of(bench, server, *arguments):
    """Bytes for a connection that has had one answer and rests, of 10,000.

    The first 400 come and go before, so that what is touched once for all is not counted; what
    they left behind is not counted either.
    """
    title, most, warm = "idle_memory", 10000, 400
    bench.progress(f"{title} of {server.name}")
    with bench.hold(server.ports[0], "-H", "-c", str(warm), *arguments) as held:
        held.wait_open()
        held.let_go(title, server.name + ", warm", 0)
    time.sleep(0.5)
    before = server.user_memory()
    with bench.hold(server.ports[0], "-H", "-c", str(most), "-R", "6000", *arguments) as held:
        held.wait_open()
        after = server.user_memory()
        held.let_go(title, server.name, 0)
    what = f"{before // 1024} KiB before, {after // 1024} KiB with {most}"
    return (after - before) / (most - warm), what


def idle_memory(bench):
    title = "bytes of user memory for an idle connection"
    ours = contenders.ALL["prefork-srv"]
    with ours.start(bench, "raw", 4) as server:
        value, what = memory_of(bench, server, "-r", str(len(contenders.REPLY)))
        yield Row(f"{title}, ack", what, value, 220, ours.name)
    first = None
    for name in contenders.who_can("tiny"):
        if name == "minimal":
            continue
        with contextlib.suppress(peers.Missing), \
                contenders.ALL[name].start(bench, "tiny", 4, **bench.places) as server:
            value, what = memory_of(bench, server, "-g", "/healthz")
            ratio = first / value if first else None
            first = first or value
            yield Row(f"{title}, HTTP", what, value, None, name, ratio)


def slow_rounds(bench, server, title):
    """Eight connections ask without pause, without and with 2,000 slow senders."""
    quiet, busy = [], []
    port, probe = server.ports[0], ("-c", "8", "-m", "hello\\n", "-a", "3")
    for number in range(2 * bench.rounds):
        bench.progress(title, number + 1, 2 * bench.rounds)
        quiet.append(bench.load(title, "without", number, server, port, *probe, pinned=False))
        with bench.hold(port, "-S", "-c", "2000") as held:
            held.wait_open()
            busy.append(bench.load(title, "with", number, server, port, *probe, pinned=False))
            held.let_go(title, "senders", number)
    return quiet, busy


def slow(bench):
    """Slow senders send one byte a second of a line that never ends."""
    title = "2,000 slow senders"
    listens = [f"ack,framing=line,reply=ok,message_timeout={limit}" for limit in ("60s", "2s")]
    with peers.ours(bench.binary, listens, cpu=bench.cpu) as server:
        quiet, busy = slow_rounds(bench, server, title)
        for name, target in (("p50_us", 1.10), ("p99_us", 1.25)):
            a, b = ([line[name] for line in lines] for lines in (busy, quiet))
            what = f"with {statistics.median(a):.1f} us, without {statistics.median(b):.1f} us"
            yield Row(f"latency of others with 2,000 slow senders, {name[:3]}", what,
                      statistics.median(x / y for x, y in zip(a, b)), target)
        with bench.hold(server.ports[1], "-S", "-c", "2000") as held:
            held.wait_open()
            time.sleep(4)
            line = held.let_go(title, "message_timeout=2s", 0)
        what = (f"{line['ended']:.0f} of 2000 ended, {line['first_end_ms']:.0f} to "
                f"{line['last_end_ms']:.0f} ms after their first byte")
        yield Row("slow senders that message_timeout=2s left alone", what, 2000 - line["ended"], 0)


GREEDY = (  # what they ask for, of which listener
    ("GET /metrics, pipelined", 0, ("-g", "/metrics")),
    ("chargen", 1, ()),
    ("echo", 2, ()))


def other_cpu(bench):
    return next((cpu for cpu in os.sched_getaffinity(0) if cpu != bench.cpu), None)


def beside(bench, server, title, port, arguments):
    """A message each 5 ms beside 1,000 connections that send and take without pause."""
    with bench.hold(port, "-F", "-c", "1000", *arguments, cpu=other_cpu(bench)) as greedy:
        greedy.wait_open()
        line = bench.load(title, "beside", 0, server, server.ports[3], "-c", "1", "-r", "200",
                          "-m", "hello\\n", "-a", "3", pinned=False,
                          seconds=5)
        taken = greedy.let_go(title, "greedy", 0)
    return line, taken["bytes"] / taken["seconds"] / 1e6


def greedy(bench):
    """Server on a CPU of its own."""
    listens = ("status", "chargen", "echo", "ack,framing=line,reply=ok")
    for what, port, arguments in GREEDY:
        title = f"a small message beside 1,000 x {what}"
        bench.progress(title)
        with peers.ours(bench.binary, listens, cpu=bench.cpu) as server:
            line, rate = beside(bench, server, title, server.ports[port], arguments)
        told = f"p50 {line['p50_us'] / 1000:.2f} ms; the others take {rate:.0f} MB/s"
        yield Row(f"{title}: p99, ms", told, line["p99_us"] / 1000, 20)
        yield Row(f"{title}: worst, ms", told, line["max_us"] / 1000, 50)
