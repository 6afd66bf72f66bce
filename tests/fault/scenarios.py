# SPDX-License-Identifier: MIT
"""The load on a server while a system call fails. A scenario states the client's result if no call failed; the
judge decides on the permitted differences. start_NAME runs until the server is ready, then
NAME.
"""
import os
import pwd
import shutil
import signal
import socket
import struct

from run import Lost

REPLY = "我已经收到".encode()
BIG = bytes(i * i % 251 for i in range(200_000))


def message(body):
    return struct.pack(">I", len(body)) + body


def converse(run, index=0):
    client = run.connect(index)
    client.send(b"hello")
    client.expect(b"hello")
    client.close()


def probe(run):
    """A new client is served; a fault may still lie in its way, but not in everyone's."""
    for _ in range(3):
        try:
            return run.probe()
        except Lost as e:
            if not run.is_up():
                return None
            last = e
    raise last


def listen_echo(run):
    run.probe = lambda: converse(run)
    run.start("-l", "127.0.0.1:0=echo")


def start_start(run):
    run.probe = lambda: converse(run)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(run.path("notify"))
    run.notify = notify
    owner = pwd.getpwuid(os.geteuid()).pw_name
    chroot = ["-o", f"chroot={run.folder}"] if os.geteuid() == 0 else []
    run.start("-l", "127.0.0.1:0=echo", "-l", f"unix:{run.path('sock')}=echo,mode=0600,owner={owner}",
              *chroot, "-o", f"working_directory={run.folder}",
              "-o", "cpu_affinity=auto", "-o", f"log.path={run.path('log')}",
              "-o", f"log.access={run.path('access')}",
              listeners=2, env={"NOTIFY_SOCKET": run.path("notify")})


def start(run):
    """The start itself is all there is."""


def start_accept(run):
    run.probe = lambda: converse(run)
    run.start("-l", "127.0.0.1:0=echo,keepalive=yes,rcvbuf=64k,sndbuf=64k", "-o", "log.access=/dev/null",
              workers=2)


def accept(run):
    held = [run.attempt(run.connect) for _ in range(12)]
    for client in held:
        if client:
            run.attempt(talk, client)


def talk(client):
    client.send(b"hello")
    client.expect(b"hello")
    client.end()
    client.expect_end()


start_echo = listen_echo


def echo(run):
    run.attempt(converse, run)
    run.attempt(echo_big, run)


def echo_big(run):
    client = run.connect()
    client.send(BIG[:1000])
    client.expect(BIG[:1000])
    for at in range(0, len(BIG), 50_000):
        client.send(BIG[at:at + 50_000])
        client.expect(BIG[at:at + 50_000])
    client.end()
    client.expect_end()


def start_ack(run):
    run.probe = lambda: acknowledge(run)
    run.start("-l", "127.0.0.1:0=ack,framing=length")


def acknowledge(run):
    client = run.connect()
    client.send(message(b"one"))
    client.expect(message(REPLY))
    client.close()


def ack(run):
    run.attempt(ack_split, run)
    run.attempt(ack_split, run)


def ack_split(run):
    client = run.connect()
    for piece in (message(b"first")[:2], message(b"first")[2:6], message(b"first")[6:]):
        client.send(piece)
    client.expect(message(REPLY))
    client.send(message(b"second") + message(b"") + message(b"third"))
    client.end()
    client.expect(3 * message(REPLY))
    client.expect_end()


def configuration(run, workers, first, second):
    run.write("conf", f'workers = {workers}\nlog {{ path = "{run.path("log")}" access = "{run.path("access")}" }}\n'
                      f'listen "{first}" {{ service = echo }}\nlisten "{second}" {{ service = echo }}\n')


def start_reload(run):
    run.probe = lambda: converse(run)
    configuration(run, 1, "127.0.0.1:0", f"unix:{run.path('old')}")
    run.start("-c", run.path("conf"), listeners=2)


def reload(run):
    held = run.attempt(run.connect)
    if held:
        run.attempt(held.send, b"before")
    configuration(run, 2, "127.0.0.1:0", f"unix:{run.path('new')}")
    run.ask("reload")
    if held:
        run.attempt(held.expect, b"before")
        held.close()
    run.ask("reopen")


start_stop = start_ack


def stop(run):
    idle, busy = run.attempt(run.connect), run.attempt(run.connect)
    for client, size in ((idle, None), (busy, 6)):
        if client:
            run.attempt(client.send, message(b"to the end")[:size])
    if idle:
        run.attempt(idle.expect, message(REPLY))
    run.waiting = 1
    if run.is_up():
        run.process.send_signal(signal.SIGTERM)
    if busy:
        run.attempt(busy.send, message(b"to the end")[6:])
        run.attempt(busy.expect, message(REPLY))
    if idle:
        run.attempt(idle.expect_end)
    for client in (idle, busy):
        if client:
            client.close()
    run.wait()


def start_recovery(run):
    run.probe = lambda: acknowledge(run)
    run.start("-l", "127.0.0.1:0=ack,framing=length", "-o", f"log.access={run.path('access')}")


def recovery(run):
    held = [run.attempt(half_said, run) for _ in range(4)]
    run.kill_workers()
    for client in held:
        if client:
            run.attempt(say_rest, client)


def half_said(run):
    client = run.connect()
    client.send(message(b"one"))
    client.expect(message(REPLY))
    client.send(message(b"two")[:5])
    return client


def say_rest(client):
    client.send(message(b"two")[5:])
    client.expect(message(REPLY))
    client.end()
    client.expect_end()


def module_configuration(run):
    """The module is copied by a rename, to where the workers' user can read it."""
    built = os.path.join(os.path.dirname(run.server), "tests", "modules", "every.so")
    shutil.copy(built, run.path("fresh.so"))
    os.chmod(run.path("fresh.so"), 0o755)
    os.rename(run.path("fresh.so"), run.path("every.so"))
    run.write("conf", f'workers = 1\nlisten "127.0.0.1:0" {{ service = module\n module = "{run.path("every.so")}" }}\n')


def start_module(run):
    run.probe = lambda: greet(run).close()
    module_configuration(run)
    run.start("-c", run.path("conf"))


def greet(run):
    client = run.connect()
    client.send(b"x\n")
    client.expect(b"one hello\none 1 x\n")
    return client


def module(run):
    held = run.attempt(greet, run)
    module_configuration(run)
    run.ask("reload")
    if held:
        run.attempt(held.send, b"y\n")
        run.attempt(held.expect, b"one 2 y\n")
        held.close()


ALL = {name: (globals()["start_" + name], globals()[name])
       for name in ("start", "accept", "echo", "ack", "reload", "stop", "recovery", "module")}
