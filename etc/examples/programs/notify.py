#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that says itself when it is ready (sd_notify(3)), and that it is alive:

    program "app" { command = {"python3", "/srv/notify.py"}  ready_after = notify  watchdog = 10s }
"""
import os
import socket
import time


def notify(text):
    name = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        to.sendto(text.encode(), "\0" + name[1:] if name[0] == "@" else name)


server = socket.socket(fileno=3)
server.settimeout(int(os.environ.get("WATCHDOG_USEC", 2_000_000)) / 2_000_000)
notify("READY=1\nSTATUS=waiting for clients")
while True:
    try:
        connection, _ = server.accept()
        with connection:
            connection.sendall(time.ctime().encode() + b"\n")
    except TimeoutError:
        pass
    notify("WATCHDOG=1")
