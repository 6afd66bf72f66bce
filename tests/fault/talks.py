# SPDX-License-Identifier: MIT
"""Connections that go on while the server's workers leave, come and die: what each service's client says at the
begin, while that happens, and at its end. An answer that comes twice is found at the next one, or at the end.
"""
import functools
import re
import socket
import struct
import threading

REPLY = "我已经收到".encode()
PATTERN = bytes(i * i % 251 for i in range(200_000))
BUFFER = 32768


def message(body):
    return struct.pack(">I", len(body)) + body


class Talk:
    """begin, then go_on any number of times, then finish."""

    service = None

    def __init__(self, run, index):
        self.run, self.client = run, run.connect(index)

    def finish(self):
        self.go_on()
        self.client.end()
        self.client.expect_end()


class Resting(Talk):
    """Between messages."""

    def begin(self):
        self.go_on()

    def go_on(self):
        self.client.send(self.asked)
        self.expect()

    def expect(self):
        self.client.expect(self.answer)


class Speaking(Resting):
    """In the middle of a message."""

    def begin(self):
        super().go_on()
        self.client.send(self.asked[:self.cut])

    def go_on(self):
        self.client.send(self.asked[self.cut:])
        self.expect()
        self.client.send(self.asked[:self.cut])

    def finish(self):
        self.client.send(self.asked[self.cut:])
        self.expect()
        self.client.end()
        self.client.expect_end()


class Ack:
    service, asked, answer, cut = "ack", message(b"one message"), message(REPLY), 6


class AckResting(Ack, Resting):
    pass


class AckSpeaking(Ack, Speaking):
    pass


class EchoResting(Resting):
    service, asked, answer = "echo", PATTERN[:1000], PATTERN[:1000]


class Waiting(Talk):
    """Takes little of an answer: the server's buffers are full."""

    def expect(self, size):
        start = self.got % len(self.pattern)
        times = (start + size) // len(self.pattern) + 1
        self.client.expect((self.pattern * times)[start:start + size])
        self.got += size

    def go_on(self):
        self.expect(min(10_000, (self.sent - self.got) // 2))

    def finish(self):
        self.client.end()
        while self.got < self.sent:
            self.expect(min(100_000, self.sent - self.got))
        self.client.expect_end()


class EchoWaiting(Waiting):
    service, pattern = "echo", PATTERN

    def begin(self):
        self.client.narrow(BUFFER)
        self.sent, self.got = self.client.send_all_it_takes(PATTERN), 0


class Http:
    service, cut = "status", 9
    asked = b"GET /healthz HTTP/1.1\r\nHost: me\r\n\r\n"

    def expect(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.client.receive(1)
        length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head.lower())
        # without its master the server says that it is not healthy
        self.client.check(head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 503 ")) and length, head)
        for _ in range(int(length[1])):
            self.client.receive(1)


class HttpResting(Http, Resting):
    pass


class HttpSpeaking(Http, Speaking):
    pass


def echo(connection):
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            pass  # the server's doing


@functools.cache
def backend():
    """The port of an echo in this process, the peer of pairs."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve():
        while True:
            threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


class Mixed:
    service = "mixed"

    def ask_file(self, line, head):
        """Where the service gets no descriptor of its file, it ends the connection."""
        self.client.own_calls = ("fcntl_int",)
        self.client.send(line)
        self.client.expect(head)
        self.client.own_calls = ()


class MixedPair(Mixed, Resting):
    """Relays to another server."""

    asked = answer = PATTERN[:20_000]

    def begin(self):
        self.run.peer_port = backend()
        self.client.send(b"hello\nconnect %d\n" % backend())
        self.client.has_peer = True
        self.go_on()


class MixedFile(Mixed, Waiting):
    """Takes little of a file."""

    SIZE = 1_000_000
    pattern = bytes(i % 251 for i in range(251))
    head = b"%d\n" % SIZE

    def begin(self):
        self.client.narrow(BUFFER)
        self.ask_file(b"hello\nfile 0 %d\n" % self.SIZE, self.head)
        self.sent, self.got = self.SIZE, 0


class MixedPreface(Mixed, Talk):
    """Says the preface in two parts."""

    def begin(self):
        self.said = b"hel"
        self.client.send(self.said)

    def go_on(self):
        line = b"hello\n"[len(self.said):] + b"file 3 4\n"
        self.said = b"hello\n"
        self.ask_file(line, b"4\n\x03\x04\x05\x06")


ALL = (AckResting, AckSpeaking, EchoResting, EchoWaiting, HttpResting, HttpSpeaking, MixedPair, MixedFile,
       MixedPreface)
