# SPDX-License-Identifier: MIT
"""Servers as processes: started in a temporary folder on ports that the system chose, ended by
process id; what /proc tells of them.

Knows no server's configuration but ours. Must not judge. Used by contenders.py and the works.
"""
import contextlib
import glob
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time


class Missing(Exception):
    """A peer that is not installed; the text says what to install."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def parents():
    """Parent of every process."""
    table = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                table[int(name)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return table


def wait_for(claim, seconds, what):
    end = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Server:
    """A running server; `with` ends it. cpu None leaves it to all of them."""

    def __init__(self, name, command, cpu=None, **popen):
        pin = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self.name = name
        # a group of its own: apache2 ends its whole group
        self.process = subprocess.Popen(pin + command, stdin=subprocess.DEVNULL,
                                        start_new_session=True, **popen)
        self.folder, self.tasks, self.workers = None, None, 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def pids(self):
        """The process and all that descend from it."""
        table, found = parents(), [self.process.pid]
        for pid in found:
            found += [child for child, parent in table.items() if parent == pid]
        return found

    def busy_ns(self, what):
        """Processor time so far of each process, or each thread, of the tree."""
        found = {}
        for pid in self.pids():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                with contextlib.suppress(OSError), open(path) as stat:
                    key = pid if what == "processes" else path
                    found[key] = found.get(key, 0) + int(stat.read().split()[0])
        return found

    def spread(self):
        """Variation of the processor time of the workers, the busiest tasks; None: not known."""
        if self.workers < 2 or not self.tasks:
            return None
        times = sorted(self.busy_ns(self.tasks).values())[-self.workers:]
        return statistics.pstdev(times) / statistics.mean(times) if any(times) else None

    def user_memory(self):
        """Bytes of user memory, shared pages counted once: the sum of Pss (proc(5))."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def last_words(self):
        """The last line that it wrote to its output or its log of errors."""
        lines = []
        for name in ("output", "error.log"):
            with contextlib.suppress(OSError), open(f"{self.folder}/{name}") as said:
                lines += said.read().strip().splitlines()[-1:]
        return "; ".join(lines)

    def wait_listening(self):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name}: ended with code {self.process.returncode}: "
                                   + self.last_words())
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.ports[0])) == 0
        try:
            wait_for(answers, 10, self.name)
        except RuntimeError:
            self.__exit__()
            raise


def minimal(tools, mode, reply="ok", cpu=None):
    server = Server(f"minimal {mode}", [f"{tools}/minimal", mode, reply], cpu,
                    stdout=subprocess.PIPE, text=True)
    server.ports = [int(server.process.stdout.readline())]
    return server


def ours(binary, listens, workers=1, cpu=None, options=(), program=(), directory=None):
    """prefork-srv with listeners "SERVICE,OPTION=VALUE..."; .ports has their ports in order.

    FOLDER in an option is the server's own folder. The program accepts on the listens that are "".
    """
    folder = tempfile.mkdtemp(prefix="prefork-bench-")
    read_end, write_end = os.pipe()
    command = [os.path.abspath(binary), "-q", "-w", str(workers), "-p", f"{folder}/srv.pid",
               "-o", "log.level=error", "--ready-fd", str(write_end)]
    for listen in listens:
        command += ["-l", "127.0.0.1:0" + (f"={listen}" if listen else "")]
    for option in options:
        command += ["-o", option.replace("FOLDER", folder)]
    if program:
        command += ["--", *program]
    server = Server("ours", command, cpu, pass_fds=[write_end], cwd=directory)
    server.folder = folder
    server.scoreboard = f"{folder}/srv.scoreboard"
    os.close(write_end)
    with os.fdopen(read_end) as ready:
        server.ports = [int(line.rsplit(":", 1)[1].split()[0]) for line in ready if ":" in line]
    if len(server.ports) != len(listens):
        server.__exit__()
        raise RuntimeError(f"prefork-srv: did not become ready: {' '.join(command)}")
    return server


def find_program(name, package):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Missing(f"{name} is not installed (Debian: apt-get install {package})")
    return path


STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
