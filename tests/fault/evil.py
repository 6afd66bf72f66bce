#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has one worker make each attack of the service `evil` on the rest of the server, while another worker answers
messages: no message is lost, the master answers, a killed worker is replaced, and the end is clean. Needs a server
built with --enable-faults.
"""
import argparse
import json
import os
import pwd
import re
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import run as running  # noqa: E402

WITHIN_S = 1.0  # for an answer of the master, and for a new worker
TIMES = 10  # of what it took before the deed, where that is more: the machine is busy
HANG_S = 30
CONNECTIONS = 400  # at most, until both workers have one
IS_ROOT = os.geteuid() == 0


class Deed:
    """A word of the service; may: what of it may succeed; lies: the worker's own counts are rubbish afterwards."""

    def __init__(self, word, user="nobody", harmless=True, lies=False, pipe=False):
        self.word, self.user, self.harmless = word, user, harmless
        self.lies, self.pipe = lies, pipe


def can_refuse_descriptors():
    """Linux 6.16 has SO_PASSRIGHTS."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, 83, 0)
        except OSError:
            return False
    return True


# What may succeed and is harmless all the same, and what must not succeed at all.
DEEDS = (Deed("flags"), Deed("counters"), Deed("scribble", lies=True), Deed("shut"), Deed("locks"),
         Deed("hold", pipe=True), Deed("strangers", user="root"), Deed("strangers", harmless=False),
         Deed("pry", harmless=False), Deed("signals", harmless=False), Deed("queue", harmless=False), Deed("trace", harmless=False))
if can_refuse_descriptors():
    DEEDS += (Deed("rights", harmless=False),)


class Line:
    """A connection to the service, spoken to in lines."""

    def __init__(self, run):
        self.client, self.text = run.connect(), b""
        self.pid = self.who()

    def say(self, text):
        self.client.send(text.encode() + b"\n")

    def hear(self):
        while b"\n" not in self.text:
            more = self.client.call(self.client.socket.recv, 4096)
            if not more:
                raise running.Lost(self.client, "ended early")
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return line.decode()

    def who(self):
        self.say("who")
        return int(self.hear().split()[1])

    def exchange(self, text):
        self.say(text)
        heard = self.hear()
        if heard != text:
            raise running.Fault(f"an answer was {heard!r} instead of {text!r}")


def two_workers(run):
    """A connection to each worker: the one that does evil, and the one that serves on."""
    lines = [Line(run)]
    while len(lines) < CONNECTIONS and lines[-1].pid == lines[0].pid:
        lines.append(Line(run))
    if lines[-1].pid == lines[0].pid:
        raise running.Fault("all connections went to one worker")
    for line in lines[1:-1]:
        line.client.close()
    return lines[0], lines[-1]


def within(what, seconds, deed, *arguments):
    began = time.monotonic()
    result = deed(*arguments)
    took = time.monotonic() - began
    if took > seconds:
        raise running.Fault(f"{what} took {took:.2f} s")
    return result


def talk(line, seconds):
    """A message after the other; returns how many, and the longest time for one."""
    until, count, longest = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < until:
        began = time.monotonic()
        line.exchange(f"message {count}")
        longest = max(longest, time.monotonic() - began)
        count += 1
    return count, longest


def ask(run, verb):
    within(f"-s {verb}", run.within, run.ask, verb)
    _, code, said = run.verbs[-1]
    if code != 0:
        raise running.Fault(f"-s {verb} failed: {said.strip()}")


def sleeps(pid):
    """It waits, and has nothing in hand."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "S"
    except OSError:
        return False


def replace(run, line):
    """Kills the worker of that connection: the next one goes on with it."""
    old, until = line.pid, time.monotonic() + running.BOUND_S
    while not sleeps(old):  # the answer may be here before its worker has put the connection down
        if time.monotonic() > until:
            raise running.Fault("a worker never sleeps")
        select.select([], [], [], 0.001)
    os.kill(old, signal.SIGKILL)
    line.pid = within("replacing a killed worker", run.within, line.who)
    if line.pid == old:
        raise running.Fault("a killed worker answered")


def counts(run, evil_worker, lies):
    """Accepted, ended and open connections, of the worker that lies left out."""
    done = subprocess.run([run.server, "-p", run.path("pid"), "-s", "status", "--json"], capture_output=True,
                          text=True, timeout=running.BOUND_S, check=True)
    tell = json.loads(done.stdout)
    for value in re.findall(r'"[a-z_]+":(-[0-9]+)', done.stdout):
        raise running.Fault(f"a count of {value}")
    return tell, [w for w in tell["workers"] if not lies or w["worker"] != evil_worker]


def begin(run, deed):
    arguments = ["-l", "127.0.0.1:0=evil", "-o", f"hang_timeout={HANG_S}s", "-o", "exempt=127.0.0.1"]
    if IS_ROOT:
        arguments += ["-o", f"user={deed.user}"]
    if deed.pipe:
        os.mkfifo(run.path("fifo"))
        run.reader = os.open(run.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
        os.chmod(run.path("fifo"), 0o666)
        arguments += ["-o", f"log.path={run.path('fifo')}"]
    run.start(*arguments, workers=2)


def took_before(run):
    began = time.monotonic()
    run.ask("status")
    return time.monotonic() - began


def endure(run, deed, seconds):
    evil, good = two_workers(run)
    run.within = max(WITHIN_S, TIMES * took_before(run))
    evil.say(f"{deed.word} {int(seconds * 1000)}")
    count, longest = talk(good, seconds / 2)
    ask(run, "status")
    replace(run, good)
    more, longer = talk(good, seconds / 4)
    ask(run, "reload")
    tried, succeeded = (int(word) for word in evil.hear().split()[1:])
    if tried == 0:
        raise running.Fault("it did nothing")
    if succeeded > 0 and not deed.harmless:
        raise running.Fault(f"{succeeded} of {tried} attempts succeeded")
    late = Line(run)
    late.exchange("after all")
    for line in (evil, good, late):
        line.client.close()
    return f"{succeeded} of {tried} attempts; {count + more} messages, the slowest in {max(longest, longer):.3f} s"


def drain(fd):
    text = b""
    while select.select([fd], [], [], 0)[0]:
        text += os.read(fd, 65536)
    return text.decode(errors="replace")


def check_end(run, deed):
    log = drain(run.reader) if deed.pipe else run.text("stderr")
    last = re.search(r"server_stopped .*connections_accepted=(\S+) connections_ended=(\S+)", log)
    if run.code != 0:
        return f"the server left with {run.code}"
    if run.left:
        return f"left behind: {run.left}"
    if "worker_hung" in log:
        return "a worker was taken for hung"
    if not last:
        return "" if deed.pipe else "it does not say how it ended"
    if last[1].startswith("-") or last[2].startswith("-"):
        return f"negative counts: {last[0]}"
    if last[1] != last[2] and not deed.lies:
        return f"accepted and ended differ: {last[0]}"
    return ""


def put_to_proof(run, act):
    """What went wrong in act(), and what it told. Ends the run."""
    wrong, told = "", ""
    try:
        told = act()
    except running.Lost as e:
        wrong = f"a connection was lost: {e}"
    except (running.Fault, subprocess.SubprocessError, OSError, ValueError) as e:
        wrong = str(e)
    run.end()
    return wrong, told


def put_through(server, deed, seconds):
    run = running.Run(server, [], "count")
    run.reader = None

    def act():
        begin(run, deed)
        told = endure(run, deed, seconds)
        run.stop(signal.SIGTERM)
        return told

    wrong, told = put_to_proof(run, act)
    wrong = wrong or check_end(run, deed)
    if run.reader is not None:
        os.close(run.reader)
    return run.conclude(f"{deed.word} as {deed.user if IS_ROOT else 'this user'}", wrong, told)


def check_heir(run, squatter):
    """A process of the dead server's worker has the port: the next start says which."""
    done = subprocess.run([run.server, "-l", f"{run.addresses[0]}=echo", "-p", run.path("pid"), "-o", "user=root"],
                          capture_output=True, text=True, timeout=running.BOUND_S, check=False)
    if done.returncode != os.EX_UNAVAILABLE:
        return f"a start on a port that is taken left with {done.returncode}"
    if f"process {squatter}, \"prefork-srv: worker" not in done.stderr:
        return f"process {squatter} is not named: {done.stderr.strip()}"
    return ""


def squat(server):
    """Only root's workers can leave a process behind (RLIMIT_NPROC)."""
    run = running.Run(server, [], "count")

    def act():
        begin(run, Deed("squat", user="root"))
        line = Line(run)
        line.say("squat 1")
        squatter = int(line.hear().split()[1])
        line.client.close()
        run.stop(signal.SIGTERM)
        wrong = check_heir(run, squatter)
        os.kill(squatter, signal.SIGKILL)
        if wrong:
            raise running.Fault(wrong)
        return "its process is named by the next start"

    return run.conclude("squat as root", *put_to_proof(run, act))


def is_known(user):
    try:
        return pwd.getpwnam(user) is not None
    except KeyError:
        return False


def chosen(words):
    """Without root there is one user, and what it forbids itself is a limit that it cannot leave out."""
    for deed in DEEDS:
        if words and deed.word not in words:
            continue
        if (IS_ROOT and is_known(deed.user)) or (not IS_ROOT and deed.user == "nobody"):
            yield deed


def run_deeds(text, deeds, put_through):
    """The main of a file of deeds: those that the command line names, or all. Returns the exit code."""
    parser = argparse.ArgumentParser(description=text.split(":", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("words", nargs="*", help="only these")
    arguments = parser.parse_args()
    running.adopt_orphans()
    wrong = [deed.word for deed in deeds
             if (not arguments.words or deed.word in arguments.words) and put_through(arguments.server, deed)]
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":", maxsplit=1)[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--seconds", type=float, default=1.6, help="for which each goes on")
    parser.add_argument("words", nargs="*", help="only these")
    arguments = parser.parse_args()
    running.adopt_orphans()
    arguments.seconds = max(arguments.seconds, 0.4)
    wrong = [deed.word for deed in chosen(arguments.words) if put_through(arguments.server, deed, arguments.seconds)]
    if IS_ROOT and (not arguments.words or "squat" in arguments.words) and squat(arguments.server):
        wrong.append("squat")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
