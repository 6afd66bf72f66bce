# SPDX-License-Identifier: MIT
"""Clients that record all they sent and received, and how each connection ended.

A connection that ends is noted and opened again. Must not judge an end: the server's
log shows whether it was intended. Runs in a process of its own; `Ledger` is soak.py's end.
"""
import errno
import heapq
import itertools
import multiprocessing
import os
import random
import selectors
import signal
import socket
import time
from collections import namedtuple

STALL_SECONDS = 15   # an answer of which nothing comes for longer is lost
PATROL_SECONDS = 3
QUIET_SECONDS = 0.3  # at the end: for answers that nobody asked for
REPORT_SECONDS = 0.2
RECEIVE = 1 << 16

# unheard: connected, and no byte came before the end: the server may not have accepted it
COUNTS = ("opened", "connected", "unheard", "sent", "answered", "lost", "repeated", "wrong",
          "bytes", "refused", "unavailable")

# is_cut: a message had begun; in_flight: seconds since its first byte was sent, or None when the
# answer to all of that is there (echo); got: bytes of its answer
End = namedtuple("End", "when service local age how is_cut in_flight got messages")


class Client:
    """One connection, and the next one in its place when it ends."""

    def __init__(self, book, talk_type, identity, is_eager):
        self.book, self.talk_type, self.identity = book, talk_type, identity
        self.is_eager = is_eager  # without pauses
        self.rng = random.Random(book.seed * 1_000_003 + identity)
        self.life = 0
        self.sock, self.events = None, 0
        self.open()

    def open(self):
        self.life += 1
        self.talk = self.talk_type(self.identity, self.rng)
        self.parts, self.out, self.expected, self.got = [], b"", b"", 0
        self.sent_at, self.messages = None, 0
        self.heard_at = None  # when the last bytes of an answer came
        self.end_said_at = self.last_at = None  # last_at: the server has said that its end follows
        self.local, self.opened_at = "", time.monotonic()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.talk.receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.talk.receive_buffer)
        self.book.count("opened")
        error = self.sock.connect_ex(self.book.address)
        if error not in (0, errno.EINPROGRESS):
            self.refused(error)
        else:
            self.watch(selectors.EVENT_WRITE)

    def watch(self, events):
        if not self.events:
            self.book.selector.register(self.sock, events, self)
        elif events != self.events:
            self.book.selector.modify(self.sock, events, self)
        self.events = events

    def unwatch(self):
        if self.events:
            self.book.selector.unregister(self.sock)
        self.events = 0

    def close(self):
        if self.local and not self.messages and not self.got:
            self.book.count("unheard")
        self.unwatch()
        self.sock.close()
        self.sock = None

    def later(self, seconds, act):
        """Calls act then, unless the connection has ended by then."""
        life = self.life
        self.book.at(seconds, lambda: act() if self.life == life and self.sock else None)

    def refused(self, error):
        self.book.count("refused")
        self.ended(f"connect: {os.strerror(error)}")

    def ended(self, how):
        now = time.monotonic()
        is_cut = self.sent_at is not None
        in_flight = now - self.sent_at if is_cut and not self.has_all() else None
        self.book.ends.append(End(time.time(), self.talk.service, self.local, now - self.opened_at,
                                  how, is_cut, in_flight, self.got, self.messages))
        self.close()
        self.book.at(self.rng.uniform(0.005, 0.05), self.reopen)

    def reopen(self):
        if not self.book.is_closing:
            self.open()

    def has_all(self):
        """Of a stream: what was sent so far has come back."""
        left = len(self.out) + sum(map(len, self.parts))
        return self.talk.is_stream and self.got == len(self.expected) - left

    def ready(self, events):
        if not self.local:
            self.connected()
        elif events & selectors.EVENT_READ and not self.hear():
            return
        elif events & selectors.EVENT_WRITE and self.out:
            self.push()

    def connected(self):
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.refused(error)
            return
        host, port = self.sock.getsockname()
        self.local = f"{host}:{port}"
        self.book.count("connected")
        self.watch(selectors.EVENT_READ)
        self.patrol()
        self.speak_soon()

    def speak_soon(self):
        if self.is_eager:
            self.later(0, self.speak)
        else:
            self.later(self.rng.uniform(0.02, 0.4), self.speak)

    def say_end(self):
        """The server's end has to follow, as after the last message."""
        if self.goes_home() or not self.hear():
            return
        self.end_said_at = time.monotonic()
        self.sock.shutdown(socket.SHUT_WR)

    def goes_home(self):
        """At the end of the book nothing is begun, and a place for which others wait is given up."""
        if self.book.is_closing and self.talk.most:
            self.close()
        return self.book.is_closing

    def is_late(self):
        began = self.heard_at or self.sent_at or self.end_said_at or self.last_at
        return began is not None and time.monotonic() - began > STALL_SECONDS

    def speak(self):
        # An end that is there already is seen before the message goes out, not after it.
        if self.goes_home() or not self.hear():
            return
        self.parts, self.expected = self.talk.next()
        self.got, self.sent_at, self.heard_at = 0, time.monotonic(), None
        self.book.count("sent")
        self.send_part()

    def patrol(self):
        if self.is_late():
            self.book.count("lost")
            self.ended(f"no answer within {STALL_SECONDS} s")
        else:
            self.later(PATROL_SECONDS, self.patrol)

    def send_part(self):
        self.out = self.parts.pop(0)
        self.push()

    def push(self):
        try:
            self.out = self.out[self.sock.send(self.out):]
        except BlockingIOError:
            pass
        except OSError as error:
            self.ended(errno.errorcode[error.errno])
            return
        self.watch(selectors.EVENT_READ | (selectors.EVENT_WRITE if self.out else 0))
        if not self.out and self.parts:
            self.later(self.rng.uniform(0.005, 0.06), self.send_part)

    def hear(self):
        """False when that was the connection's end."""
        try:
            data = self.sock.recv(RECEIVE)
        except BlockingIOError:
            return True
        except OSError as error:
            self.ended(errno.errorcode[error.errno])
            return False
        if not data and self.end_said_at is not None:
            self.close()
            self.book.at(self.rng.uniform(0.005, 0.05), self.reopen)
            return False
        if not data:
            self.ended("FIN")
            return False
        return self.check(data) and self.rest()

    def rest(self):
        """A slow client hears nothing for a while; an end is heard then."""
        seconds = self.talk.pause()
        if seconds is not None and self.events == selectors.EVENT_READ:
            self.unwatch()
            self.later(seconds, lambda: self.watch(selectors.EVENT_READ))
        return True

    def check(self, data):
        if self.sent_at is None:
            self.book.count("repeated")
            self.ended("bytes that nobody asked for")
            return False
        taken = self.talk.take(self.expected, self.got, data)
        self.book.count("bytes", len(data))
        if taken is None:
            self.book.count("wrong")
            self.ended(f"wrong bytes after {self.got}")
            return False
        self.got, self.heard_at = self.got + taken, time.monotonic()
        if self.talk.is_whole(self.expected, self.got):
            self.answered()
        if len(data) > taken:
            self.book.count("repeated")
            self.ended("more bytes than were asked for")
            return False
        return True

    def answered(self):
        if self.out or self.parts:
            self.book.count("wrong")  # an answer to what was not said to its end
        self.sent_at = self.heard_at = None
        self.messages += 1
        self.book.count("answered")
        self.book.count("unavailable", self.talk.unavailable)
        self.talk.unavailable = 0
        if self.messages == self.talk.most:
            self.later(0, self.say_end)
        elif self.talk.is_last:
            self.last_at = time.monotonic()
        else:
            self.speak_soon()


class Book:
    """The loop of the clients' process."""

    def __init__(self, pipe, address, seed, counts):
        self.pipe, self.address, self.seed, self.counts = pipe, address, seed, counts
        self.selector = selectors.EpollSelector()
        self.selector.register(pipe, selectors.EVENT_READ)
        self.alarms, self.order = [], itertools.count()
        self.ends, self.is_closing = [], False

    def count(self, what, by=1):
        self.counts[COUNTS.index(what)] += by

    def at(self, seconds, act):
        heapq.heappush(self.alarms, (time.monotonic() + seconds, next(self.order), act))

    def run_alarms(self):
        """Those that are due now, not those that they make."""
        now, last = time.monotonic(), next(self.order)
        while self.alarms and self.alarms[0][0] <= now and self.alarms[0][1] < last:
            heapq.heappop(self.alarms)[2]()

    def turn(self):
        wait = max(0, self.alarms[0][0] - time.monotonic()) if self.alarms else 1
        for key, events in self.selector.select(min(wait, 1)):
            if key.fileobj is self.pipe:
                self.is_closing = True
                self.selector.unregister(self.pipe)
            elif key.data.sock is key.fileobj:
                key.data.ready(events)
        self.run_alarms()

    def turn_until(self, is_done, seconds):
        until = time.monotonic() + seconds
        self.at(seconds, lambda: None)
        while not is_done() and time.monotonic() < until:
            self.turn()

    def run(self, talk_type, number, eager):
        clients = [Client(self, talk_type, i, i < eager) for i in range(number)]
        while not self.is_closing:
            self.turn()
        self.turn_until(lambda: all(c.sent_at is None for c in clients), STALL_SECONDS)
        self.turn_until(lambda: False, QUIET_SECONDS)
        for client in clients:
            if client.sock and client.sent_at is not None:
                self.count("lost")
                client.ended("no answer at the end")
            elif client.sock:
                client.close()
        self.pipe.send(self.ends)


def live(pipe, theirs, counts, address, seed, talk_type, number, eager):
    """The child's life. Ctrl-C is the parent's business: it says when to end."""
    theirs.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        Book(pipe, address, seed, counts).run(talk_type, number, eager)
    except BrokenPipeError:
        pass  # the parent is gone


class Ledger:
    """The clients of one service. counts may be read at any time, the ends after finish."""

    def __init__(self, address, talk_type, number, eager, seed):
        context = multiprocessing.get_context("fork")
        self.number, self.service = number, talk_type.service
        self.array = context.RawArray("Q", len(COUNTS))
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=live, daemon=True, args=(
            theirs, self.pipe, self.array, address, seed, talk_type, number, eager))
        self.process.start()
        theirs.close()

    @property
    def counts(self):
        return dict(zip(COUNTS, self.array))

    def say_finish(self):
        self.pipe.send("finish")

    def finish(self):
        """The ends of all connections that ended by themselves; None when the clients died."""
        ends = None
        try:
            if self.pipe.poll(2 * STALL_SECONDS):
                ends = self.pipe.recv()
        except (EOFError, OSError):
            ends = None
        self.kill()
        return ends

    def kill(self):
        self.process.kill()
        self.process.join()
