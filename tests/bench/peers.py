# SPDX-License-Identifier: MIT
"""Servers to measure, ours and others: started in a temporary folder on ports that the system
chose, ended by process id.

Configures each for the measured work. Must not measure. Used by ratios.py
and crowds.py.
"""
import os
import shutil
import signal
import socket
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
        self.process = subprocess.Popen(pin + command, stdin=subprocess.DEVNULL, **popen)
        self.folder = None

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

    def user_memory(self):
        """Bytes of user memory, shared pages counted once: the sum of Pss (proc(5))."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as lines:
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total * 1024

    def wait_listening(self):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name}: ended with code {self.process.returncode}")
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


def ours_program(binary, program, copies, directory):
    """prefork-srv with so many copies of the program, which runs in the directory."""
    return ours(binary, [""], workers=copies, options=["user=root"] if os.geteuid() == 0 else [],
                program=program, directory=directory)


def find_program(name, package):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if not path:
        raise Missing(f"{name} is not installed (Debian: apt-get install {package})")
    return path


NGINX = """
{modules}
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes {workers};
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; default_type text/plain;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{http} backlog=4096{reuse_port}; location / {{ return 200 "ok\\n"; }} }}
}}
{stream}
"""
NGINX_STREAM = 'stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; return "{text}"; }} }}'
STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def nginx_has_stream():
    return os.path.exists(STREAM_MODULE)


def nginx(workers=1, cpu=None, stream_text=None, reuse_port=False):
    """nginx with `return 200` on ports[0] and, given stream_text, stream's `return` on ports[1]."""
    program = find_program("nginx", "nginx-light")
    folder = tempfile.mkdtemp(prefix="prefork-bench-")
    ports = [free_port()]
    modules = stream = ""
    if stream_text is not None:
        ports.append(free_port())
        modules = f"load_module {STREAM_MODULE};"
        stream = NGINX_STREAM.format(port=ports[1], text=stream_text)
    with open(f"{folder}/nginx.conf", "w") as conf:
        conf.write(NGINX.format(folder=folder, modules=modules, workers=workers, http=ports[0],
                                reuse_port=" reuseport" if reuse_port else "",
                                stream=stream))
    server = Server("nginx reuseport" if reuse_port else "nginx",
                    [program, "-e", f"{folder}/error.log", "-p", folder,
                     "-c", f"{folder}/nginx.conf"], cpu)
    server.folder, server.ports = folder, ports
    server.wait_listening()
    return server


HAPROXY = """
global
  maxconn 9500
  nbthread {workers}
defaults
  mode http
  timeout client 300s
  timeout http-keep-alive 300s
frontend f
  bind 127.0.0.1:{port} backlog 4096
  http-request return status 200 content-type text/plain string "ok"
"""


def haproxy(workers=1, cpu=None):
    program = find_program("haproxy", "haproxy")
    folder = tempfile.mkdtemp(prefix="prefork-bench-")
    ports = [free_port()]
    with open(f"{folder}/haproxy.cfg", "w") as conf:
        conf.write(HAPROXY.format(workers=workers, port=ports[0]))
    server = Server("haproxy", [program, "-db", "-q", "-f", f"{folder}/haproxy.cfg"], cpu)
    server.folder, server.ports = folder, ports
    server.wait_listening()
    return server
