# SPDX-License-Identifier: MIT
"""Scenarios in which the server runs code of others: a module, copies of a program, and a program for each connection.
At their end no process waits to be reaped, none is too many, and none holds more descriptors than before.
"""
import collections
import os
import re
import shutil
import signal
import time

import run as running
import scenarios

SETTLED_S = 8.0  # for what was killed to be there again
LOOK_S = 0.02
LINE_MOST = 200
WORKERS = ("prefork-srv: worker", "prefork-srv: keeper")
NUMBER = re.compile(r"( \(\w+\))?\s*$")
LOG = 'log {{ path = "{folder}/log"  access = "{folder}/access" }}\n'


def built(run, path):
    """A file of this build, where the programs' user can read it."""
    copied = run.path(os.path.basename(path))
    shutil.copy(os.path.join(os.path.dirname(run.server), path), copied)
    return copied


def begin(run, text, listeners):
    run.write("conf", LOG.format(folder=run.folder) + text)
    run.start("-c", run.path("conf"), *os.environ.get("MORE", "").split(), listeners=listeners)
    run.before = look_at_all(run) if run.is_told and not run.struck() else None


def expect_line(client):
    line = b""
    while not line.endswith(b"\n"):
        client.check(len(line) < LINE_MOST, line, b"a line")
        line += client.receive(1)
    return line[:-1].decode(errors="replace")


def say_line(client, text, *wanted):
    """Returns the answer, which is one of those wanted."""
    client.send(text.encode() + b"\n")
    heard = expect_line(client)
    client.check(heard in wanted, heard.encode(), " or ".join(wanted).encode())
    return heard


def tree(pid):
    """Its descendants."""
    found = []
    for child in running.children(pid):
        found += [child] + tree(child)
    return found


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return False


def count_descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def look_at_all(run, has_workers=False):
    """How many processes of each title there are, with how many descriptors; anything else has no place there. The
    workers of another generation have other descriptors, and so do their keepers."""
    seen = collections.Counter()
    for pid in [run.process.pid] + tree(run.process.pid):
        title = NUMBER.sub("", running.title(pid))
        is_counted = has_workers or not title.startswith(WORKERS)
        if is_zombie(pid):
            seen["dead", None] += 1
        elif title.startswith(("prefork-srv: ", run.server)):
            seen[title, count_descriptors(pid) if is_counted else None] += 1
        else:
            seen[title, None] += 1
    return seen


def is_keeper_killed(run):
    """Its worker goes on without one."""
    return run.struck() and run.fault.startswith("keeper:") and run.fault.endswith(":kill")


def is_same(run, more, less, has_workers):
    """The first look at workers may have seen a connection that was about to end."""
    if has_workers:
        return sum(number or 0 for _, number in more) <= sum(number or 0 for _, number in less)
    return not more and (not less or is_keeper_killed(run))


def settle(run, before, has_workers=False):
    """Waits until all is as it was, or tells the difference. Clients have left. A server that something failed at
    before was not whole then: of that one only the dead are looked for."""
    until = time.monotonic() + SETTLED_S
    while run.is_serving():
        now = look_at_all(run, has_workers)
        dead = now["dead", None]
        more, less = now - (before or now), (before or now) - now
        if dead == 0 and is_same(run, more, less, has_workers):
            return
        if time.monotonic() > until and run.is_serving():
            raise running.Fault(f"too many: {dict(more)}, too few: {dict(less)}, {dead} dead")
        running.is_gone(run.process.pid, LOOK_S)


def end_client(client):
    client.end()
    client.expect_end()


# --- A module ---

def start_module(run):
    run.probe = lambda: ask_module(run)
    every, faulty = built(run, "tests/modules/every.so"), built(run, "tests/modules/faulty.so")
    begin(run, f'workers = 1\nlisten "127.0.0.1:0" {{ service = module  module = "{every}" }}\n'
               f'listen "127.0.0.1:0" {{ service = module  module = "{faulty}" }}\n', 2)


def greet_module(run):
    client = run.connect()
    client.check(expect_line(client) in ("one hello", "two hello"), b"another greeting")
    return client


def ask_module(run):
    client = greet_module(run)
    say_line(client, "first", "one 1 first", "two 1 first")
    end_client(client)


def crash_module(run):
    """Costs this one connection, and no other."""
    client = run.connect(1)
    say_line(client, "before", "1 before")
    run.crashes.append(signal.SIGSEGV)
    client.send(b"null\n")
    try:
        client.expect_end()
    except running.Lost:
        client.close()


def say_second(run, client, code):
    """The file as it is now answers, where the reload has taken it."""
    if run.struck():
        say_line(client, "second", "one 2 second", "two 2 second")
    else:
        say_line(client, "second", "two 2 second" if code == 0 else "one 2 second")
    end_client(client)


def module(run):
    run.attempt(ask_module, run)
    held = run.attempt(greet_module, run)
    if held:
        run.attempt(say_line, held, "first", "one 1 first")
    run.attempt(crash_module, run)
    os.rename(built(run, "tests/modules/every_changed.so"), run.path("every.so"))
    code, _ = run.ask("reload")
    if held and held not in run.lost:
        run.attempt(say_second, run, held, code)
    run.attempt(ask_module, run)
    settle(run, run.before)


# --- Copies of a program ---

def start_program(run):
    run.probe = lambda: ask_copy(run)
    app = built(run, "tests/e2e/copy_app")
    begin(run, f'workers = 1\nprogram "app" {{ command = {{"{app}", "ready"}}  copies = 2  ready_after = notify }}\n'
               'listen "127.0.0.1:0" { service = program  program = "app" }\n'
               'listen "127.0.0.1:0" { service = echo }\n', 2)


def ask_copy(run):
    client = run.connect()
    say_line(client, "say a line for the log", "done")
    client.close()


def kill_copy(run):
    client = run.connect()
    client.send(b"pid\n")
    pid = int(expect_line(client))
    if run.is_up() and pid not in running.children(run.process.pid):
        raise running.Fault(f"process {pid} answered, which is no copy")
    os.kill(pid, signal.SIGKILL)
    try:
        client.expect_end()
    except running.Lost:
        client.close()


def program(run):
    run.attempt(ask_copy, run)
    run.attempt(kill_copy, run)
    held = run.attempt(run.connect)
    if held:
        run.attempt(say_line, held, "say before", "done")
    run.ask("reload")
    if held and held not in run.lost:
        run.attempt(say_line, held, "say after", "done")
        held.close()
    run.attempt(ask_copy, run)
    run.attempt(scenarios.converse, run, 1)
    settle(run, run.before)


# --- A program for each connection ---

def start_exec(run):
    run.probe = lambda: scenarios.converse(run)
    begin(run, 'workers = 1\nlisten "127.0.0.1:0" { service = exec  command = {/bin/cat} }\n'
               'listen "127.0.0.1:0" { service = exec  command = {/bin/sh, -c, "echo up; read code; exit $code"} }\n'
               'listen "127.0.0.1:0" { service = exec  command = {/bin/sh, -c, "echo up; exec sleep 60"}  timeout = 50ms }\n', 3)


def exit_with(run, code):
    client = run.connect(1)
    client.expect(b"up\n")
    client.send(b"%d\n" % code)
    client.expect_end()


def wait_for_timeout(run):
    client = run.connect(2)
    client.expect(b"up\n")
    client.expect_end()


def say_more(client, text):
    client.send(text)
    client.expect(text)


def check_codes(run, *codes):
    """In the access log, unless something has failed."""
    until = time.monotonic() + SETTLED_S
    while run.is_serving() and not run.struck():
        told = collections.Counter(map(int, re.findall(r" exit_code=(\d+)", run.text("access"))))
        if all(told[code] == 1 for code in codes):
            return
        if time.monotonic() > until:
            raise running.Fault(f"the access log tells exit codes {dict(told)}, and not each of {codes} once")
        running.is_gone(run.process.pid, LOOK_S)


def exec_(run):
    run.attempt(exit_with, run, 3)
    held = run.attempt(run.connect)
    if held:
        run.attempt(say_more, held, b"before")
    run.kill_workers()
    if held and held not in run.lost:
        run.attempt(say_more, held, b"between")
    run.attempt(exit_with, run, 4)
    run.attempt(wait_for_timeout, run)
    run.ask("reload")
    if held and held not in run.lost:
        run.attempt(say_more, held, b"after")
        run.attempt(end_client, held)
    run.attempt(exit_with, run, 5)
    check_codes(run, 3, 4, 5)
    settle(run, run.before)
    before = look_at_all(run, True) if run.before else None
    run.attempt(scenarios.converse, run)
    run.attempt(exit_with, run, 6)
    settle(run, before, True)


ALL = {"module": (start_module, module), "program": (start_program, program), "exec": (start_exec, exec_)}
