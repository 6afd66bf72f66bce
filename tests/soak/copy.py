#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program whose copies a soak runs: returns every byte to many clients at once, and says READY=1 and WATCHDOG=1.
Told to end, it ends each connection after what has come on it. Takes its socket as sd_listen_fds(3) says, or else as
its standard input; then it has no one to say anything to.
"""
import os
import selectors
import signal
import socket

LISTENER = 3 if "LISTEN_FDS" in os.environ else 0
BEAT_SECONDS = 0.2
MOST_AT_ONCE = 1 << 16


class Copy:
    def __init__(self):
        self.selector = selectors.EpollSelector()
        self.is_told = False
        self.listener = socket.socket(fileno=LISTENER)
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.waiting = {}  # bytes that a client has not taken yet, for each client
        signal.signal(signal.SIGTERM, self.note_term)

    def note_term(self, *_):
        self.is_told = True

    @staticmethod
    def notify(text):
        name = os.environ.get("NOTIFY_SOCKET")
        if not name:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            try:
                sock.sendto(text, "\0" + name[1:] if name.startswith("@") else name)
            except BlockingIOError:
                pass  # the master is busy; the next beat comes soon

    def accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return  # another copy was faster, or the client has left
        client.setblocking(False)
        self.waiting[client] = b""
        self.selector.register(client, selectors.EVENT_READ)

    def end(self, client):
        self.selector.unregister(client)
        del self.waiting[client]
        client.close()

    def send(self, client):
        waiting = self.waiting[client]
        try:
            waiting = waiting[client.send(waiting):] if waiting else b""
        except BlockingIOError:
            pass
        self.waiting[client] = waiting
        self.selector.modify(client, selectors.EVENT_WRITE if waiting else selectors.EVENT_READ)

    def serve(self, client):
        """False once the client has gone, or has nothing more to say for now."""
        try:
            if not self.waiting[client]:
                self.waiting[client] = client.recv(MOST_AT_ONCE)
                if not self.waiting[client]:
                    self.end(client)
                    return False
            self.send(client)
        except BlockingIOError:
            return False
        except OSError:
            self.end(client)
            return False
        return True

    def turn(self):
        for key, _ in self.selector.select(BEAT_SECONDS):
            if key.fileobj is self.listener:
                self.accept()
            else:
                self.serve(key.fileobj)
        self.notify(b"WATCHDOG=1")

    def leave(self):
        """What has come is answered first."""
        for client in list(self.waiting):
            while client in self.waiting and self.serve(client):
                pass
            if client in self.waiting:
                client.shutdown(socket.SHUT_WR)

    def run(self):
        print("a copy has started", flush=True)
        self.notify(b"READY=1")
        while not self.is_told:
            self.turn()
        self.leave()


if __name__ == "__main__":
    Copy().run()
