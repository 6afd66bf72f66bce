#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The server of the first lesson on sockets: it answers each message with the same words.

The lesson's server made its socket, served one client and was over. Two things are changed here:
it takes descriptor 3 as its listening socket, and it loops. So it runs in many processes, comes
back when one dies, and is reloaded without a refused client:

    prefork-srv -w 4 -l 6000 -- python3 tutorial.py
    prefork-client 127.0.0.1:6000
"""
import socket

server = socket.socket(fileno=3)  # was: socket(), bind(('127.0.0.1', 6000)), listen(5)

while True:  # was: once
    connection, address = server.accept()
    with connection:
        print("a client comes from", address, flush=True)  # a line of the server's log
        while data := connection.recv(1024):
            print(data.decode(errors="replace").rstrip(), flush=True)
            connection.sendall("我已经收到\n".encode())
