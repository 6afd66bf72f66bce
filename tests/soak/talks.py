# SPDX-License-Identifier: MIT
"""The messages of a client and the expected answers: one in flight, every byte known beforehand.

most: after so many messages the client ends the connection, and the server's end has to follow.
Must not touch a socket. Used by ledger.py.
"""
import random
import struct

import downloads

REPLY = "我已经收到".encode()
ANSWER = struct.pack(">I", len(REPLY)) + REPLY
LONG = 20_000

# A prime length: a piece that is lost, repeated or moved never meets the same bytes again.
PERIOD = 65_521
PATTERN = random.Random(1).randbytes(PERIOD) * 34
BULK, BULK_SHARE = 1 << 21, 0.02  # bytes at most: through a pipe of the server, several times


def split(message, rng):
    """Some are sent in two parts, cut anywhere."""
    if rng.random() < 0.9 or len(message) < 2:
        return [message]
    cut = rng.randrange(1, len(message))
    return [message[:cut], message[cut:]]


class Talk:
    """The answer to a message is known when it is sent."""

    is_last = False  # the server has said that it ends the connection
    receive_buffer = None  # bytes of the kernel's; None: as they are
    unavailable = 0  # answers that say that the server has no descriptors

    @staticmethod
    def pause():
        """Seconds until the client receives again; None: at once."""
        return None

    @staticmethod
    def take(expected, got, data):
        """How many bytes of data are the answer's, of which `got` came before; None: one of them is wrong."""
        wanted = expected[got:got + len(data)]
        return len(wanted) if data[:len(wanted)] == wanted else None

    @staticmethod
    def is_whole(expected, got):
        return got == len(expected)


class Ack(Talk):
    """Numbered messages of `length` framing, some long."""

    service, is_stream, most = "ack", False, None

    def __init__(self, identity, rng):
        self.identity, self.rng, self.number = identity, rng, 0

    def next(self):
        """The parts to send, one after the other, and the answer."""
        self.number += 1
        size = LONG if self.rng.random() < 0.01 else self.rng.randrange(200)
        payload = b"%d:%d:" % (self.identity, self.number) + bytes(size)
        message = struct.pack(">I", len(payload)) + payload
        return split(message, self.rng), ANSWER


class Echo(Talk):
    """A stream whose every byte depends on its position, in pieces of random size."""

    service, is_stream, most = "echo", True, None

    def __init__(self, identity, rng):
        self.rng, self.position = rng, identity * 7919

    def size(self):
        return self.rng.randrange(1, 1 << self.rng.randrange(4, 15))

    def next(self):
        size = self.size()
        start = self.position % PERIOD
        self.position += size
        piece = PATTERN[start:start + size]
        return split(piece, self.rng), piece


class Module(Echo):
    """The same from a shared object."""

    service = "module"


class Lines(Talk):
    """Lines that a shared object numbers by a count in the connection's state."""

    service, is_stream, most = "lines", False, None

    def __init__(self, identity, rng):
        self.identity, self.rng, self.number = identity, rng, 0

    def next(self):
        self.number += 1
        line = b"%d:%s\n" % (self.identity, b"x" * self.rng.randrange(200))
        return split(line, self.rng), b"%d %s" % (self.number, line)


class Program(Echo):
    """The same from a copy of a program."""

    service = "program"


class Exec(Echo):
    """The same from a program of the connection's own, which ends with it."""

    service = "exec"

    def __init__(self, identity, rng):
        super().__init__(identity, rng)
        self.most = rng.randrange(1, 6)


class Relay(Echo):
    """The same through two of the server's own listeners, some of it in bulk."""

    service = "relay"

    def size(self):
        return self.rng.randrange(BULK) if self.rng.random() < BULK_SHARE else super().size()


class Peer(Relay):
    """The same from a program that the server passes the connection on to."""

    service = "peer"


class Files(downloads.Files):
    """Of files of the same pattern."""

    pattern = PATTERN


ALL = (Ack, Echo, Module, Lines, Program, Exec, Relay, Peer, Files)  # as the server's listeners
