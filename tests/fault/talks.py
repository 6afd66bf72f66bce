# SPDX-License-Identifier: MIT
"""Connections that go on while the server's workers leave, come and die: what each service's client says at the
begin, while that happens, and at its end. An answer that comes twice is found at the next one, or at the end.
"""
import re
import struct

REPLY = "我已经收到".encode()
PATTERN = bytes(i * i % 251 for i in range(200_000))
BUFFER = 32768


def message(body):
    return struct.pack(">I", len(body)) + body


class Talk:
    """begin, then go_on any number of times, then finish."""

    service, words = None, ()

    def __init__(self, run, index):
        self.client = run.connect(index)

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


class EchoWaiting(Talk):
    """Takes no answer: the server's buffers are full."""

    service = "echo"

    def begin(self):
        self.client.narrow(BUFFER)
        self.sent = self.client.send_all_it_takes(PATTERN)
        self.got = 0

    def expect(self, size):
        wanted = (PATTERN[self.got % len(PATTERN):] + PATTERN)[:size]
        self.client.expect(wanted)
        self.got += size

    def go_on(self):
        self.expect(min(10_000, (self.sent - self.got) // 2))

    def finish(self):
        self.client.end()
        while self.got < self.sent:
            self.expect(min(100_000, self.sent - self.got))
        self.client.expect_end()


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


ALL = (AckResting, AckSpeaking, EchoResting, EchoWaiting, HttpResting, HttpSpeaking)
BUSY = (AckSpeaking, EchoWaiting, HttpSpeaking)
