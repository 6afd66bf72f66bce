# SPDX-License-Identifier: MIT
"""What takes a while, and is waited for without standing still: call is_over() over and over. Used by driver.py."""
import select
import socket
import subprocess
import time

COMMAND_MOST_SECONDS = 30.0
IP_BIND_ADDRESS_NO_PORT = 24  # ip(7)


class Crowd:
    """Connections that say nothing, until the server has no descriptors left."""

    PATIENCE, HOLD, LEAVE_MOST = 2.0, 0.3, 10.0
    OF_ADDRESS = 2000  # with more, the kernel looks long for a free port

    def __init__(self, address, number, log):
        self.log, self.before, self.began = log, log.events["accept_paused"], time.time()
        self.number, self.accepted = number, 0  # accepted for sure: the server has ended it
        self.give_up, self.until = time.monotonic() + self.PATIENCE, None
        self.leaving = None  # what tells of the server's ends, once ours have been sent
        self.socks = {}
        for i in range(number):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((f"127.0.1.{1 + i // self.OF_ADDRESS}", 0))
            sock.connect_ex(address)
            self.socks[sock.fileno()] = sock

    def was_felt(self):
        return self.log.events["accept_paused"] > self.before

    def is_over(self):
        """When the server has its descriptors back: a stopped worker takes its time."""
        now = time.monotonic()
        if self.leaving:
            for fd, events in self.leaving.poll(0):
                self.accepted += not events & select.EPOLLERR
                self.socks.pop(fd).close()
            return not self.socks or now > self.until + self.LEAVE_MOST
        if self.until is None and (now > self.give_up or self.was_felt()):
            self.until = now + self.HOLD
        elif self.until is not None and now > self.until:
            self.say_end()
        return False

    def say_end(self):
        self.leaving = select.epoll()
        for fd, sock in list(self.socks.items()):
            try:
                sock.shutdown(socket.SHUT_WR)
                self.leaving.register(fd, select.EPOLLIN)
            except OSError:
                self.socks.pop(fd).close()

    def leave(self):
        for sock in self.socks.values():
            sock.close()
        self.socks = {}
        if self.leaving:
            self.leaving.close()


class Magic:
    """The line of which a module crashes."""

    PATIENCE = 20.0

    def __init__(self, address):
        self.sock = socket.create_connection(address, COMMAND_MOST_SECONDS)
        self.sock.setblocking(False)
        self.until = time.monotonic() + self.PATIENCE
        self.sock.send(b"null\n")

    def is_over(self):
        """True when the worker has died of it, or does not."""
        if time.monotonic() > self.until:
            return True
        try:
            return not self.sock.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def end(self):
        """What was wrong, or None."""
        self.sock.close()
        return "a module outlives what it crashes of" if time.monotonic() > self.until else None


class Command:
    """One `prefork-srv -s VERB`, waited for without standing still."""

    def __init__(self, server, verb):
        self.verb, self.until = verb, time.monotonic() + COMMAND_MOST_SECONDS
        self.process = subprocess.Popen(server.command("-s", verb), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def is_over(self):
        if time.monotonic() > self.until:
            self.process.kill()
        return self.process.poll() is not None

    def end(self):
        """What was wrong with it, or None."""
        said = self.process.communicate()[0].strip()
        return None if self.process.returncode == 0 else f"-s {self.verb}: {said or 'no answer'}"
