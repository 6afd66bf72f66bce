#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Restarts two prefork-srv behind HAProxy one after the other, under load, in network namespaces.

It takes etc/examples/haproxy.cfg and the configuration in its first comment as they are; only 10.0.0.11 and
10.0.0.12 take the place of the servers' `*`. Three namespaces, of clients (10.0.9.2), of HAProxy (10.0.9.1 and
10.0.0.1) and of the servers, are joined by veth pairs. No request may fail, and the access logs of both
servers must name the clients' address. Needs root, ip(8) and haproxy; prints its figures, and ends with 0
only if all held. Not part of `make check`: tests/cli/test_haproxy.sh does the same without privileges.
"""
import argparse
import contextlib
import csv
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = f"{TOP}/etc/examples/haproxy.cfg"
SERVERS = {"a": "10.0.0.11", "b": "10.0.0.12"}
CLIENT, WAIT_SECONDS = "10.0.9.2", 60
LOADS = {
    "messages, one connection each": ["-k", "1", "-f", "line", "-m", "hello", "10.0.9.1:9001"],
    "http, one connection each": ["-k", "1", "http://10.0.9.1:9002/status.json"],
    "http, keep-alive": ["http://10.0.9.1:9002/status.json"],
}


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def wait_for(what, is_so):
    end = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain: {what}")
        select.select([], [], [], 0.1)


class Namespaces:
    """clients -- lb -- servers"""

    def __init__(self):
        self.names = {part: f"pf-{os.getpid()}-{part}" for part in ("clients", "lb", "servers")}

    def within(self, part, *words):
        return ["ip", "netns", "exec", self.names[part], *words]

    def join(self, left, left_address, right, *right_addresses):
        ends = [f"v{os.getpid()}{left[0]}{right[0]}{end}" for end in (0, 1)]
        run("ip", "link", "add", ends[0], "netns", self.names[left], "type", "veth", "peer",
            "name", ends[1], "netns", self.names[right])
        for part, end, addresses in ((left, ends[0], [left_address]), (right, ends[1], right_addresses)):
            for address in addresses:
                run("ip", "-n", self.names[part], "address", "add", f"{address}/24", "dev", end)
            run("ip", "-n", self.names[part], "link", "set", end, "up")

    def __enter__(self):
        for name in self.names.values():
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        self.join("lb", "10.0.9.1", "clients", CLIENT)
        self.join("lb", "10.0.0.1", "servers", *SERVERS.values())
        return self

    def __exit__(self, *_):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False)


class Server:
    def __init__(self, name, address, spaces, build, folder):
        self.name, self.spaces, self.folder = name, spaces, folder
        self.program = f"{build}/prefork-srv"
        self.process = None
        with open(EXAMPLE, encoding="utf-8") as file:
            conf = "".join(re.findall(r"^#\t(.*\n)", file.read(), re.M)).replace('"*:', f'"{address}:')
        with open(f"{folder}/{name}.conf", "w", encoding="utf-8") as file:
            file.write(f'{conf}log {{ path = "{folder}/{name}.log"  access = "{folder}/{name}.access" }}\n')

    def start(self):
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            self.spaces.within("servers", self.program, "-q", "-c", f"{self.folder}/{self.name}.conf", "-p",
                               f"{self.folder}/{self.name}.pid", "--ready-fd", str(writer)), pass_fds=[writer])
        os.close(writer)
        with open(reader, encoding="utf-8") as lines:
            if not lines.read():
                raise SystemExit(f"server {self.name} did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(WAIT_SECONDS) != 0:
            raise SystemExit(f"server {self.name} ended with {self.process.returncode}")

    def count_clients(self):
        """The requests by client, without the health checks of HAProxy, which go to port 8080."""
        counts = {}
        with open(f"{self.folder}/{self.name}.access", encoding="utf-8") as lines:
            for line in lines:
                client = re.search(r" remote=(\S+?):\d+ ", line)
                if ":8080 " not in line and client:
                    counts[client.group(1)] = counts.get(client.group(1), 0) + 1
        return counts


class HAProxy:
    def __init__(self, spaces, folder):
        self.path = f"{folder}/stats.sock"
        with open(EXAMPLE, encoding="utf-8") as file:
            text = file.read().replace("/run/haproxy/stats.sock", self.path)
        with open(f"{folder}/haproxy.cfg", "w", encoding="utf-8") as file:
            file.write(text)
        self.process = subprocess.Popen(
            spaces.within("lb", "haproxy", "-db", "-q", "-f", f"{folder}/haproxy.cfg"),
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for("haproxy", lambda: os.path.exists(self.path))

    def servers(self):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(self.path)
            asking.sendall(b"show stat\n")
            with asking.makefile(encoding="utf-8") as answer:
                rows = list(csv.DictReader(answer.read().removeprefix("# ").splitlines()))
        return [row for row in rows if row["svname"] in SERVERS]

    def wait_for_state(self, name, state):
        wait_for(f"{name} {state}", lambda: all(
            row["status"] == state for row in self.servers() if row["svname"] == name))


def start_loads(spaces, build, rate):
    return {title: subprocess.Popen(
        spaces.within("clients", f"{build}/prefork-client", "bench", "-q", "--json", "-c", "16", "-r", str(rate),
                      "-d", "1h", *target), stdout=subprocess.PIPE, text=True) for title, target in LOADS.items()}


def end_loads(loads):
    for load in loads.values():
        load.send_signal(signal.SIGTERM)
    return {title: json.loads(load.communicate()[0]) for title, load in loads.items()}


def restart_all(servers, haproxy, rounds):
    begun = time.monotonic()
    for _ in range(rounds):
        for server in servers:
            server.stop()
            haproxy.wait_for_state(server.name, "DOWN")
            server.start()
            haproxy.wait_for_state(server.name, "UP")
    return time.monotonic() - begun


def report(results, servers, haproxy, restarts, seconds):
    failed = 0
    print(f"{restarts} restarts in {seconds:.0f} s")
    for title, result in results.items():
        failed += result["errors"]
        print(f"  {title}: {result['answers']} answers, {result['errors']} errors, "
              f"p99 {result['answer_p99_us'] / 1000:.1f} ms, worst {result['answer_max_us'] / 1000:.1f} ms")
    for row in haproxy.servers():
        troubles = {name: int(row[name]) for name in ("econ", "eresp", "wretr", "wredis")}
        failed += sum(troubles.values())
        print(f"  haproxy, {row['pxname']}/{row['svname']}: {row['stot']} sessions, {troubles}")
    for server in servers:
        clients = server.count_clients()
        failed += set(clients) != {CLIENT}
        print(f"  access log of {server.name}: {clients}")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=f"{TOP}/build", help="where the programs are (build)")
    parser.add_argument("--rounds", type=int, default=3, help="how often both servers are restarted (3)")
    parser.add_argument("--rate", type=int, default=300, help="requests a second of each of the three loads (300)")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        spaces = stack.enter_context(Namespaces())
        servers = [Server(name, address, spaces, options.build, folder) for name, address in SERVERS.items()]
        for server in servers:
            server.start()
            stack.callback(lambda process=server: process.process.kill())
        haproxy = HAProxy(spaces, folder)
        stack.callback(haproxy.process.kill)
        for server in servers:
            haproxy.wait_for_state(server.name, "UP")
        loads = start_loads(spaces, options.build, options.rate)
        for load in loads.values():
            stack.callback(load.kill)
        seconds = restart_all(servers, haproxy, options.rounds)
        results = end_loads(loads)
        for server in servers:
            server.stop()
        return report(results, servers, haproxy, 2 * options.rounds, seconds)


if __name__ == "__main__":
    sys.exit(bool(main()))
