# SPDX-License-Identifier: MIT
"""Short connections, one for each request, to several workers: number, latency and cost.

No process is pinned: the workers and the client share all CPUs. Used by ratios.py.
"""
import contextlib
import statistics

import peers
from gauge import Row, compare, ratio_row

RATE = 1 / 0.97  # that another may serve for each of ours
P50 = 1.2        # of nginx's, that ours may take
TITLE = "{} workers, a connection for each request"


def ours(bench, workers, option=""):
    return peers.ours(bench.binary, ["status" + option], workers=workers)


def rate_row(title, lines, other, target):
    pairs = list(zip(lines["ours"], lines[other]))
    rates = [statistics.median(line["rate"] for line in lines[name]) for name in ("ours", other)]
    errors = sum(a["errors"] + b["errors"] for a, b in pairs)
    return Row(f"{title}: rate of {other} to ours",
               f"ours {rates[0]:.0f} a second, {other} {rates[1]:.0f}",
               statistics.median(b["rate"] / a["rate"] for a, b in pairs), target,
               f"{errors:.0f} errors" if errors else "")


def latency_row(title, lines, other, key, target):
    mine, its = (statistics.median(line[key] for line in lines[name]) for name in ("ours", other))
    return Row(f"{title}: {key[:3]} of ours to {other}",
               f"ours {mine / 1000:.2f} ms, {other} {its / 1000:.2f} ms",
               statistics.median(a[key] / b[key] for a, b in zip(lines["ours"], lines[other])),
               target)


def sides_of(servers, asking):
    """asking: from a port and a path to the arguments of bench."""
    return [(name, server, server.ports[0], asking(server.ports[0], path) + ("-k", "1", "--sources", "8"))
            for name, server, path in servers]


def rates(bench, workers, asking):
    title = TITLE.format(workers)
    with contextlib.ExitStack() as stack:
        servers = [(name, stack.enter_context(server), path) for name, server, path in (
            ("ours", ours(bench, workers), "/healthz"),
            ("reuse_port", ours(bench, workers, ",reuse_port=yes"), "/healthz"),
            ("nginx", peers.nginx(workers=workers), "/"),
            ("nginx reuseport", peers.nginx(workers=workers, reuse_port=True), "/"))]
        lines = compare(bench, title, sides_of(servers, asking), pinned=False)
    for other in ("reuse_port", "nginx", "nginx reuseport"):
        yield rate_row(title, lines, other, RATE)
        yield latency_row(title, lines, other, "p50_us", P50 if other == "nginx" else None)
        yield latency_row(title, lines, other, "p99_us", None)


def costs(bench, workers, asking):
    title = TITLE.format(workers)
    with ours(bench, workers) as a, peers.nginx(workers=workers) as b:
        lines = compare(bench, title,
                        sides_of([("ours", a, "/healthz"), ("nginx", b, "/")], asking), pinned=False)
    yield ratio_row(f"{title}: processor time", lines, "ours", "nginx")
