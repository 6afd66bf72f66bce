# SPDX-License-Identifier: MIT
"""The works: one row for each thing that is measured, with its targets.

Most are races (race.py); the others are functions of crowds.py, moves.py and proxies.py.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

import contenders
import crowds
import moves
import proxies
from race import ALL, ONE, Race

SOME = ((ONE, 1), (ALL, 1), (ALL, 2), (ALL, 4), (ALL, 8))
MANY = ((ALL, 32), (ALL, 128))
TWO = ((ONE, 1), (ALL, 2))
JUST = ((ONE, 1),)
ANEW = ("-k", "1", "--sources", "8")  # a connection for each request
SIZES = {"100": 100, "1k": 1 << 10, "100k": 100 << 10, "10m": 10 << 20}
WRITTEN = 1600000000  # of the files: what is young has an entity tag of another length
HTTP = ("prefork-srv", "minimal", "nginx", "haproxy")
TINY_JOBS = {"nginx": "tiny", "haproxy": "tiny", "minimal": "raw"}
SHORT = ("prefork-srv", "reuse_port", "minimal", "nginx", "nginx_reuseport", "haproxy", "lighttpd",
         "apache2", "h2o", "caddy")
SHORT_RATES = {"nginx": 1.0, "nginx_reuseport": 1.0, "reuse_port": 0.97}
EXAMPLES = os.path.abspath(f"{os.path.dirname(__file__)}/../../etc/examples")
HEADERS = os.path.abspath(f"{os.path.dirname(__file__)}/../../src/include")


class Figures:
    """A work that is no race: a function of a gauge.Bench; seconds: about what it takes."""

    def __init__(self, name, what, run, seconds):
        self.name, self.what, self.run, self.seconds = name, what, run, seconds
        self.names = ()

    def cost(self, _):
        return self.seconds


WORKS = [
    Race("echo_64", "echo of 64 B, 64 connections", "echo", SOME, targets={"minimal": 1.05}),
    Race("echo_module", "the same of a module, to the built-in service", "echo", TWO,
         ("module", "prefork-srv"), targets={"prefork-srv": 1.02}),
    Race("keepalive", "GET of a tiny answer, 64 connections kept alive", "tiny", SOME,
         targets={"nginx": 0.75, "haproxy": 0.65}),
    Race("keepalive_ack", "as many bytes, answered by ack to a line", "line", JUST, HTTP,
         TINY_JOBS, targets={"nginx": 0.75, "haproxy": 0.65}),
    Race("connection", "GET of a tiny answer, a connection for each", "tiny", SOME, SHORT,
         extra=ANEW, rate_targets=SHORT_RATES),
    Race("connection_many", "the same with many workers", "tiny", MANY, ("prefork-srv", "nginx"),
         extra=ANEW),
    Race("connection_ack", "as many bytes, answered by ack, a connection for each", "raw", JUST,
         HTTP, TINY_JOBS, extra=ANEW, targets={"minimal": 1.02, "nginx": 0.92}),
    Race("speak", "the server speaks and closes", "speak", JUST, extra=(
        "--sources", "8")),
    *(Race(f"file_{size}", f"GET of a file of {length} B, kept alive", "file", TWO,
           contenders.who_can("file") + (("nginx_read",) if length < 4096 else ()),
           path=f"/{size}", body_size=length, extra=("-c", "4") if size == "10m" else (),
           targets={"1k": {"nginx": 0.60}, "100k": {"nginx": 0.85}}.get(size, ()))
      for size, length in SIZES.items()),
    Race("proxy_64", "64 B there and back through a TCP proxy", "proxy", SOME,
         targets={"nginx": 0.95, "haproxy": 0.95}),
    Race("proxy_connection", "the same, a connection for each", "proxy", SOME, extra=ANEW),
    Figures("proxy_bulk", "a stream through a TCP proxy", proxies.proxy_bulk, 10),
    Figures("proxy_memory", "2,000 idle connections through a proxy", proxies.proxy_memory, 4),
    Race("keeper", "tiny answers with and without keepers", "tiny", TWO,
         ("prefork-srv", "no_keeper")),
    Race("keeper_connection", "the same, a connection for each", "tiny", TWO,
         ("prefork-srv", "no_keeper"), extra=ANEW),
    Race("log", "tiny answers with and without an access log", "tiny", JUST,
         ("with_log", "prefork-srv", "nginx_log", "nginx"),
         added=(("with_log", "prefork-srv", 0.30), ("nginx_log", "nginx", None))),
    Race("log_connection", "the same, a connection for each", "raw", JUST,
         ("with_log", "prefork-srv"), extra=ANEW, added=(("with_log", "prefork-srv", 0.30),)),
    Figures("balance", "connections of each of 4 workers", crowds.balance, 20),
    Figures("idle_memory", "10,000 idle connections", crowds.idle_memory, 30),
    Figures("recovery", "a worker dies with 9,000 idle connections", moves.recovery, 6),
    Figures("reload", "a reload moves 9,000 idle connections", moves.reload, 6),
    Figures("slow", "others beside 2,000 slow senders", crowds.slow, 16),
    Figures("greedy", "a small message beside 1,000 that never pause", crowds.greedy, 22),
    Race("exec", "a C program for each connection", "exec", ((ALL, 1),),
         extra=(*ANEW, "-c", "32"), rate_targets={"tcpserver": 1.0, "socat": 1.0}),
    *(Race(f"program_{name}", f"an application under prefork-srv, to {name}'s own manager", job,
           ((ALL, 1), (ALL, 2), (ALL, 4), (ALL, 8)), (f"our_{name}", name), afresh=True,
           extra=("-k", "1", "-c", "16"), targets={name: 1.02})
      for name, job in (("gunicorn", "wsgi"), ("uvicorn", "asgi")))]
BY_NAME = {work.name: work for work in WORKS}


@contextlib.contextmanager
def places(bench):
    """What the jobs of contenders name: files, a module, a program, applications."""
    folder = tempfile.mkdtemp(prefix="prefork-bench-")
    try:
        os.chmod(folder, 0o755)  # workers have another user
        root = f"{folder}/root"
        os.mkdir(root)
        for name, size in {**SIZES, "healthz": 3}.items():
            with open(f"{root}/{name}", "wb") as file:
                file.write(b"ok\n" if name == "healthz" else b"x" * size)
            os.utime(f"{root}/{name}", (WRITTEN, WRITTEN))
        files = " ".join(f"{root}/{name}" for name in sorted(os.listdir(root)))
        subprocess.run(["cc", "-O2", f"-I{HEADERS}", "-std=gnu11", "-fPIC", "-shared", "-o",
                        f"{folder}/echo.so", f"{EXAMPLES}/module/echo.c"], check=True)
        yield {"root": root, "files": files, "module": f"{folder}/echo.so",
               "program_file": os.path.abspath(f"{bench.tools}/answer"),
               "applications": f"{EXAMPLES}/programs"}
    finally:
        shutil.rmtree(folder)
