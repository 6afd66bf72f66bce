# SPDX-License-Identifier: MIT
"""The clients of service http: files whole and in ranges, small ones, listings, fast and slow. The folder's content is
known here, and so is every byte of a body. Must not touch a socket. Used by talks.py and server.py.
"""
import json
import os
import re

HEAD = "GET /{} HTTP/1.1\r\nHost: soak\r\n{}\r\n"
MODIFIED = 1_000_000  # seconds after the epoch, of every file
SMALL = {f"small-{size}": size for size in (0, 1, 100, 5_000, 9_000, 30_000, 33_000, 100_000)}
LARGE = 2_000_000  # bytes
LISTED = 50
PACE_SECONDS = (0.005, 0.06)  # between two receives of a slow client
SLOW_BUFFER = 1 << 16
UNAVAILABLE = b"HTTP/1.1 503 "  # where the server has no descriptor


def put(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    os.utime(path, (MODIFIED, MODIFIED))


def make(folder, pattern):
    """pattern: more than LARGE bytes."""
    for name in (folder, f"{folder}/list"):
        os.mkdir(name)
        os.chmod(name, 0o755)
    for name, size in SMALL.items():
        put(folder, name, pattern[:size])
    put(folder, "large", pattern[:LARGE])
    for i in range(LISTED):
        put(folder, f"list/n{i:02}", bytes(i))


class Whole:
    """A file, or one range of it."""

    def __init__(self, status, body):
        self.status, self.body = status, body

    def begin(self, head):
        self.has_right_head = b"\r\nContent-Length: %d\r\n" % len(self.body) in head
        return self.has_right_head

    def take(self, got, data):
        """How many of the bytes of the body, behind the first, are right; None: not all that should be."""
        wanted = self.body[got:got + len(data)]
        return len(wanted) if data[:len(wanted)] == wanted else None

    def is_whole(self, got):
        return got == len(self.body)


class Parts(Whole):
    """Several ranges."""

    def __init__(self, ranges, pattern):
        super().__init__(b"206", b"")
        self.ranges, self.pattern = ranges, pattern

    def begin(self, head):
        found = re.search(rb"\r\nContent-Type: multipart/byteranges; boundary=(\w+)\r\n", head)
        if not found:
            return False
        self.body = b"".join(
            b"\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s" %
            (found[1], first, last, LARGE, self.pattern[first:last + 1]) for first, last in self.ranges)[2:]
        self.body += b"\r\n--%s--\r\n" % found[1]
        return super().begin(head)


class Listing:
    """In chunks, as JSON."""

    status, end = b"200", b"\r\n0\r\n\r\n"

    def begin(self, head):
        self.text = b""
        return b"\r\nTransfer-Encoding: chunked\r\n" in head

    def take(self, _, data):
        self.text += data
        if not self.is_whole(None):
            return len(data) if self.end not in self.text else None
        listed = json.loads(re.sub(rb"(^|\r\n)[0-9A-Fa-f]+\r\n", b"", self.text))
        right = [(f"n{i:02}", i) for i in range(LISTED)]
        return len(data) if [(entry["name"], entry["size"]) for entry in listed] == right else None

    def is_whole(self, _):
        return self.text.endswith(self.end)


class Files:
    """One request after the other, as long as the server does not say that it ends the connection."""

    service, is_stream, most = "http", False, None
    pattern = b""  # set by talks.py

    def __init__(self, identity, rng):
        self.rng, self.is_last = rng, False
        self.is_slow = identity % 3 == 0
        self.receive_buffer = SLOW_BUFFER if self.is_slow else None
        self.unavailable = 0

    def pause(self):
        """Seconds until the client receives again."""
        return self.rng.uniform(*PACE_SECONDS) if self.is_slow else None

    def range(self, most):
        first = self.rng.randrange(LARGE)
        return first, min(LARGE - 1, first + self.rng.randrange(most))

    def ask(self):
        """The name, further lines of the head, and the answer."""
        kind = self.rng.random()
        if kind < 0.6:
            name, size = self.rng.choice(list(SMALL.items()))
            return name, "", Whole(b"200", self.pattern[:size])
        if kind < 0.7:
            return "large", "", Whole(b"200", self.pattern[:LARGE])
        if kind < 0.8:
            first, last = self.range(200_000)
            return "large", f"Range: bytes={first}-{last}\r\n", Whole(b"206", self.pattern[first:last + 1])
        if kind < 0.9:
            ranges = [(at, at + self.rng.randrange(90_000)) for at in (1000, 500_000, 1_000_000, 1_500_000)]
            said = ",".join(f"{first}-{last}" for first, last in ranges)
            return "large", f"Range: bytes={said}\r\n", Parts(ranges, self.pattern)
        return "list/", "Accept: application/json\r\n", Listing()

    def next(self):
        name, more, self.answer = self.ask()
        self.head, self.got = b"", 0
        return [HEAD.format(name, more).encode()], b""

    def take(self, _expected, _got, data):
        """How many bytes of data are the answer's; None: one of them is wrong."""
        of_head = 0
        if not self.has_head():
            before = len(self.head)
            self.head += data
            if not self.has_head():
                return len(data)
            end = self.head.index(b"\r\n\r\n") + 4
            self.head, data, of_head = self.head[:end], self.head[end:], end - before
            if not self.begin():
                return None
        taken = self.answer.take(self.got, data)
        self.got += taken or 0
        return None if taken is None else of_head + taken

    def has_head(self):
        return b"\r\n\r\n" in self.head

    def begin(self):
        self.is_last = b"\r\nConnection: close\r\n" in self.head
        if self.head.startswith(UNAVAILABLE):
            length = int(re.search(rb"\r\nContent-Length: (\d+)\r\n", self.head)[1])
            self.answer = Whole(b"503", b"503 Service Unavailable\n"[:length])
            self.unavailable += 1
            return True
        return self.head[9:12] == self.answer.status and self.answer.begin(self.head)

    def is_whole(self, _expected, _got):
        return self.has_head() and self.answer.is_whole(self.got)
