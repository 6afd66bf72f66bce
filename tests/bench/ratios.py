# SPDX-License-Identifier: MIT
"""The cost of a request: ours beside a minimal loop, nginx and haproxy, on the same work.

Each of the functions takes a gauge.Bench and yields rows. Used by run.py.
"""
import socket
import statistics

import peers
import workers
from gauge import Row, compare, ratio_row

HTTP_REQUEST = "GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"  # as bench's -m takes it
HEALTHZ_REQUEST = HTTP_REQUEST.replace(" / ", " /healthz ")
ACCESS_US = 0.25  # that a line of the access log may add
DAYTIME_LENGTH = len("Thu Jan  1 00:00:00 1970 UTC\r\n")


def echo(bench):
    title = "echo 64 B, 64 connections"
    with peers.ours(bench.binary, ["echo"], cpu=bench.cpu) as a, \
            peers.minimal(bench.tools, "echo", cpu=bench.cpu) as b:
        lines = compare(bench, title, [("ours", a, a.ports[0], ()),
                                       ("minimal", b, b.ports[0], ())])
        yield ratio_row(title, lines, "ours", "minimal", 1.10)


def oneshot(bench):
    title = "a connection for each request, ack raw"
    arguments = ("-k", "1", "-a", "2", "--sources", "8")
    with peers.ours(bench.binary, ["ack,reply=ok"], cpu=bench.cpu) as a, \
            peers.minimal(bench.tools, "oneshot", cpu=bench.cpu) as b:
        lines = compare(bench, title, [("ours", a, a.ports[0], arguments),
                                       ("minimal", b, b.ports[0], arguments)])
        yield ratio_row(title, lines, "ours", "minimal", 1.03)
    for count in (2, 4, 8):
        yield from workers.rates(bench, count, asking_for)
    for count in (1, 32, 128):
        yield from workers.costs(bench, count, asking_for)


def of_access(bench, a, b, title, *arguments):
    """What a line of the access log adds, in us of the server's processor time."""
    lines = compare(bench, title, [("with", a, a.ports[0], arguments),
                                   ("without", b, b.ports[0], arguments)])
    with_us, without_us = ([line["server_us"] for line in lines[name]]
                           for name in ("with", "without"))
    more = statistics.median(x - y for x, y in zip(with_us, without_us))
    return Row(f"us that the access log adds, {title}",
               f"with {statistics.median(with_us):.2f} us, "
               f"without {statistics.median(without_us):.2f} us", more, ACCESS_US)


def access(bench):
    log = ("log.access=FOLDER/access",)
    with peers.ours(bench.binary, ["ack,reply=ok"], cpu=bench.cpu, options=log) as a, \
            peers.ours(bench.binary, ["ack,reply=ok"], cpu=bench.cpu) as b:
        yield of_access(bench, a, b, "a connection for each request", "-k", "1", "-a", "2", "--sources", "8")
    with peers.ours(bench.binary, ["status"], cpu=bench.cpu, options=log) as a, \
            peers.ours(bench.binary, ["status"], cpu=bench.cpu) as b:
        yield of_access(bench, a, b, "a line for each request, keep-alive",
                        *asking(b.ports[0], HEALTHZ_REQUEST))


def healthz(bench):
    """A tiny HTTP answer; each has its own header fields, so the answers' lengths differ."""
    title = "/healthz, keep-alive"
    with peers.ours(bench.binary, ["status"], cpu=bench.cpu) as a, peers.nginx(cpu=bench.cpu) as b:
        lines = compare(bench, title,
                        [("ours", a, a.ports[0], asking(a.ports[0], HEALTHZ_REQUEST)),
                         (b.name, b, b.ports[0], asking(b.ports[0], HEALTHZ_REQUEST))])
        yield ratio_row(f"{title}, against nginx return 200", lines, "ours", b.name, 0.85)


def answer_length(port, request=HTTP_REQUEST):
    """Bytes of the answer to the request: the same each time."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(request.replace("\\r", "\r").replace("\\n", "\n").encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += s.recv(65536)
        head, _, body = text.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length:"))
        while len(body) < length:
            body += s.recv(65536)
        return len(head) + 4 + len(body)


def asking(port, request):
    """bench's arguments for a request whose answer is always as long as now."""
    return "-m", request, "-a", str(answer_length(port, request))


def asking_for(port, path):
    return asking(port, HTTP_REQUEST.replace(" / ", f" {path} "))


def against_http(bench, peer, title, target, *extra):
    """Our ack, told to answer as many bytes as the HTTP server does.

    Once on one line of as many bytes as the request has, once (raw) on the very same request.
    """
    length = answer_length(peer.ports[0])
    size = len(HTTP_REQUEST.replace("\\r", "r").replace("\\n", "n"))
    request = ("-m", HTTP_REQUEST, "-a", str(length)) + extra
    line = ("-m", "x" * (size - 1) + "\\n", "-a", str(length)) + extra
    listens = [f"ack,framing=line,reply={'x' * (length - 1)}", f"ack,reply={'x' * length}"]
    with peers.ours(bench.binary, listens, cpu=bench.cpu) as a, \
            peers.minimal(bench.tools, "oneshot", "x" * length, cpu=bench.cpu) as b:
        lines = compare(bench, title, [("ours, line", a, a.ports[0], line),
                                       ("ours, raw", a, a.ports[1], request),
                                       ("minimal", b, b.ports[0], request),
                                       (peer.name, peer, peer.ports[0], request)])
        yield ratio_row(f"{title}: {size} B there, {length} B back, ack line", lines,
                        "ours, line", peer.name, target)
        yield ratio_row("the same bytes, ack raw", lines, "ours, raw", peer.name, target)
        yield ratio_row("the same bytes, the floor: minimal", lines, "minimal", peer.name)


def nginx_stream(bench, peer):
    """All send a line of the same length on accept.

    nginx and minimal close at once; so does ours with linger_timeout=0, and otherwise it ends its
    side and waits for the client's end.
    """
    title = "server speaks and closes"
    arguments = ("-s", "0", "-a", "end", "--sources", "8")
    with peers.ours(bench.binary, ["daytime,linger_timeout=0", "daytime"], cpu=bench.cpu) as a, \
            peers.minimal(bench.tools, "close-after", "x" * DAYTIME_LENGTH, cpu=bench.cpu) as b:
        lines = compare(bench, title, [("ours", a, a.ports[0], arguments),
                                       ("ours, default", a, a.ports[1], arguments),
                                       ("minimal", b, b.ports[0], arguments),
                                       (peer.name, peer, peer.ports[1], arguments)])
        yield ratio_row(f"{title}: daytime, linger_timeout=0, against nginx stream return", lines,
                        "ours", peer.name)
        yield ratio_row("the same against minimal", lines, "ours", "minimal")
        yield ratio_row("the same, ours waits for the client's end (default)", lines,
                        "ours, default", peer.name)


def nginx(bench):
    has_stream = peers.nginx_has_stream()
    text = "x" * DAYTIME_LENGTH if has_stream else None
    with peers.nginx(cpu=bench.cpu, stream_text=text) as peer:
        if has_stream:
            yield from nginx_stream(bench, peer)
        else:
            yield Row("nginx stream return: left out",
                      "it is not installed (Debian: apt-get install libnginx-mod-stream)", None)
        yield from against_http(bench, peer, "keep-alive against nginx return 200", 0.85)
        yield from against_http(bench, peer,
                                "a connection for each request against nginx return 200", 0.92,
                                "-k", "1", "--sources", "8")


def haproxy(bench):
    with peers.haproxy(cpu=bench.cpu) as peer:
        yield from against_http(bench, peer, "keep-alive against haproxy http-request return",
                                0.77)
