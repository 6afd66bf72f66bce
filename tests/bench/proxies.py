# SPDX-License-Identifier: MIT
"""The cost of passing connections on: the service proxy beside nginx's stream module and HAProxy in
TCP mode, in front of the same minimal server.

Each of the functions takes a gauge.Bench and yields rows. Used by run.py.
"""
import contextlib
import socket
import statistics
import tempfile
import threading

import peers
from gauge import Row, compare, ratio_row
from workers import latency_row, rate_row

SMALL = 0.95        # processor time of a message, to that of nginx and of HAProxy
BULK = 0.30         # processor time of a megabyte, to that of nginx with its default buffer
BULK_WIDE = 0.50    # the same with a buffer of 64 KiB
WORKERS = (1, 2, 4, 8)
MEGABYTES = 256     # of one transfer
IDLE = 2000         # pairs

NGINX = """
load_module {module};
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes {workers};
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
stream {{
  proxy_timeout 1h;
  upstream u {{ server 127.0.0.1:{upstream}; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; proxy_pass u; {options} }}
}}
"""
HAPROXY = """
global
  maxconn 9500
  nbthread {workers}
defaults
  mode tcp
  timeout client 1h
  timeout server 1h
  timeout connect 5s
frontend f
  bind 127.0.0.1:{port} backlog 4096
  default_backend b
backend b
  server s 127.0.0.1:{upstream}
"""


def write_conf(name, text, **values):
    folder, port = tempfile.mkdtemp(prefix="prefork-bench-"), peers.free_port()
    path = f"{folder}/{name}"
    with open(path, "w") as conf:
        conf.write(text.format(folder=folder, port=port, **values))
    return folder, port, path


def nginx(upstream, workers=1, cpu=None, options="", name="nginx"):
    program = peers.find_program("nginx", "nginx-light libnginx-mod-stream")
    if not peers.nginx_has_stream():
        raise peers.Missing("nginx has no stream module (Debian: apt-get install libnginx-mod-stream)")
    folder, port, path = write_conf("nginx.conf", NGINX, module=peers.STREAM_MODULE,
                                    workers=workers, upstream=upstream, options=options)
    server = peers.Server(name, [program, "-e", f"{folder}/error.log", "-p", folder, "-c", path], cpu)
    server.folder, server.ports = folder, [port]
    server.wait_listening()
    return server


def haproxy(upstream, workers=1, cpu=None):
    program = peers.find_program("haproxy", "haproxy")
    folder, port, path = write_conf("haproxy.cfg", HAPROXY, workers=workers, upstream=upstream)
    server = peers.Server("haproxy", [program, "-db", "-q", "-f", path], cpu)
    server.folder, server.ports = folder, [port]
    server.wait_listening()
    return server


def ours(bench, upstream, workers=1, cpu=None):
    return peers.ours(bench.binary, [f"proxy,to=127.0.0.1:{upstream}"], workers=workers, cpu=cpu)


@contextlib.contextmanager
def all_three(bench, workers, cpu=None):
    with peers.minimal(bench.tools, "echo", cpu=cpu) as server, \
            ours(bench, server.ports[0], workers, cpu) as a, \
            nginx(server.ports[0], workers, cpu) as b, \
            haproxy(server.ports[0], workers, cpu) as c:
        yield [("ours", a), ("nginx", b), ("haproxy", c)]


def sides(servers, *arguments):
    return [(name, server, server.ports[0], arguments) for name, server in servers]


def rows(title, lines, target):
    for other in ("nginx", "haproxy"):
        yield ratio_row(f"{title}: processor time", lines, "ours", other, target)
        yield rate_row(title, lines, other, None)
        yield latency_row(title, lines, other, "p50_us", None)
        yield latency_row(title, lines, other, "p99_us", None)


def proxy(bench):
    """64 B there and back on 64 connections, on one CPU and on all, and a connection for each."""
    title = "proxy, echo 64 B, 64 connections"
    with all_three(bench, 1, bench.cpu) as servers:
        lines = compare(bench, title, sides(servers))
        yield ratio_row(title, lines, "ours", "nginx", SMALL)
        yield ratio_row(title, lines, "ours", "haproxy", SMALL)
    for count in WORKERS:
        with all_three(bench, count) as servers:
            title = f"{count} workers, proxy, echo 64 B"
            yield from rows(title, compare(bench, title, sides(servers), pinned=False), SMALL)
            title = f"{count} workers, proxy, a connection for each request"
            yield from rows(title, compare(bench, title, sides(servers, "-k", "1", "--sources", "8"),
                                           pinned=False), None)


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
    ticks = 0
    for pid in server.pids():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/schedstat") as stat:
            ticks += int(stat.read().split()[0])
    return ticks / 1000


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


def bulk_row(title, costs, other, target):
    ours_us, other_us = (statistics.median(costs[name]) for name in ("ours", other))
    return Row(f"{title}, to {other}", f"ours {ours_us:.0f} us, {other} {other_us:.0f} us a megabyte",
               statistics.median(a / b for a, b in zip(costs["ours"], costs[other])), target)


def proxy_bulk(bench):
    source = Source(MEGABYTES)
    with ours(bench, source.port) as a, nginx(source.port) as b, \
            nginx(source.port, options="proxy_buffer_size 64k;", name="nginx 64k") as c, \
            haproxy(source.port) as d:
        costs = {}
        for _ in range(bench.rounds):
            for server in (a, b, c, d):
                costs.setdefault(server.name, []).append(transfer_us(server))
    title = "proxy, bulk: processor time of a megabyte"
    yield bulk_row(title, costs, "nginx", BULK)
    yield bulk_row(title, costs, "nginx 64k", BULK_WIDE)
    yield bulk_row(title, costs, "haproxy", None)


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
    with all_three(bench, 1) as servers:
        sizes = {name: idle_bytes(server) for name, server in servers}
    for other in ("nginx", "haproxy"):
        yield Row(f"user memory of an idle pair, to {other}",
                  f"ours {sizes['ours']:.0f} bytes, {other} {sizes[other]:.0f}",
                  sizes["ours"] / sizes[other], 1.0)
