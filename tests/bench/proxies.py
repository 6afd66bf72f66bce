# SPDX-License-Identifier: MIT
"""The cost of passing connections on, beyond messages: the bulk of a stream, and idle pairs.

Each of the functions takes a gauge.Bench and yields rows. Used by works.py.
"""
import contextlib
import socket
import statistics
import threading

import contenders
import peers
from gauge import Row

BULK = {"nginx": 0.30, "nginx_64k": 0.50}  # processor time of a megabyte, to that of these
MEGABYTES = 128     # of one transfer
TIMES = 4           # transfers through each
IDLE = 2000         # pairs


@contextlib.contextmanager
def all_proxies(bench, upstream, *more):
    """The proxies that are installed, ours first."""
    with contextlib.ExitStack() as stack:
        found = []
        for name in contenders.who_can("proxy") + more:
            with contextlib.suppress(peers.Missing):
                row = contenders.ALL[name]
                found.append(stack.enter_context(row.start(bench, "proxy", upstream=upstream)))
        yield found


class Source:
    """Sends zeros to every client until it has sent so many megabytes."""

    def __init__(self, megabytes):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.megabytes = self.listener.getsockname()[1], megabytes
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        block = bytes(1 << 20)
        while True:
            client, _ = self.listener.accept()
            with contextlib.suppress(OSError), client:
                for _ in range(self.megabytes):
                    client.sendall(block)


def cpu_us(server):
    return sum(server.busy_ns("processes").values()) / 1000


def transfer_us(server):
    """Processor time of the server for a megabyte of one transfer."""
    before, got, buffer = cpu_us(server), 0, bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", server.ports[0])) as client:
        while True:
            count = client.recv_into(buffer)
            if count == 0:
                break
            got += count
    if got != MEGABYTES << 20:
        raise RuntimeError(f"{server.name}: {got} bytes came through")
    return (cpu_us(server) - before) / MEGABYTES


def proxy_bulk(bench):
    source, costs = Source(MEGABYTES), {}
    with all_proxies(bench, source.port, "nginx_64k") as servers:
        for number in range(TIMES):
            bench.progress("proxy_bulk", number + 1, TIMES)
            for server in servers:
                costs.setdefault(server.name, []).append(transfer_us(server))
    ours = costs["prefork-srv"]
    for name, its in costs.items():
        ratio = None if its is ours else statistics.median(a / b for a, b in zip(ours, its))
        yield Row("us of processor time for a megabyte", "", statistics.median(its),
                  BULK.get(name), name, ratio)


def idle_bytes(server):
    """User memory for each of many pairs that have relayed one message and rest."""
    before, held = server.user_memory(), []
    for _ in range(IDLE):
        client = socket.create_connection(("127.0.0.1", server.ports[0]))
        client.sendall(b"x" * 64)
        client.recv(64)
        held.append(client)
    more = server.user_memory() - before
    for client in held:
        client.close()
    return more / IDLE


def proxy_memory(bench):
    with peers.minimal(bench.tools, "echo") as upstream, \
            all_proxies(bench, upstream.ports[0]) as servers:
        sizes = {server.name: idle_bytes(server) for server in servers}
    for name, size in sizes.items():
        ratio = None if name == "prefork-srv" else sizes["prefork-srv"] / size
        yield Row("bytes of user memory for an idle pair", "", size, 1.0 if ratio else None, name,
                  ratio)
