# SPDX-License-Identifier: MIT
"""Scenarios of service http: files whole, in ranges, behind links, from the cache, listings, errors, and answers whose
worker dies or leaves. As in moves.py, every connection goes on at the byte where it was.
"""
import atexit
import os
import re
import select
import shutil
import tempfile
import time

import moves
import talks

SERVICES = ("ack", "http", "walked", "status")
LISTENS = """\
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.1:0" {{
	service = http  root = "{site}"  sndbuf = 64k  precompressed = yes
	redirect = {{"/old/ /new/"}}  error_page = {{"404 /404.html"}}
	location "/list" {{ autoindex = yes }}
}}
listen "127.0.0.1:0" {{ service = http  root = "{site}"  follow_symlinks = same_owner }}
listen "127.0.0.1:0" {{ service = status  status_password_file = "{users}" }}
"""
HEAD = "GET /{name} HTTP/1.1\r\nHost: me\r\n{more}\r\n"
LARGE = talks.PATTERN * 10
NAMES = [f"name-of-a-file-{i:03}" for i in range(600)]
USERS = "ann:$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.\n"  # "secret"
SETTLED_S = 2  # so old are the files that the cache takes
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

    def drop(self, length):
        for _ in range(length):
            self.client.receive(1)

    def is_there(self, head, status, length):
        """False when a failed call excuses another answer, whose body is dropped."""
        if status == self.status:
            return True
        self.client.check(self.run.struck() and status in EXCUSED, head)
        self.drop(length)
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


class GetError(Get):
    """As one line where the page could not be opened."""

    name, status, answer = "none", b"404", b"<p>none\n"

    def expect(self):
        head, status, length = self.receive_head()
        if self.run.struck() and length != len(self.answer):
            self.client.check(status in EXCUSED, head)
            self.drop(length)
        elif self.is_there(head, status, length):
            self.client.expect(self.answer)


class GetMoved(Get):
    name, status, place = "old/x", b"301", b"\r\nLocation: /new/x\r\n"

    def expect(self):
        head, status, length = self.receive_head()
        self.client.check(status == self.status and self.place in head, head)
        self.drop(length)


class GetStatus(Get):
    service, name, more = "status", "status.json", "Authorization: Basic YW5uOnNlY3JldA==\r\n"

    def receive_body(self, head):
        """In chunks."""
        body = b""
        while not body.endswith(b"\r\n0\r\n\r\n"):
            body += self.client.receive(1)
        self.client.check(b'"totals"' in body, head)

    def expect(self):
        head, status, length = self.receive_head()
        self.client.check(status == self.status, head)
        if status == b"200":
            self.receive_body(head)
        self.drop(length)


class GetNothing(GetStatus):
    """Without a user."""

    more, status = "", b"401"


class Download(Get, talks.Waiting):
    """Takes little of a large file."""

    name, pattern = "large", LARGE

    def begin(self):
        self.client.narrow(talks.BUFFER)
        self.client.send(HEAD.format(name=self.name, more=self.more).encode())
        head, status, length = self.receive_head()
        self.sent, self.got = length, 0
        if self.is_there(head, status, length):
            self.prepare(head)
        else:
            self.sent = 0

    def prepare(self, head):
        self.client.check(self.sent == len(self.pattern), head)

    def go_on(self):
        talks.Waiting.expect(self, min(10_000, (self.sent - self.got) // 2))

    def finish(self):
        self.client.end()
        while self.got < self.sent:
            talks.Waiting.expect(self, min(100_000, self.sent - self.got))
        self.client.expect_end()


class DownloadMemory(Download):
    """Of a file that the worker has in memory; the rest comes from a descriptor of the connection's own."""

    name, pattern = "memory", talks.PATTERN[:100 * 1024]

    def begin(self):
        self.client.own_calls = ("sendmsg", "fcntl_int")
        super().begin()


class DownloadParts(Download):
    """Of several ranges."""

    RANGES = ((100, 299), (300_000, 349_999), (1_000_000, 1_299_999))
    more = "Range: bytes=" + ",".join(f"{first}-{last}" for first, last in RANGES) + "\r\n"
    status = b"206"

    def is_there(self, head, status, length):
        """All of it, where no boundary could be made."""
        is_whole = status == b"200" and self.run.struck()
        return is_whole or super().is_there(head, status, length)

    def prepare(self, head):
        if head[9:12] == b"200":
            self.pattern = LARGE
            return
        boundary = re.search(rb"\r\nContent-Type: multipart/byteranges; boundary=(\w+)\r\n", head)
        self.client.check(boundary, head)
        self.pattern = b"".join(
            b"\r\n--%s\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %d-%d/%d\r\n\r\n%s" %
            (boundary[1], first, last, len(LARGE), LARGE[first:last + 1]) for first, last in self.RANGES)[2:]
        self.pattern += b"\r\n--%s--\r\n" % boundary[1]
        super().prepare(head)


class Listing(Get):
    """Takes little of a listing of a folder, all of whose names come once and in their order."""

    name, end = "list/", b"\r\n0\r\n\r\n"

    def begin(self):
        self.client.own_calls = ("getdents64", "lseek", "fstat", "fstatat")
        self.client.narrow(talks.BUFFER)
        self.client.send(HEAD.format(name=self.name, more="").encode())
        self.got = b"" if self.is_there(*self.receive_head()) else self.end

    def go_on(self):
        if not self.got.endswith(self.end):
            self.got += self.client.receive(5_000)

    def finish(self):
        self.client.end()
        while not self.got.endswith(self.end):
            self.got += self.client.receive(50_000)
        names = re.findall(rb'<a href="./([\w-]+)">', re.sub(rb"\r\n[0-9A-Fa-f]{4}\r\n", b"", self.got))
        # one that could not be looked at is not listed
        self.client.check(names == [name.encode() for name in NAMES] or self.run.struck(), b" ".join(names))
        self.client.expect_end()


KINDS = (Get, GetRange, GetLink, GetIndex, GetCoded, GetError, GetMoved, GetStatus, GetNothing, Download,
         DownloadMemory, DownloadParts, Listing)
site = None  # of all runs: its files are old enough for the cache


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)


def make():
    """Before the first run."""
    global site  # pylint: disable=global-statement
    site = tempfile.mkdtemp(prefix="prefork-site.")
    atexit.register(shutil.rmtree, site)
    os.makedirs(f"{site}/folder")
    os.makedirs(f"{site}/list")
    os.chmod(site, 0o755)
    for name, data in (("small", Get.answer), ("folder/index.html", GetIndex.answer), ("coded", b"plain\n"),
                       ("coded.gz", b"coded\n"), ("404.html", GetError.answer), ("large", LARGE),
                       ("memory", DownloadMemory.pattern), *((f"list/{name}", b"") for name in NAMES)):
        write(f"{site}/{name}", data)
    os.symlink("../small", f"{site}/folder/link")
    made = time.time()
    while time.time() < made + SETTLED_S:
        select.select([], [], [], SETTLED_S / 10)


def begin(run, workers, kinds):
    users = run.path("users")
    run.write("users", USERS)
    os.chmod(users, 0o600)
    moves.begin(run, workers, kinds, listens=LISTENS.format(site=site, users=users), services=SERVICES)


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
