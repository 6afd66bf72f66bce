# SPDX-License-Identifier: MIT
"""The faults: kills, crashes, hangs, pauses, reloads, reopenings, more and fewer workers, lack of descriptors.

Reloads bring other numbers of workers, and workers that move no connections or live briefly; old and
new workers are killed while they run. Signals only the server's own processes, known by pidfd. Must not
cause a fault that is documented to cost more than one connection: it kills no worker that is still
recovering, and none whose keeper it has killed. Used by soak.py.
"""
import collections
import os
import select
import signal
import time

from deeds import COMMAND_MOST_SECONDS, Command, Crowd, Magic
from server import LISTENERS

# What is done, and how many seconds pass from one to the next; UNPACED ones in a short run too.
PLAN = {
    "kill": (0.1, 0.3),
    "pause": (0.8, 2.0),
    "reopen": (2.0, 5.0),
    "change_workers": (2.0, 5.0),
    "reload": (3.0, 6.0),
    "keeper": (4.0, 8.0),
    "hang": (5.0, 9.0),
    "exhaust": (6.0, 10.0),
    "crash": (1.0, 2.5),
    "copy": (2.0, 4.0),
    "copy_hang": (6.0, 10.0),
    "helper": (4.0, 8.0),
    "peer": (1.0, 3.0),
    "checker": (3.0, 6.0),
}
UNPACED = ("kill", "pause")
AT_LEAST_ONCE = ("kill", "crash", "copy")  # as verdict.py wants it

WORKERS = range(2, 7)          # by reloads
MORE_MOST = 8                  # by TTIN
STRIKES = (0, 0, 1, 1, 1, 2)   # kills in one reload
STRIKE_SECONDS = 0.1           # from its beginning on
STRIKE_BREATH_SECONDS = 0.001
NEWBORN_SHARE = 0.3            # of the new workers that are seen before they are ready

SETTLED_SECONDS = 1.0    # so long seen: not newborn, and past its recovery
HANG_MOST_SECONDS = 15.0
RETRY_SECONDS = 0.05
AFTER_SECONDS = 3.0      # so long after a worker stood still, another one may give it up


def was_killed(said):
    """The reload failed because of one of our kills."""
    return "died before it was ready (signal 9" in said


class Driver:
    """Call step() over and over, then end()."""

    def __init__(self, server, rng, pace, held, crowd_most, plan):
        self.server, self.rng, self.pace = server, rng, pace
        self.held, self.crowd_most = held, crowd_most
        self.did = collections.Counter()
        self.excuses = []        # times at which a worker may take no connection: (from, to)
        self.strikes = []        # when to kill during a reload
        self.reloads_seen = 0
        self.kills_before = 0    # before the reload
        self.faults = []
        self.first_seen = {}
        self.stopped = {}        # pid: (pidfd, when to continue it or None, when stopped, number)
        self.died = {}           # number of a worker: when one was last killed
        self.keeperless = set()  # workers to be left alone until they have left
        self.command, self.crowd, self.magic = None, None, None
        now = time.monotonic()
        self.due = {what: now + self.interval(what) * (1 if what in UNPACED else rng.random())
                    for what in plan}

    def interval(self, what):
        least, most = PLAN[what]
        return self.rng.uniform(least, most) * (1 if what in UNPACED else self.pace)

    def lacks(self):
        """True while something that must be done once was not done."""
        return any(what in self.due and not self.did[what] for what in AT_LEAST_ONCE)

    def step(self):
        self.server.log.read()
        self.look()
        self.wait_for_ends()
        self.strike()
        now = time.monotonic()
        for what, due in list(self.due.items()):
            if due <= now:
                done = getattr(self, what)()
                self.due[what] = time.monotonic() + (self.interval(what) if done else RETRY_SECONDS)

    def breathe(self):
        """Hardly, while new workers come."""
        self.server.breathe(*([STRIKE_BREATH_SECONDS] if self.strikes else []))

    def look(self):
        now = time.monotonic()
        self.processes = self.server.processes()
        self.first_seen = {p[:3]: self.first_seen.get(p[:3], now) for p in self.processes}
        self.keeperless &= {p.pid for p in self.processes}

    def is_settled(self, process):
        return time.monotonic() - self.first_seen[process[:3]] > SETTLED_SECONDS

    def may_harm(self, p):
        serves = self.is_settled(p) or p.pid in self.server.log.ready
        return (p.kind == "worker" and serves and p.pid not in self.stopped and
                p.pid not in self.keeperless)

    def victims(self):
        return [p for p in self.processes if self.may_harm(p)]

    def signal(self, process, number):
        """The pidfd, once the signal is sent; None when the process is another one by now."""
        try:
            pidfd = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return None
        if process.pid in self.server.child_pids() and self.server.look(process.pid) == process:
            try:
                signal.pidfd_send_signal(pidfd, number)
                return pidfd
            except ProcessLookupError:
                pass
        os.close(pidfd)
        return None

    def hit(self, candidates, number, name):
        """Signals one of them; returns it with its pidfd open, or None."""
        if not candidates:
            return None
        victim = self.rng.choice(candidates)
        pidfd = self.signal(victim, number)
        if pidfd is None:
            return None
        self.did[name] += 1
        return victim, pidfd

    def kill(self):
        return self.kill_one(self.victims(), "kill")

    def kill_one(self, candidates, name):
        hit = self.hit(candidates, signal.SIGKILL, name)
        if hit:
            self.first_seen.pop(hit[0][:3])
            self.processes.remove(hit[0])
            self.died[hit[0].number] = time.monotonic()
            self.did["crowd kills"] += self.crowd is not None
            os.close(hit[1])
        return hit

    def newborn(self):
        """Workers of a new generation that still have their keepers' titles; they hold nothing yet."""
        pairs = collections.defaultdict(list)
        for p in self.processes:
            if p.kind == "keeper" and not self.is_settled(p):
                pairs[p.number].append(p)
        young = {p.number for p in self.processes
                 if p.kind == "worker" and not self.is_settled(p)}
        return [max(pair) for number, pair in pairs.items() if len(pair) == 2 and
                number not in young and
                time.monotonic() - self.died.get(number, 0) > SETTLED_SECONDS]

    def strike(self):
        """Kills workers, old or new, in the first moments of a reload."""
        now = time.monotonic()
        if self.server.log.events["reload_started"] > self.reloads_seen:
            self.reloads_seen = self.server.log.events["reload_started"]
            self.strikes += [now + self.rng.uniform(0, STRIKE_SECONDS)
                             for _ in range(self.rng.choice(STRIKES))]
        newborn = self.newborn() if self.strikes else []
        if newborn and self.rng.random() < NEWBORN_SHARE and self.kill_one(newborn, "strike"):
            self.strikes.pop()
        for due in [due for due in self.strikes if due <= now]:
            self.kill_one(self.victims(), "strike")
            self.strikes.remove(due)

    def pause(self):
        return self.stop("pause", self.rng.uniform(0.02, 0.3) * self.server.hang_ms / 1000)

    def hang(self):
        return self.stop("hang", None)

    def stop(self, name, seconds):
        """For so long, or until the master kills it. One at a time: the others have to serve."""
        if self.stopped:
            return None
        hit = self.hit(self.victims(), signal.SIGSTOP, name)
        if hit:
            now = time.monotonic()
            resume = None if seconds is None else now + seconds
            self.stopped[hit[0].pid] = hit[1], resume, now, hit[0].number
        return hit

    def keeper(self):
        """In a quiet moment: its worker lives, and is left alone until a reload retires it."""
        if self.command or self.magic or any(p.leaving for p in self.processes):
            return None
        keepers = [p for p in self.processes if p.kind == "keeper" and self.is_settled(p)]
        workers = {p.number: p for p in self.victims()}
        numbers = collections.Counter((p.kind, p.number) for p in self.processes)
        lone = [k for k in keepers if k.number in workers and
                numbers["keeper", k.number] == numbers["worker", k.number] == 1]
        hit = self.hit(lone, signal.SIGKILL, "keeper")
        if hit:
            os.close(hit[1])
            self.keeperless.add(workers[hit[0].number].pid)
            self.due["reload"] = time.monotonic()
        return hit

    def crash(self):
        """Not where it may meet a worker without a keeper."""
        if self.magic or self.crowd or self.keeperless:
            return None
        self.magic = Magic(self.server.addresses[LISTENERS.index("lines")])
        self.did["crash"] += 1
        return self.magic

    def copy(self):
        return self.hit_one(self.ready_copies(), signal.SIGKILL, "copy")

    def copy_hang(self):
        """Until the master kills it, or wakes it to tell it to end."""
        return self.hit_one(self.ready_copies(), signal.SIGSTOP, "copy hang")

    def ready_copies(self):
        """A copy that stands still before it is ready costs the program ready_timeout, and one that is killed a pause."""
        return [p for p in self.settled("copy") if p.pid in self.server.log.ready]

    def helper(self):
        return self.hit_one(self.settled("helper"), signal.SIGKILL, "helper")

    def checker(self):
        return self.hit_one(self.settled("checker"), signal.SIGKILL, "checker")

    def settled(self, kind):
        return [p for p in self.processes if p.kind == kind and self.is_settled(p)]

    def hit_one(self, candidates, number, name):
        hit = self.hit(candidates, number, name)
        if hit:
            os.close(hit[1])
        return hit

    def reload(self):
        if self.command:
            return None
        moves = self.rng.random() < 0.8
        self.did["staying"] += not moves
        self.server.configure(self.rng.choice(WORKERS), "yes" if moves else "no",
                              self.rng.choice(("off", "off", "2s")))
        self.kills_before = self.did["kill"] + self.did["strike"]
        return self.order("reload")

    def reopen(self):
        """Not while descriptors are exhausted: a log that cannot be opened is said so, rightly."""
        if self.command or self.crowd:
            return None
        self.server.log.rename()
        return self.order("reopen")

    def order(self, verb):
        if self.command:
            return None
        self.command = Command(self.server, verb)
        self.did[verb] += 1
        return self.command

    def serving(self):
        return sum(p.kind == "worker" and not p.leaving for p in self.processes)

    def change_workers(self):
        """One more or one less, if that leaves two."""
        if self.command:
            return None
        now = self.serving()
        is_more = now <= WORKERS[0] or (now < MORE_MOST and self.rng.random() < 0.5)
        self.server.process.send_signal(signal.SIGTTIN if is_more else signal.SIGTTOU)
        self.did["change"] += 1
        return True

    def peer(self):
        """One is dead at most: the others serve its clients."""
        peers = self.server.peers
        dead = peers.dead()
        if dead:
            dead[0].start()
        else:
            peers.kill(self.rng.choice(peers.list))
            self.did["peer"] += 1
        return True

    def exhaust(self):
        if self.crowd or (self.command and self.command.verb == "reopen"):
            return None
        size = min((self.serving() + 1) * self.server.nofile - self.held, self.crowd_most)
        self.crowd = Crowd(self.server.addresses[0], size, self.server.log)
        self.did["exhaust"] += 1
        return self.crowd

    def wait_for_ends(self):
        if self.command and self.command.is_over():
            self.end_command()
        if self.magic and self.magic.is_over():
            self.faults += filter(None, [self.magic.end()])
            self.magic = None
        if self.crowd and self.crowd.is_over():
            self.did["felt"] += self.crowd.was_felt()
            self.end_crowd()
        for pid in list(self.stopped):
            self.wait_for_stopped(pid)

    def end_command(self):
        said = self.command.end()
        kills = self.did["kill"] + self.did["strike"]
        if said and was_killed(said) and kills > self.kills_before:
            self.did["failed"] += 1
        elif said:
            self.faults.append(said)
        self.command = None

    def end_crowd(self):
        self.did["crowd"] += self.crowd.number
        self.did["crowd accepted"] += self.crowd.accepted
        self.excuses.append((self.crowd.began, time.time() + AFTER_SECONDS))
        self.crowd.leave()
        self.crowd = None

    def wait_for_stopped(self, pid):
        pidfd, resume, began, number = self.stopped[pid]
        now = time.monotonic()
        watch = select.poll()  # select() knows no descriptor beyond 1023
        watch.register(pidfd, select.POLLIN)
        if not watch.poll(0):
            if resume is None and now > began + HANG_MOST_SECONDS:
                self.faults.append(f"worker {pid} stood still for {now - began:.0f} s and lives")
            elif resume is None or now < resume:
                return
            self.resume(pidfd)
        else:
            self.died[number] = now
            self.did["crowd kills"] += self.crowd is not None
        self.excuses.append((time.time() - (now - began), time.time() + AFTER_SECONDS))
        os.close(pidfd)
        del self.stopped[pid]

    @staticmethod
    def resume(pidfd):
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def end(self):
        """No more harm: what was begun ends, what is stopped goes on or is killed by the master."""
        until = time.monotonic() + COMMAND_MOST_SECONDS
        while (self.command or self.crowd or self.magic or self.stopped) and time.monotonic() < until:
            self.server.log.read()
            self.wait_for_ends()
            self.server.breathe()
        self.release()

    def release(self):
        for pidfd, *_ in self.stopped.values():
            self.resume(pidfd)
            os.close(pidfd)
        self.stopped = {}
        if self.crowd:
            self.end_crowd()
        if self.magic:
            self.magic.end()
        if self.command:
            self.command.process.kill()
            self.command.process.communicate()
