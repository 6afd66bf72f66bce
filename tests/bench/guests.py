# SPDX-License-Identifier: MIT
"""The cost of guests: a module beside the built-in service, and web applications under
prefork-srv beside the same ones under their own managers.

Each of the functions takes a gauge.Bench and yields rows. Used by run.py.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

import peers
from gauge import compare, compare_afresh, ratio_row
from ratios import HTTP_REQUEST, asking
from workers import latency_row, rate_row

EXAMPLES = os.path.abspath(f"{os.path.dirname(__file__)}/../../etc/examples")
HEADERS = os.path.abspath(f"{os.path.dirname(__file__)}/../../src/include")
MANAGED = 1.02  # processor time of a request, to that under the application's own manager
COPIES = (1, 2, 4, 8)


@contextlib.contextmanager
def built(name):
    """Path of the example module, in a folder that the workers' user may enter."""
    folder = tempfile.mkdtemp(prefix="prefork-bench-")
    path = f"{folder}/{name}.so"
    try:
        os.chmod(folder, 0o755)
        subprocess.run(["cc", "-O2", f"-I{HEADERS}", "-std=gnu11", "-fPIC", "-shared", "-o", path,
                        f"{EXAMPLES}/module/{name}.c"], check=True)
        yield path
    finally:
        shutil.rmtree(folder)


def module(bench):
    title = "echo 64 B, 64 connections, of a module"
    with built("echo") as path:
        with peers.ours(bench.binary, [f"module,module={path}"], cpu=bench.cpu) as a, \
                peers.ours(bench.binary, ["echo"], cpu=bench.cpu) as b:
            lines = compare(bench, title, [("module", a, a.ports[0], ()),
                                           ("built in", b, b.ports[0], ())])
            yield ratio_row(title, lines, "module", "built in", 1.02)
        for count in COPIES:
            title = f"{count} workers, echo 64 B, 64 connections"
            with peers.ours(bench.binary, [f"module,module={path}"], workers=count) as a, \
                    peers.ours(bench.binary, ["echo"], workers=count) as b:
                lines = compare(bench, title, [("ours", a, a.ports[0], ()),
                                               ("built in", b, b.ports[0], ())], pinned=False)
            yield from rows(title, lines, "built in")


def rows(title, lines, other, target=None):
    yield ratio_row(f"{title}: processor time", lines, "ours", other, target)
    yield rate_row(title, lines, other, None)
    yield latency_row(title, lines, other, "p50_us", None)
    yield latency_row(title, lines, other, "p99_us", None)


def gunicorn(copies):
    return ("gunicorn", "gunicorn",
            lambda port: ["--workers", str(copies), "--bind", f"127.0.0.1:{port}", "wsgi:app"],
            ["--workers", "1", "--bind", "fd://3", "wsgi:app"])


def uvicorn(copies):
    quiet = ["--log-level", "warning", "--no-access-log"]
    return ("uvicorn", "uvicorn",
            lambda port: [*quiet, "--workers", str(copies), "--port", str(port), "asgi:app"],
            [*quiet, "--fd", "3", "asgi:app"])


@contextlib.contextmanager
def both_managed(bench, application, copies):
    name, package, own_arguments, our_arguments = application(copies)
    program, port = peers.find_program(name, package), peers.free_port()
    folder = f"{EXAMPLES}/programs"
    with peers.Server(name, [program, *own_arguments(port)], cwd=folder,
                      stderr=subprocess.DEVNULL) as own, \
            peers.ours_program(bench.binary, [program, *our_arguments], copies, folder) as ours:
        own.ports = [port]
        own.wait_listening()
        yield [(side, server, server.ports[0],
                (*asking_once(server.ports[0]), "-k", "1", "-c", "16"))
               for side, server in (("ours", ours), (name, own))]


def beside_manager(bench, application, copies):
    name = application.__name__
    title = f"{name}, {copies} copies, a connection for each request"
    lines = compare_afresh(bench, title, lambda: both_managed(bench, application, copies),
                           pinned=False)
    yield from rows(title, lines, name, MANAGED)


def asking_once(port):
    return asking(port, HTTP_REQUEST.replace("\\r\\n\\r\\n", "\\r\\nConnection: close\\r\\n\\r\\n"))


def managers(bench):
    for application in (gunicorn, uvicorn):
        for copies in COPIES:
            yield from beside_manager(bench, application, copies)
