# SPDX-License-Identifier: MIT
"""Connections per second of a program for each connection: exec beside tcpserver and socat.

The program reads the request, answers and exits: once a C program of a few lines, once /bin/cat,
which needs the C library's start alone. All CPUs; the rates are those of interleaved rounds. Used
by run.py.
"""
import shlex
import statistics

import peers
from gauge import Row, compare

CLIENTS = 32  # at once: fewer than tcpserver's limit of 40, which is exec's default, too


def tcpserver(command):
    program = peers.find_program("tcpserver", "ucspi-tcp")
    port = peers.free_port()
    server = peers.Server("tcpserver", [program, "-H", "-R", "-l", "0", "-b", "4096", "-c", "1000",
                                        "127.0.0.1", str(port), *command])
    server.ports = [port]
    server.wait_listening()
    return server


def socat(command):
    program = peers.find_program("socat", "socat")
    port = peers.free_port()
    server = peers.Server("socat fork", [
        program, f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr,backlog=4096",
        f"EXEC:{shlex.join(command)},nofork"])
    server.ports = [port]
    server.wait_listening()
    return server


def ours(bench, command, workers):
    words = ",".join(["exec", f"command={command[0]}", "max_processes=1000"])
    return peers.ours(bench.binary, [words], workers=workers)


def rate_row(title, lines, other):
    pairs = list(zip(lines["ours"], lines[other]))
    ratios = [b["rate"] / a["rate"] for a, b in pairs]
    mine, others = (statistics.median(line["rate"] for line in lines[name])
                    for name in ("ours", other))
    errors = sum(a["errors"] + b["errors"] for a, b in pairs)
    return Row(f"{title}: rate of {other} to ours",
               f"ours {mine:.0f} a second, {other} {others:.0f}; rounds {min(ratios):.2f} to "
               f"{max(ratios):.2f}", statistics.median(ratios), 1.0,
               f"{errors:.0f} errors" if errors else "")


def exec(bench):  # the name of the service, and of the measurement
    command = [f"{bench.tools}/answer"]
    arguments = ("-k", "1", "-a", "2", "-c", str(CLIENTS), "--sources", "8")
    for peer in (tcpserver, socat):
        with ours(bench, command, 1) as a, peer(command) as b:
            title = "a C program for each connection"
            lines = compare(bench, title, [("ours", a, a.ports[0], arguments),
                                           (b.name, b, b.ports[0], arguments)], pinned=False)
            yield rate_row(title, lines, b.name)
