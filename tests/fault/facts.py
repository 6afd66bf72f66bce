# SPDX-License-Identifier: MIT
"""What is true of a running server, whatever it says of itself: who holds which connection, and whether its counts
add up. Must not judge a run: judge.py does.
"""
import json
import os
import re
import subprocess
import time

import run as running

SETTLED_S = 5.0  # for closed descriptors and counts to show ...
LOOKS = 20  # ... and at least so many looks: where there are many sockets, one takes long, and may miss some
TURN_S = 0.02  # between two looks at a server that goes on
WAITING_STATES = ("01", "08")  # to be accepted: ESTABLISHED, CLOSE_WAIT (/proc/net/tcp)
TIME_WAIT = " 06 00000000:00000000 "


def status(run):
    """What -s status says, or None where the server could not be asked."""
    done = subprocess.run([run.server, "-p", run.path("pid"), "-s", "status", "--json"], capture_output=True,
                          text=True, timeout=running.BOUND_S, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return None


def total(told, name):
    value = told["totals"][name]
    return sum(value.values()) if isinstance(value, dict) else value


def held_sockets(pid):
    """The inodes of the sockets in a process's table, each as often as it is there; None where it is gone."""
    inodes = []
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
            if found:
                inodes.append(found[1])
    except OSError:
        return None
    return inodes


def list_sockets():
    """(inode, its port, the other end's port) of each TCP socket of this machine that a process has open, or that is
    not accepted yet (inode 0). One that was closed may go on without any process until its bytes have gone out."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        for line in list(f)[1:]:
            if TIME_WAIT in line:
                continue  # there may be many thousands
            words = line.split()
            if words[9] != "0" or words[3] in WAITING_STATES:
                yield words[9], int(words[1].split(":")[1], 16), int(words[2].split(":")[1], 16)


def server_ends(run):
    """(inode, name) of the server's end of each connection, those of peers included. A client's port may serve it
    for connections to several listeners."""
    ports = {int(address.rsplit(":", 1)[1]) for address in run.addresses}
    for inode, own, other in list_sockets():
        if own in ports and other != 0:
            yield inode, (other, own)
        elif other == run.peer_port:
            yield inode, f"a peer ({own})"


def count_holders(run):
    """{name: descriptors of its connection}; a worker and its keeper share a table, which counts once."""
    served, holders = dict(server_ends(run)), {}
    for pid in [run.process.pid] + running.children(run.process.pid):
        if ": keeper" in running.title(pid):
            continue
        for inode in held_sockets(pid) or ():
            if inode in served:
                holders[served[inode]] = holders.get(served[inode], 0) + 1
    return holders


def of_holders(run, live):
    holders = count_holders(run)
    names = {client.name() for client in live}
    pairs = sum(client.has_peer for client in live)
    for name in names | set(holders):
        if holders.get(name, 0) != 1:
            return f"the connection of {name} has {holders.get(name, 0)} descriptors"
    more = len(holders) - len(live) - pairs
    return f"{more} descriptors more than connections" if more > 0 else ""


def live_clients(run):
    """Those that have not gone, and whose server has their connection still."""
    ends = {name for _, name in server_ends(run)}
    return [client for client in run.clients if client.is_open() and client.name() in ends]


def of_counts(told, live):
    """The ledger."""
    accepted, ended = total(told, "connections_accepted_total"), total(told, "connections_ended_total")
    moved_in, moved_out = total(told, "connections_moved_in_total"), total(told, "connections_moved_out_total")
    lives = total(told, "connections_live")
    if accepted != ended + lives:
        return f"{accepted} accepted, but {ended} ended and {lives} live"
    if moved_in != moved_out:
        return f"{moved_in} moved in, but {moved_out} out"
    return f"{lives} live, but {len(live)} clients are there" if lives != len(live) else ""


def find_wrong(run):
    live = live_clients(run)
    told = status(run)
    if told is None:
        return "-s status says nothing"
    return of_counts(told, live) or of_holders(run, live)


def settle(run):
    """Waits until all is well, or tells what is wrong at last."""
    until, looks = time.monotonic() + SETTLED_S, 0
    while run.is_serving():
        wrong, looks = find_wrong(run), looks + 1
        if not wrong:
            return
        if time.monotonic() > until and looks >= LOOKS and run.is_serving():
            raise running.Fault(wrong)
        running.is_gone(run.process.pid, TURN_S)
