# SPDX-License-Identifier: MIT
"""Scenarios of connections that are passed on, whose clients a PROXY header names, or which wait for a limit. As in
moves.py, every connection goes on at the byte where it was.
"""
import functools
import socket

import facts
import moves
import talks
from run import Fault, Lost

SERVICES = ("ack", "proxy", "preface", "limited", "closing")
LISTENS = """\
upstream "u" {{
	server = {{"127.0.0.1:{refusing}", "127.0.0.1:{serving}"}}
	balance = round_robin  retries = 3  queue_timeout = 10s
}}
listen "127.0.0.1:0" {{ service = ack  framing = length }}
listen "127.0.0.1:0" {{ service = proxy  upstream = "u"  {more} }}
listen "127.0.0.1:0" {{ service = echo  accept_proxy = yes  accept_proxy_timeout = 10m }}
listen "127.0.0.1:0" {{ service = echo  max_connections = 100  max_per_source = 2  rate = 1000  rate_per_source = 1000 }}
listen "127.0.0.1:0" {{ service = echo  max_per_source = 1  on_limit = reset }}
"""
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = b"\xc0\0\2\1\xc6\x33\x64\2\x30\x39\1\xbb"  # 192.0.2.1:12345, 198.51.100.2:443
LINE = b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n"
BINARY = SIGNATURE + b"\x21\x11\0\x16" + ADDRESSES + b"\2\0\7a.b.com"


@functools.cache
def refusing():
    """A socket whose port refuses connections."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


class Proxy:
    service = "proxy"

    def __init__(self, run, index):
        super().__init__(run, index)
        self.client.has_peer = True


class PairResting(Proxy, talks.Resting):
    """Small messages."""

    asked = answer = talks.PATTERN[:3000]


class PairBulk(Proxy, talks.Resting):
    """Through a pipe of the worker's."""

    asked = answer = talks.PATTERN


class PairWaiting(Proxy, talks.EchoWaiting):
    """Takes little: a pipe holds what waits."""

    service = "proxy"


class HeaderOver(talks.EchoResting):
    """Behind a header."""

    service, header = "preface", BINARY

    def begin(self):
        self.client.send(self.header)
        self.go_on()


class HeaderSpeaking(talks.Speaking):
    """In the middle of a header."""

    service, header, cut = "preface", LINE, 20
    asked = answer = b"behind a header"

    def begin(self):
        self.asked = self.header + self.answer
        self.client.send(self.asked[:self.cut])

    def go_on(self):
        if self.asked is not self.answer:
            self.client.send(self.asked[self.cut:])
            self.asked, self.cut = self.answer, 0
            self.expect()

    def finish(self):
        self.go_on()
        self.client.end()
        self.client.expect_end()


class BinarySpeaking(HeaderSpeaking):
    header, cut = BINARY, 14


class Limited(talks.EchoResting):
    """One of two that may be there."""

    service = "limited"


class Held(talks.Talk):
    """One that waits until another one has gone."""

    service = "limited"

    def begin(self):
        self.client.send(b"let me in")

    def go_on(self):
        pass

    def finish(self):
        self.client.expect(b"let me in")
        self.client.end()
        self.client.expect_end()


def begin(run, workers, kinds):
    serving = talks.backend()
    run.peer_port = serving
    moves.begin(run, workers, kinds, listens=LISTENS.format(
        refusing=refusing().getsockname()[1], serving=serving, more="sndbuf = 64k"), services=SERVICES)


def start_proxy(run):
    begin(run, 1, ())


def open_all(run, kinds):
    for kind in kinds:
        run.attempt(moves.open_talk, run, kind, SERVICES)


PAIRS = (PairResting, PairBulk, PairWaiting)
HEADERS = (HeaderOver, HeaderSpeaking, BinarySpeaking)


def proxy(run):
    """Connects, tries another server, and passes on in small and in bulk."""
    open_all(run, PAIRS)
    moves.end_all(run)


def start_proxy_move(run):
    begin(run, 2, PAIRS)


def start_proxy_recover(run):
    begin(run, 1, PAIRS)


def start_preface(run):
    begin(run, 1, ())


def refuse_header(run):
    """What is no header ends its connection."""
    client = run.connect(SERVICES.index("preface"))
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    try:
        client.expect_end()
    except Lost:
        client.close()


def preface(run):
    open_all(run, HEADERS)
    run.attempt(refuse_header, run)
    moves.end_all(run)


def start_preface_move(run):
    begin(run, 2, HEADERS)


def start_preface_recover(run):
    begin(run, 1, HEADERS)


def start_limit(run):
    begin(run, 1, ())


def be_reset(run):
    """The second one of its source."""
    first = run.connect(SERVICES.index("closing"))
    first.send(b"one")
    first.expect(b"one")
    try:
        second = run.connect(SERVICES.index("closing"))
        second.send(b"two")
        second.expect(b"two")
        if not run.struck():
            raise Fault("a connection beyond a limit was served")
        second.close()
    except Lost as e:
        e.client.close()
    first.close()


def limit(run):
    """Two are served, two wait; each that ends lets in one of those."""
    run.attempt(be_reset, run)
    open_all(run, (Limited, Limited, Held, Held))
    facts.settle(run)
    moves.each(run, "finish")
    facts.settle(run)


def start_limit_move(run):
    begin(run, 2, (Limited, Limited, Held))


def start_limit_recover(run):
    begin(run, 1, (Limited, Limited, Held))


def limit_recover(run):
    run.kill_workers()
    moves.end_all(run)


def limit_move(run):
    run.ask("reload")
    moves.end_all(run)


ALL = {"proxy": (start_proxy, proxy), "proxy_move": (start_proxy_move, moves.handover),
       "proxy_recover": (start_proxy_recover, moves.recover), "preface": (start_preface, preface),
       "preface_move": (start_preface_move, moves.handover), "preface_recover": (start_preface_recover, moves.recover),
       "limit": (start_limit, limit), "limit_move": (start_limit_move, limit_move),
       "limit_recover": (start_limit_recover, limit_recover)}
