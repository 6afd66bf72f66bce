# SPDX-License-Identifier: MIT
"""The server under test: starts it in its own folder, reads its log, names its processes, ends it.

Must not judge the log, or signal a process that is not the server's own. Used by soak.py and
driver.py.
"""
import collections
import datetime
import glob
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile

CONF = """\
workers = {workers}
shutdown_timeout = 10s
hang_timeout = {hang_ms}ms
rlimit_nofile = {nofile}
{crash_limit}log {{ path = "{folder}/log"  level = debug }}
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.2:0" {{ service = echo }}
"""
START_SECONDS, STOP_SECONDS = 20, 30
BREATH_SECONDS = 0.01

# The kind of a process, by its title; a newborn has its parent's.
TITLE = re.compile(r"prefork-srv: (worker|keeper) (\d+)( \(draining\))?$")
Ending = collections.namedtuple("Ending", "opened ended why")
Process = collections.namedtuple("Process", "pid kind number draining")


class ServerFailed(Exception):
    """The server did not start or did not end as it should."""


class Log:
    """What the log says, file after file: counts of events, why connections ended, complaints."""

    FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')

    def __init__(self, folder):
        self.path, self.turn = f"{folder}/log", 0
        self.files = []
        self.rests = {}
        self.events = collections.Counter()
        self.endings = collections.defaultdict(list)  # by service and remote address
        self.complaints = []
        self.ready = set()  # workers that have said that they serve

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
        if event not in ("connection_ended", "worker_ready"):
            return
        fields = dict(self.FIELD.findall(rest[0]))
        if event == "worker_ready":
            self.ready.add(int(fields.get("child_pid", 0)))
        elif "remote" in fields:
            key = fields.get("service"), fields["remote"]
            ended = datetime.datetime.fromisoformat(when.replace("Z", "+00:00")).timestamp()
            opened = ended - int(fields.get("ms", 0)) / 1000
            self.endings[key].append(Ending(opened, ended, fields.get("ending")))

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


def crash_limit_off(program):
    """Kills are no client's fault, and here all clients have one address."""
    printed = subprocess.run([program, "-P", "options"], stdin=subprocess.DEVNULL, check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return "crash_limit = off\n" if "crash_limit" in printed.stdout else ""


class Server:
    """A running prefork-srv; use as a context manager."""

    def __init__(self, program, workers, nofile, hang_ms):
        self.program = os.path.abspath(program)
        self.hang_ms, self.nofile, self.workers = hang_ms, nofile, workers
        self.folder = tempfile.mkdtemp(prefix="prefork-soak-")
        os.chmod(self.folder, 0o755)
        self.log = Log(self.folder)
        self.process, self.addresses = None, []
        with open(f"{self.folder}/conf", "w", encoding="ascii") as conf:
            conf.write(CONF.format(workers=workers, nofile=nofile, hang_ms=hang_ms,
                                   folder=self.folder, crash_limit=crash_limit_off(program)))

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
        for line in text.decode().split():
            host, port = line.rsplit(":", 1)
            self.addresses.append((host, int(port)))
        if len(self.addresses) != 2:
            raise ServerFailed(f"it did not get ready:\n{self.said()}")

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
        pids = []
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/children"):
            try:
                with open(path, encoding="ascii") as children:
                    pids += map(int, children.read().split())
            except OSError:
                continue
        return pids

    @staticmethod
    def look(pid):
        """The Process, or None when it is gone, dying or newborn."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as cmdline:
                title = TITLE.match(cmdline.read().rstrip(b"\0 ").decode(errors="replace"))
        except OSError:
            return None
        return title and Process(pid, title[1], int(title[2]), bool(title[3]))

    def processes(self):
        return [p for p in map(self.look, self.child_pids()) if p]

    def breathe(self):
        """A moment, shorter when the server dies."""
        try:
            self.process.wait(BREATH_SECONDS)
        except subprocess.TimeoutExpired:
            pass

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
        left = self.child_pids()
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
