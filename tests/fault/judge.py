# SPDX-License-Identifier: MIT
"""Checks a run that has ended for right behaviour or a clean error, and reports the violations.

Must not touch processes.
"""
import re
import signal

SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:")
IN_HAND = re.compile(r"connections_recovered .*\bin_hand=(\d+)")
LEDGER = re.compile(r"server_stopped .*connections_accepted=(\S+) connections_ended=(\S+)")
CRASHED = re.compile(r"worker_crashed .*\bsignal=(\d+)")
HOPELESS = re.compile(r"worker_crashed .*\bcode=100\b")
MESSAGE = re.compile(r"^prefork-srv: \S|^\S+ error \S", re.M)


def exit_codes(tables):
    with open(f"{tables}/exits.def", encoding="utf-8") as f:
        rows = dict(re.findall(r"EXIT_ROW\((\w+), (\d+)", f.read()))
    # One is of -s, one of a worker, and one says that the program is wrong.
    return {int(code) for name, code in rows.items() if name not in ("FAILED", "NO_RESPAWN", "INTERNAL")}


def is_killed(run, line):
    return line.split(" ")[0].endswith(":kill")


def names(line, *rows):
    return line != "" and line.split(":")[1] in rows


def of_master(run, line, codes):
    """How the server ended."""
    killed = is_killed(run, line) and f"pid={run.process.pid}" in line.split()
    if run.code == -signal.SIGKILL and killed:
        return
    if run.code < 0:
        yield f"the server died of {signal.Signals(-run.code).name}"
    elif run.code not in codes:
        yield f"the server left with {run.code}"
    elif run.code != 0 and not MESSAGE.search(run.said):
        yield f"the server left with {run.code} and no message"
    elif run.code != 0 and not line:
        yield f"the server left with {run.code} and nothing had failed"
    # A file that could not be looked at, or may be another's, stays.
    if run.code >= 0 and not names(line, "unlink", "lstat", "fstat", "fcntl_lock"):
        yield from (f"left behind: {name}" for name in run.left)


def of_workers(run, line):
    excused = run.kills + (1 if is_killed(run, line) else 0)
    told = list(run.crashes)
    for number in CRASHED.findall(run.said):
        if int(number) in told:
            told.remove(int(number))
        elif int(number) != signal.SIGKILL:
            yield f"a worker died of {signal.Signals(int(number)).name}"
        elif run.code == 0:
            excused -= 1  # a server that fails kills its workers itself
    if excused < 0:
        yield "a worker was killed that nobody asked for"
    # A signal that could not be sent is not heard; without a master, clients in a message are waited for.
    if not names(line, "kill") and not (run.is_strict and run.code < 0):
        yield from (event for event in ("worker_hung", "shutdown_timed_out") if f" {event}" in run.said)


# A failure of a worker's call on a connection's own descriptor, or its file's, is that connection's failure.
OF_A_CONNECTION = ("recv", "send", "sendfile", "splice", "pread", "shutdown", "epoll_ctl")


def is_own(client, line):
    """What failed was a call that the service makes for this client, which waited for it."""
    return names(line, *client.own_calls)


def most_strict(run, line):
    """Connections that may be lost: the one in hand of each death, and the one whose own call failed."""
    in_hand = sum(int(number) for number in IN_HAND.findall(run.said))
    if is_killed(run, line):
        return in_hand + names(line, "accept4")  # it has no record yet
    has_own = names(line, *OF_A_CONNECTION) or any(is_own(client, line) for client in run.lost)
    return in_hand + (has_own and line.startswith("worker:"))


def of_clients(run, line, has_keepers):
    """Who lost a connection, and whether it may be."""
    worker_died = run.kills > 0 or "worker_crashed" in run.said
    master_left = run.code != 0
    # Two deaths in a row with nothing in hand empty the arena; only a kill can be the second.
    is_emptied = " arena_emptied " in run.said and run.kills > 0 and is_killed(run, line)
    # A worker that says that the next one would fail alike is the last one of its slot.
    is_hopeless = line and HOPELESS.search(run.said)
    if not run.lost or master_left or is_emptied or is_hopeless or (worker_died and not has_keepers):
        return
    most = most_strict(run, line) if run.is_strict else run.kills + (1 + run.waiting if line else 0)
    if len(run.lost) > most:
        yield f"{len(run.lost)} connections lost: {', '.join(sorted(set(run.lost.values())))}"


def of_ledger(run):
    last = LEDGER.search(run.said)
    if last and last[1] != last[2]:
        yield f"{last[1]} connections accepted, and {last[2]} ended"


def of_verbs(run, line):
    for verb, code, said in run.verbs:
        if code not in (0, 1, 71, 77):
            yield f"-s {verb} left with {code}"
        elif code != 0 and not said.strip():
            yield f"-s {verb} failed without a word"
        elif code != 0 and not line:
            yield f"-s {verb} failed and nothing had: {said.strip()}"


def judge(run, line, codes, has_keepers):
    """A list of what is wrong; empty when all is well."""
    run.said = run.text("stderr") + run.text("log")
    wrong = list(of_master(run, line, codes)) if run.code is not None else []
    wrong += of_workers(run, line)
    wrong += of_clients(run, line, has_keepers)
    wrong += of_ledger(run)
    wrong += of_verbs(run, line)
    if SANITIZER.search(run.said):
        wrong.append("a sanitizer has something to say")
    wrong += [f"process left behind: {name}" for name in run.left
              if run.code < 0 and name not in ("pid", "scoreboard")]
    return wrong
