# SPDX-License-Identifier: MIT
"""One run of a server with one fault: starts it, runs its scenario, ends it, and keeps the facts for the judge.

Must not judge. Every wait has a time limit; a process that outlives its server is found and ended.
"""
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BOUND_S = 20  # of any single waiting
GONE_S = 5    # for what a killed master leaves behind
LINE = 256    # of struct fault_report
QUIET_S, QUIET_TURNS = 0.02, 3  # after so long the server's end takes no more
ROLES = ("master", "worker", "keeper", "helper", "child", "any")
PR_SET_CHILD_SUBREAPER = 36


class Lost(Exception):
    """A connection was refused, or ended early: which, and how."""

    def __init__(self, client, how):
        super().__init__(how)
        self.client = client


class Full(Exception):
    """The other side takes no more for now."""


class Fault(Exception):
    """What no failing system call excuses: a hang, a wrong byte."""


def adopt_orphans():
    """What a server leaves behind becomes this process's child, and so can be found."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def title(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as f:
            return f.read().replace("\0", " ")
    except OSError:
        return ""


def is_gone(pid, seconds):
    """Waits so long until the child has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


class Client:
    """A connection; whatever breaks it is Lost, and silence is a Fault."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.has_peer = False  # the server has a connection of its own for it
        self.own_calls = ()  # the rows of calls that the service makes for it now
        self.socket = socket.socket()
        self.socket.settimeout(BOUND_S)
        self.call(self.socket.connect, (host, self.port))

    def call(self, function, *arguments):
        try:
            return function(*arguments)
        except BlockingIOError as e:
            raise Full from e
        except socket.timeout as e:
            raise Fault("a client waited in vain") from e
        except OSError as e:
            raise Lost(self, str(e)) from e

    def send(self, data):
        self.call(self.socket.sendall, data)

    def send_all_it_takes(self, pattern):
        """The pattern over and over, until the other side takes no more; returns how many bytes."""
        sent, quiet = 0, 0
        self.socket.settimeout(0)
        while quiet < QUIET_TURNS:
            try:
                sent += self.call(self.socket.send, pattern[sent % len(pattern):])
                quiet = 0
            except Full:
                quiet += 1
                select.select([], [self.socket], [], QUIET_S)
        self.socket.settimeout(BOUND_S)
        return sent

    def narrow(self, size):
        """Small buffers: the server's end is soon full."""
        for name in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, name, size)

    def end(self):
        self.call(self.socket.shutdown, socket.SHUT_WR)

    def receive(self, most):
        more = self.call(self.socket.recv, most)
        if not more:
            raise Lost(self, "ended early")
        return more

    def expect(self, wanted):
        got = b""
        while len(got) < len(wanted):
            got += self.receive(min(len(wanted) - len(got), 1 << 16))
        self.check(got == wanted, got, wanted)

    @staticmethod
    def check(is_right, got, wanted=b"an answer"):
        if not is_right:
            raise Fault(f"a client got {got[:40]!r} instead of {wanted[:40]!r}")

    def expect_end(self):
        if self.call(self.socket.recv, 1):
            raise Fault("a client got bytes after the last")
        self.socket.close()

    def is_open(self):
        return self.socket.fileno() >= 0

    def name(self):
        """Its port and the server's."""
        return self.socket.getsockname()[1], self.port

    def close(self):
        self.socket.close()


class Run:
    """A server in a folder of its own."""

    def __init__(self, server, rows, fault):
        self.server, self.rows, self.fault = os.path.abspath(server), rows, fault
        self.folder = tempfile.mkdtemp(prefix="prefork-fault.")
        os.chmod(self.folder, 0o755)  # for the workers' user
        self.process = self.code = None
        self.addresses, self.clients = [], []
        self.is_told = False  # all its addresses
        self.is_strict = False  # the judge excuses no connection but the one in hand
        self.waiting = 0  # clients that may not have been accepted yet when the server stops
        self.peer_port = None  # of the server that pairs lead to
        self.lost, self.kills, self.left = {}, 0, []  # lost: how, by client
        self.crashes = []  # signals of which a worker has died as it was told
        self.verbs = []  # (verb, exit code, what it said)
        self.began = time.monotonic()

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, *arguments, listeners=1, workers=1, grace="3s", env=None):
        ready, its_end = os.pipe()
        command = [self.server, "-w", str(workers), "-p", self.path("pid"), "--ready-fd", str(its_end),
                   "-o", f"shutdown_timeout={grace}", *arguments]
        with open(self.path("stderr"), "w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, pass_fds=[its_end], env={
                    **os.environ, **(env or {}), "NO_COLOR": "1", "PREFORK_FAULT": self.fault,
                    "PREFORK_FAULT_LOG": self.path("report")})
        os.close(its_end)
        text = b""
        while True:
            if not select.select([ready], [], [], BOUND_S)[0]:
                os.close(ready)
                raise Fault("neither ready nor gone")
            more = os.read(ready, 4096)
            if not more:
                break
            text += more
        os.close(ready)
        self.addresses = text.decode().split()
        self.is_told = len(self.addresses) == listeners

    def is_up(self):
        return self.process.poll() is None

    def is_serving(self):
        """False when it has ended, and when it has failed: then it ends, within its shutdown_timeout."""
        return self.is_up() and " server_failed " not in self.text("stderr") + self.text("log")

    def connect(self, index=0):
        client = Client(self.addresses[index])
        self.clients.append(client)
        return client

    def attempt(self, deed, *arguments):
        """None where the connection was lost, which the judge may excuse. A client that has lost it goes."""
        try:
            return deed(*arguments)
        except Lost as e:
            self.lost[e.client] = str(e)
            e.client.close()
            return None

    def workers(self, what=""):
        titles = {pid: title(pid) for pid in children(self.process.pid)}
        return [pid for pid, text in titles.items() if ": worker" in text and what in text]

    def kill_workers(self, what=""):
        for pid in self.workers(what):
            self.kills += 1
            os.kill(pid, signal.SIGKILL)
            if not is_gone(pid, BOUND_S):
                raise Fault("a killed worker lives on")

    def order(self, verb):
        """Asked for, and not waited for yet."""
        return verb, subprocess.Popen([self.server, "-p", self.path("pid"), "-s", verb], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)

    def result(self, order):
        """The exit code of what was ordered, and what it said."""
        verb, process = order
        try:
            said = process.communicate(timeout=BOUND_S)[0]
        except subprocess.TimeoutExpired as e:
            process.kill()
            process.communicate()
            raise Fault(f"-s {verb} does not end") from e
        self.verbs.append((verb, process.returncode, said))
        return process.returncode, said

    def ask(self, verb):
        return self.result(self.order(verb))

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        if self.is_up():
            self.process.send_signal(number)
        self.wait()

    def wait(self):
        if not is_gone(self.process.pid, BOUND_S):
            raise Fault("the server does not leave")
        self.code = self.process.wait()

    def report(self):
        """The line of the fault that struck, and how often each row was called: {(role, row): times}."""
        try:
            with open(self.path("report"), "rb") as f:
                data = f.read()
        except OSError:
            return "", {}
        counts = memoryview(data[LINE:]).cast("I")
        width = len(self.rows)
        return data[:LINE].split(b"\0")[0].decode().strip(), {
            (role, row): counts[i * width + k] for i, role in enumerate(ROLES) for k, row in
            enumerate(self.rows) if counts[i * width + k] > 0}

    def struck(self):
        return self.fault != "count" and self.report()[0] != ""

    def end(self):
        """Nothing stays: clients, processes, files. What should not have been there is in self.left."""
        for client in self.clients:
            client.close()
        if self.process is not None and self.code is None:
            self.process.kill()
            self.code = self.process.wait()
        until = time.monotonic() + GONE_S
        for pid in children(os.getpid()):
            if not is_gone(pid, max(0.0, until - time.monotonic())):
                self.left.append(title(pid))
                os.kill(pid, signal.SIGKILL)
        while children(os.getpid()):
            os.waitpid(-1, 0)
        self.left += [name for name in ("pid", "scoreboard") if os.path.exists(self.path(name))]

    def conclude(self, title, wrong, told):
        """Prints the verdict, with the server's log if something went wrong; returns what did."""
        print(f"{'FAIL' if wrong else 'ok'} {title}: {wrong or told}", flush=True)
        if wrong:
            print(self.text("stderr"), end="")
        self.remove()
        return wrong

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
