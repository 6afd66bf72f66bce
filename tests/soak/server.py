# SPDX-License-Identifier: MIT
"""The server under test: starts it in its own folder, reads its log, names its processes, ends it.

Must not judge the log, or signal a process that is not the server's own. Used by soak.py and
driver.py.
"""
import collections
import datetime
import itertools
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time

import downloads
from conf import BEHIND, CONF, LISTENERS, crash_limit_off, find_python, own_user
from processes import children, is_zombie, title_of, tree
from talks import PATTERN

START_SECONDS, SETTLE_SECONDS, STOP_SECONDS = 20, 40, 40
REST_SECONDS = 35  # more than shutdown_timeout: a copy may take that long to leave
BREATH_SECONDS = 0.01

# The kind of a process, by its title; a newborn has its parent's. Only workers and keepers have a number.
TITLE = re.compile(r"prefork-srv: (worker|keeper) (\d+)( \((?:moving|draining)\))?$")
HELPERS = {"prefork-srv: exec ": "helper", "prefork-srv: checker ": "checker"}
Ending = collections.namedtuple("Ending", "opened ended why pid")
Passed = collections.namedtuple("Passed", "opened ended why server again")
Stay = collections.namedtuple("Stay", "when number")
Process = collections.namedtuple("Process", "pid kind number leaving")


class ServerFailed(Exception):
    """The server did not start or did not end as it should."""


class Log:
    """What the log says, file after file: counts of events, why connections ended, complaints."""

    FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')

    def __init__(self, folder):
        self.access = f"{folder}/access"
        self.path, self.turn = f"{folder}/log", 0
        self.files = []
        self.rests = {}
        self.events = collections.Counter()
        self.endings = collections.defaultdict(list)  # by service and remote address
        self.complaints = []
        self.ready = set()  # workers and copies that have said that they serve
        self.moves = []     # for each configuration: whether connections move
        self.in_force = 0   # the configuration
        self.generation = 1  # of the workers with that configuration
        self.places = {}    # by pid of a worker: its generation and number
        self.drained = set()  # places of workers that were told to leave without moving
        self.stays = []       # connections that a leaving worker could not move
        self.in_hand = 0  # connections of workers that have died
        self.copies_ended = []  # when copies of the program ended

    def rename(self):
        """Out of the way of a reopening; the server still writes to it."""
        self.read()
        self.turn += 1
        os.rename(self.path, f"{self.path}.{self.turn}")

    def read(self):
        if os.path.exists(self.path):
            there = os.stat(self.path).st_ino
            if there not in (os.fstat(f.fileno()).st_ino for f in self.files):
                self.files.append(open(self.path, "rb"))
        for file in self.files:
            *lines, rest = (self.rests.get(file, b"") + file.read()).split(b"\n")
            self.rests[file] = rest
            for line in lines:
                self.take(line.decode(errors="replace"))

    def take(self, line):
        when, level, event, *rest = (line + "   ").split(" ", 3)
        self.events[event] += 1
        if level in ("warning", "error"):
            self.complaints.append(line)
        take = getattr(self, f"take_{event}", None)
        if take:
            take(when, dict(self.FIELD.findall(rest[0])))

    @staticmethod
    def seconds(when):
        return datetime.datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp()

    def take_worker_started(self, _, fields):
        place = int(fields["generation"]), int(fields["worker"])
        self.places[int(fields["child_pid"])] = place

    def take_worker_ready(self, _, fields):
        self.ready.add(int(fields["child_pid"]))

    def take_program_ready(self, _, fields):
        self.ready.add(int(fields["child_pid"]))

    def may_drain(self):
        """The configuration in force decides, and during a reload maybe the next one already."""
        return not all(self.moves[self.in_force:self.events["reload_started"] + 1])

    def take_worker_retired(self, _, fields):
        """One that has just died has no pid here, but its place. In a reload it is of the generation before."""
        if self.may_drain():
            self.drained.add((self.generation, int(fields["worker"])))

    def take_reload_finished(self, _, fields):
        """A worker that was hung or waited to be replaced when its generation was retired has no line of its own."""
        if self.may_drain():
            self.drained |= {place for place in self.places.values()
                             if place[0] == self.generation}
        self.in_force = self.events["reload_started"]
        self.generation = int(fields["generation"])

    def take_connections_moved(self, when, fields):
        if int(fields["staying"]) > 0:
            self.stays.append(Stay(self.seconds(when), int(fields["staying"])))

    def take_connections_recovered(self, _, fields):
        self.in_hand += int(fields["in_hand"])

    def take_program_exited(self, when, _):
        self.copies_ended.append(self.seconds(when))

    take_program_crashed = take_program_exited

    def take_connection_ended(self, when, fields):
        if "remote" in fields:
            key = fields.get("service"), fields["remote"]
            ended = self.seconds(when)
            opened = ended - int(fields.get("ms", 0)) / 1000
            self.endings[key].append(Ending(opened, ended, fields.get("ending"),
                                            int(fields.get("pid", 0))))

    def read_passed(self):
        """By the client's address: each connection that was passed on, as a Passed. The access log tells them."""
        passed = collections.defaultdict(list)
        with open(self.access, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                fields = dict(self.FIELD.findall(line)) if " service=proxy " in line else {}
                if "server" in fields:
                    ended = self.seconds(fields["time"])
                    passed[fields["remote"]].append(Passed(ended - float(fields["seconds"]), ended,
                                                           fields["ending"], fields["server"],
                                                           int(fields.get("tries", 1)) - 1))
        return passed

    def text(self):
        """All of it, file after file."""
        parts = []
        for file in self.files:
            file.seek(0)
            parts.append(file.read().decode(errors="replace"))
        return "".join(parts)

    def close(self):
        self.read()
        for file in self.files:
            file.close()


def wait_until_none(look):
    until = time.monotonic() + REST_SECONDS
    while (wrong := look()) and time.monotonic() < until:
        select.select([], [], [], BREATH_SECONDS)
    return wrong


class Server:
    """A running prefork-srv; use as a context manager."""

    def __init__(self, program, workers, nofile, hang_ms, peers):
        self.program = os.path.abspath(program)
        self.hang_ms, self.nofile, self.peers = hang_ms, nofile, peers
        self.folder = tempfile.mkdtemp(prefix="prefork-soak-")
        os.chmod(self.folder, 0o755)
        self.log = Log(self.folder)
        self.process, self.addresses = None, []
        self.crash_limit, self.user = crash_limit_off(program), own_user()
        self.modules = os.path.join(os.path.dirname(self.program), "tests/modules")
        self.versions = itertools.cycle(("echo", "echo_changed"))
        self.put("faulty.so", f"{self.modules}/faulty.so")
        self.put("copy.py", os.path.join(os.path.dirname(os.path.abspath(__file__)), "copy.py"))
        downloads.make(f"{self.folder}/site", PATTERN)
        self.before = None  # descriptors of the master and of the helper
        self.configure(workers, "yes", "off")

    def configure(self, workers, moves, max_age):
        """For the start or the next reload: each has a configuration of its own."""
        with open(f"{self.folder}/conf", "w", encoding="ascii") as conf:
            conf.write(CONF.format(workers=workers, max_age=max_age, moves=moves,
                                   nofile=self.nofile, hang_ms=self.hang_ms, folder=self.folder,
                                   crash_limit=self.crash_limit, user=self.user,
                                   python=find_python(), peers=self.list_peers()))
        self.put("echo.so", f"{self.modules}/{next(self.versions)}.so")
        self.log.moves.append(moves == "yes")

    def list_peers(self):
        return ", ".join(f'"{address}"' for address in self.peers.addresses())

    def put(self, name, source):
        """Where its users can read it; a file that is loaded must not change, so another one takes its name."""
        shutil.copy(source, f"{self.folder}/{name}.new")
        os.rename(f"{self.folder}/{name}.new", f"{self.folder}/{name}")

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        self.log.close()
        shutil.rmtree(self.folder)

    def command(self, *arguments):
        return [self.program, "-c", f"{self.folder}/conf", "-p", f"{self.folder}/pid", *arguments]

    def start(self):
        ours, theirs = os.pipe()
        with open(f"{self.folder}/said", "wb") as said:
            self.process = subprocess.Popen(self.command("-q", "--ready-fd", str(theirs)),
                                            stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                            pass_fds=(theirs,))
        os.close(theirs)
        with open(ours, "rb", buffering=0) as ready:
            text = self.hear(ready)
        told = text.decode().split()
        for line in told[:len(LISTENERS)]:
            host, port = line.rsplit(":", 1)
            self.addresses.append((host, int(port)))
        if len(told) != len(LISTENERS) + BEHIND:
            raise ServerFailed(f"it did not get ready:\n{self.said()}")
        self.before = self.count_descriptors()

    @staticmethod
    def hear(ready):
        text = b""
        watch = select.poll()
        watch.register(ready, select.POLLIN)
        while watch.poll(START_SECONDS * 1000):
            got = ready.read(4096)
            if not got:
                break
            text += got
        return text

    def said(self):
        with open(f"{self.folder}/said", encoding="utf-8", errors="replace") as said:
            return said.read()

    def child_pids(self):
        return children(self.process.pid)

    def look(self, pid):
        """The Process, or None when it is gone, dying or newborn."""
        text = title_of(pid)
        title = TITLE.match(text)
        if title:
            return Process(pid, title[1], int(title[2]), bool(title[3]))
        for start, kind in HELPERS.items():
            if (text + " ").startswith(start):
                return Process(pid, kind, -1, False)
        return Process(pid, "copy", -1, False) if f"{self.folder}/copy.py" in text else None

    def processes(self):
        return [p for p in map(self.look, self.child_pids()) if p]

    def totals(self):
        """The sums over all workers, and how many workers leave; None when it does not answer."""
        told = subprocess.run(self.command("-s", "status", "--json"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        try:
            status = json.loads(told.stdout)
        except ValueError:
            return None
        return status["totals"] | {"leaving": sum(p.leaving for p in self.processes())}

    def settle(self):
        """Waits until every connection has ended and no worker leaves; returns the totals."""
        until = time.monotonic() + SETTLE_SECONDS
        totals = self.totals()
        while time.monotonic() < until and self.process.poll() is None and (
                not totals or totals["connections_live"] or totals["leaving"]):
            self.breathe()
            totals = self.totals()
        return totals

    def breathe(self, seconds=BREATH_SECONDS):
        """A moment, shorter when the server dies."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    def count_descriptors(self):
        """Of the master, and of each helper."""
        pids = [self.process.pid] + [p.pid for p in self.processes() if p.kind == "helper"]
        try:
            return [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]
        except OSError:
            return []  # a helper has just left

    def find_leak(self):
        """What is wrong after a reload to the first number of workers, or None."""
        def look():
            dead = [pid for pid in tree(self.process.pid) if is_zombie(pid)]
            now = self.count_descriptors()
            if dead:
                return f"{len(dead)} processes wait to be reaped"
            if now == self.before:
                return None
            alive = [title_of(pid) for pid in tree(self.process.pid)]
            return f"descriptors of master and helper: {now}, and {self.before} before; processes: {alive}"
        return wait_until_none(look)

    def reload_as_first(self, workers):
        """What was wrong with it, or None."""
        self.configure(workers, "yes", "off")
        told = subprocess.run(self.command("-s", "reload"), stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return None if told.returncode == 0 else f"the last reload: {told.stdout.strip()}"

    def find_rest(self):
        """After its end, and that of the clients: processes that it has left to this one, or None."""
        def look():
            left = set(children(os.getpid())) - self.peers.pids()
            for pid in left:
                if is_zombie(pid):
                    os.waitpid(pid, 0)
            living = [title_of(pid) for pid in left if title_of(pid)]
            return f"processes that the server has left behind: {living}" if living else None
        return wait_until_none(look)

    def stop(self):
        """Gracefully; says what was wrong with that, or None."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return f"the server did not stop within {STOP_SECONDS} s"
        return None if code == 0 else f"the server ended with {code}"

    def kill(self):
        """All that is left of it; a master first, or it would start others."""
        if not self.process or self.process.poll() is not None:
            return
        left = tree(self.process.pid)
        self.process.kill()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()


def allow_descriptors(wanted):
    """Raises the limit of this process and its children; returns what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    soft = max(soft, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft
