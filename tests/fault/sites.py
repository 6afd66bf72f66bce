# SPDX-License-Identifier: MIT
"""Scenarios of service http: files whole, in a range, behind links, and downloads whose worker dies or leaves. As in
moves.py, every connection goes on at the byte where it was.
"""
import os
import re

import moves
import talks

SERVICES = ("ack", "http", "walked")
LISTENS = """\
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.1:0" {{ service = http  root = "{site}"  sndbuf = 64k  precompressed = yes }}
listen "127.0.0.1:0" {{ service = http  root = "{site}"  follow_symlinks = same_owner }}
"""
HEAD = "GET /{name} HTTP/1.1\r\nHost: me\r\n{more}\r\n"
LARGE = talks.PATTERN * 10
# instead of the file, where a call has failed
EXCUSED = (b"403", b"404", b"500", b"503")


class Get(talks.Resting):
    """Asks for a file again and again on one connection."""

    service, name, more, status, answer = "http", "small", "", b"200", talks.PATTERN[:3000]

    def begin(self):
        self.asked = HEAD.format(name=self.name, more=self.more).encode()
        self.go_on()

    def receive_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.client.receive(1)
        length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head.lower())
        return head, head[9:12], int(length[1]) if length else 0

    def expect(self):
        head, status, length = self.receive_head()
        if self.is_there(head, status, length):
            self.client.check(length == len(self.answer), head)
            self.client.expect(self.answer)

    def is_there(self, head, status, length):
        """False when a failed call excuses another answer, whose body is dropped."""
        if status == self.status:
            return True
        self.client.check(self.run.struck() and status in EXCUSED, head)
        for _ in range(length):
            self.client.receive(1)
        return False


class GetRange(Get):
    more, status, answer = "Range: bytes=100-299\r\n", b"206", talks.PATTERN[100:300]


class GetLink(Get):
    """By names, not by openat2."""

    service, name = "walked", "folder/link"


class GetIndex(Get):
    name, answer = "folder/", b"<p>index\n"


class GetCoded(Get):
    """As the plain file where the coded one could not be opened."""

    name, more = "coded", "Accept-Encoding: gzip\r\n"

    def expect(self):
        head, status, length = self.receive_head()
        if self.is_there(head, status, length):
            answer = b"coded\n" if b"\r\nContent-Encoding: gzip\r\n" in head else b"plain\n"
            self.client.check(self.run.struck() or answer == b"coded\n", head)
            self.client.expect(answer)


class Download(Get, talks.Waiting):
    """Takes little of a large file."""

    name, pattern = "large", LARGE

    def begin(self):
        self.client.narrow(talks.BUFFER)
        self.client.send(HEAD.format(name=self.name, more="").encode())
        self.sent, self.got = len(LARGE), 0
        if not self.is_there(*self.receive_head()):
            self.sent = 0

    def go_on(self):
        talks.Waiting.expect(self, min(10_000, (self.sent - self.got) // 2))

    def finish(self):
        self.client.end()
        while self.got < self.sent:
            talks.Waiting.expect(self, min(100_000, self.sent - self.got))
        self.client.expect_end()


KINDS = (Get, GetRange, GetLink, GetIndex, GetCoded, Download)


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)


def begin(run, workers, kinds):
    site = run.path("site")
    os.makedirs(f"{site}/folder")
    os.chmod(run.folder, 0o755)
    for name, data in (("small", Get.answer), ("folder/index.html", GetIndex.answer), ("coded", b"plain\n"),
                       ("coded.gz", b"coded\n"), ("large", LARGE)):
        write(f"{site}/{name}", data)
    os.symlink("../small", f"{site}/folder/link")
    moves.begin(run, workers, kinds, listens=LISTENS.format(site=site), services=SERVICES)


def start_http(run):
    begin(run, 1, ())


def http(run):
    for kind in KINDS:
        run.attempt(moves.open_talk, run, kind, SERVICES)
    moves.end_all(run)


def start_http_move(run):
    begin(run, 2, KINDS)


def start_http_recover(run):
    begin(run, 1, KINDS)


ALL = {"http": (start_http, http), "http_move": (start_http_move, moves.handover),
       "http_recover": (start_http_recover, moves.recover)}
