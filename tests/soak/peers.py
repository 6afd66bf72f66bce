# SPDX-License-Identifier: MIT
"""The programs that the server passes connections on to, each of which returns every byte (copy.py). They are killed
and come back on the same port. Used by soak.py and driver.py.
"""
import os
import signal
import socket
import subprocess
import sys
import time

COPY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "copy.py")
BACKLOG = 1024
NUMBER = 2


class Peer:
    """Its port is its own as long as this object lives; while it is dead, nothing listens there."""

    def __init__(self):
        self.process = None
        self.port = self.bind(0)
        self.address = "%s:%d" % self.port.getsockname()

    @staticmethod
    def bind(port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        for name in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            sock.setsockopt(socket.SOL_SOCKET, name, 1)
        sock.bind(("127.0.0.9", port))
        return sock

    def start(self):
        with self.bind(self.port.getsockname()[1]) as sock:
            sock.listen(BACKLOG)
            self.process = subprocess.Popen([sys.executable, "-S", "-E", COPY], stdin=sock,
                                            stdout=subprocess.DEVNULL)

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None


class Peers:
    """Use as a context manager."""

    def __init__(self):
        self.list = []
        self.deaths = []  # (from, to, address): the death was in between

    def __enter__(self):
        try:
            for _ in range(NUMBER):
                self.list.append(Peer())
                self.list[-1].start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for peer in self.list:
            peer.kill()
            peer.port.close()

    def addresses(self):
        return [peer.address for peer in self.list]

    def pids(self):
        return {peer.process.pid for peer in self.list if peer.process}

    def dead(self):
        return [peer for peer in self.list if not peer.process]

    def kill(self, peer):
        began = time.time()
        peer.kill()
        self.deaths.append((began, time.time(), peer.address))
