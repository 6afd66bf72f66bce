# SPDX-License-Identifier: MIT
"""The cost of the soak beside the permitted cost, as a table. Used by soak.py.

A connection that ended was retired when the server logs that it drained it between messages, and
lost otherwise. Only workers that may not move connections retire any, and those whose connections no
worker could take: one that was stopped or had no descriptors. A message that was on its way when the
drained connection's FIN came has crossed it: no server can prevent that, but it must stay rare. A
connection of a program that ended with a copy was given up, and so was one that was passed on to a program that was
killed. The server's own counts must agree with the
books of the clients; those of a program are not the server's.
"""
import collections
import datetime

CROSSED_SECONDS = 0.25  # a message sent so long before the FIN arrived before it
CROSSED_SHARE = 0.02    # of the retired, with busy processors; a careless server has far more
BEHIND_SECONDS = 0.5    # the server reads its clock once a turn, and may be stopped after that
AHEAD_SECONDS = 0.005   # what rounding to milliseconds makes of it
COPY_SECONDS = 1.0      # from the end of its connections to that of a copy, and to the master's line
SHOWN = 20

# Why connections may end, and why they may stay in a worker that leaves, in a soak.
MAY_END = {"client_closed", "client_reset", "drained", "made_room", "worker_crash", "program_exited",
           "program_lost", "upstream_reset", "shutdown_timeout", "service_finished"}
MAY_STAY = {"no_room", "no_descriptors", "unanswered", "in_flight_limit", "not_movable"}

IN_LOG = {"lines": ("module",), "relay": ("proxy", "echo"), "peer": ("proxy",)}  # the service's names there
WHOLE = {"ack", "lines", "http"}       # they answer each message whole; of the others a piece may be cut anywhere
NOT_SERVED = {"program"}       # by workers
TWICE = {"relay"}              # by workers
# How a worker that may not move connections ends them. A stream that is passed on has no messages for it: some may be
# under way, in another worker that stands still, or when the time is over.
OF_LEAVING = {"relay": ("drained", "shutdown_timeout"), "peer": ("shutdown_timeout",)}
# After an answer that has announced the end, the connection may have come to another worker.
ENDINGS = {"http": ("drained", "service_finished"), **OF_LEAVING}
OF_PEERS = {"upstream_reset", "client_closed", "client_reset"}  # what may end with a killed peer, by its FIN or RST


def said_endings(log, end):
    """What the log says of this connection; others may have had its port before and after it."""
    return [ending for service in IN_LOG.get(end.service, (end.service,))
            for ending in log.endings.get((service, end.local), ())
            if end.when - end.age - BEHIND_SECONDS < ending.opened < end.when + AHEAD_SECONDS and
            ending.ended > end.when - BEHIND_SECONDS]


def has_copy_ended(log, end):
    return any(end.when - BEHIND_SECONDS < when < end.when + COPY_SECONDS for when in log.copies_ended)


def was_its_peer_killed(passed, deaths, end):
    """The server says to which it had passed the connection on, and how it ended."""
    return any(p.server == address and p.why in OF_PEERS and p.opened < until and p.ended > since - AHEAD_SECONDS
               for p in passed.get(end.local, ()) for since, until, address in deaths
               if end.when - end.age - BEHIND_SECONDS < p.opened < end.when + AHEAD_SECONDS and
               p.ended > end.when - BEHIND_SECONDS)


def judge(log, end, is_timely):
    """retired, untimely (retired without need), crossed, given up or lost."""
    if end.service in NOT_SERVED:
        return "given up" if has_copy_ended(log, end) else "lost"
    drained = [e for e in said_endings(log, end) if e.why in ENDINGS.get(end.service, ("drained",))]
    if end.how != "FIN" or not drained:
        return "lost"
    if end.in_flight is not None:
        is_cut = end.got > 0 and end.service in WHOLE
        is_late = end.in_flight > CROSSED_SECONDS and end.service not in OF_LEAVING
        return "lost" if is_cut or is_late else "crossed"
    return "retired" if any(map(is_timely, drained)) else "untimely"


class Verdict:
    def __init__(self, harmer, books, ends):
        self.did, self.faults, self.excuses = harmer.did, list(harmer.faults), harmer.excuses
        self.counts = {book.service: book.counts for book in books}
        self.ends = [end for some in ends for end in some or []]
        self.faults += [f"the clients of {book.service} died"
                        for book, some in zip(books, ends) if some is None]
        self.judged = {}
        self.log, self.passed, self.deaths, self.totals = None, None, None, None

    def end_server(self, server, workers):
        """Stops it: what it says last is part of the evidence, and what it leaves."""
        if server.process.poll() is not None:
            self.faults.append(f"the server died (exit code {server.process.returncode}): "
                               f"{server.said()}")
        else:
            self.totals = server.settle()
            self.faults += filter(None, [server.reload_as_first(workers), server.find_leak(), server.stop(),
                                         server.find_rest()])
        server.log.read()
        self.log, self.passed, self.deaths = server.log, server.log.read_passed(), server.peers.deaths
        self.judge_ends()
        for service, counts in self.counts.items():
            self.faults += filter(None, [self.audit(service, counts)])
        if self.totals:
            self.audit_server()
        else:
            self.faults.append("the server told no counts")

    def judge_ends(self):
        self.judged = collections.defaultdict(list)
        for end in self.ends:
            judged = judge(self.log, end, self.is_timely)
            if judged == "lost" and was_its_peer_killed(self.passed, self.deaths, end):
                judged = "left by a peer"
            self.judged[judged].append(end)

    def is_timely(self, drained):
        """Another worker may end a connection that was drained, when the drainer was killed."""
        return self.log.places.get(drained.pid) in self.log.drained or (
            self.is_excused(drained.ended))

    def is_excused(self, when):
        return any(begin < when < end for begin, end in self.excuses)

    def audit(self, service, counts):
        """The clients' own books: what was not answered was in flight at some end."""
        cut = sum(end.service == service and end.is_cut for end in self.ends)
        gone = counts["sent"] - counts["answered"] - cut
        return f"{service}: {gone} messages that nobody accounts for" if gone else None

    def audit_server(self):
        """Each accepted connection has ended once; each one that moved out has come in."""
        totals = self.totals
        ended = totals["connections_ended_total"]
        moved_in, moved_out = (totals[f"connections_moved_{way}_total"] for way in ("in", "out"))
        self.expect(totals["connections_live"] == 0, f"{totals['connections_live']} live")
        self.expect(totals["leaving"] == 0, f"{totals['leaving']} workers leave and do not end")
        self.expect(sum(ended.values()) == self.accepted(),
                    f"{self.accepted()} accepted, {sum(ended.values())} ended")
        self.expect(moved_in == moved_out, f"moved in {moved_in}, out {moved_out}")
        self.expect(totals["moves_refused_total"] == 0,
                    f"{totals['moves_refused_total']} moves refused")
        for why, number in ended.items():
            self.expect(number == 0 or why in MAY_END, f"{number} connections ended: {why}")
        for why, number in totals["connections_not_moved_total"].items():
            self.expect(number == 0 or why in MAY_STAY, f"{number} connections stayed: {why}")

    def expect(self, holds, otherwise):
        if not holds:
            self.faults.append(f"the server's counts: {otherwise}")

    def accepted(self):
        return self.totals["connections_accepted_total"] if self.totals else 0

    def accepted_range(self):
        """The least and the most; a worker killed between an accept and its count leaves no count."""
        heard = self.sum("connected") - self.sum("unheard")
        least = heard + max(0, self.did["crowd accepted"] - self.did["crowd kills"])
        again = self.allowed() + sum(p.again for some in self.passed.values() for p in some)
        return least, self.sum("connected") + self.did["crowd"] + self.did["crash"] + again

    def sum(self, what):
        """Of those that workers serve, as often as they do."""
        return sum(counts[what] * (1 + (service in TWICE)) for service, counts in self.counts.items()
                   if service not in NOT_SERVED)

    def sum_all(self, what):
        return sum(counts[what] for counts in self.counts.values())

    def number(self, judgement):
        return len(self.judged[judgement])

    def allowed(self):
        return self.did["kill"] + self.did["strike"] + self.log.events["worker_hung"] + self.did["helper"]

    def rows(self):
        did, log = self.did, self.log
        stayed = sum(stay.number for stay in log.stays if not self.is_excused(stay.when))
        given = self.totals["connections_not_moved_total"]["not_movable"] if self.totals else 0
        kills = did["kill"] + did["strike"]
        return [
            ("workers killed", kills, f"{did['strike']} in reloads", kills > 0),
            ("workers crashed by a module", did["crash"], "", did["crash"] > 0),
            ("checkers killed", did["checker"], "", True),
            ("helpers killed", did["helper"], f"{log.events['helper_ready']} were ready", True),
            ("copies killed", did["copy"], f"{did['copy hang']} stopped, {log.events['program_hung']} hung", did["copy"] > 0),
            ("hangs", log.events["worker_hung"], f"{did['hang']} made", True),
            ("short stops", did["pause"], "", True),
            ("keepers killed", did["keeper"], "", True),
            ("recoveries", log.events["connections_recovered"],
             f"{log.events['arena_emptied']} began empty", log.events["arena_emptied"] == 0),
            ("reloads", did["reload"], f"{did['failed']} failed by kills",
             log.events["reload_finished"] + did["failed"] == did["reload"] + 1),  # and one at the end
            ("  that move nothing", did["staying"], "", True),
            ("workers recycled", log.events["worker_recycled"], "", True),
            ("logs reopened", did["reopen"], "", True),
            ("workers added or removed", did["change"], "", True),
            ("peers killed", did["peer"], "", True),
            ("descriptors exhausted", did["exhaust"], f"{did['felt']} felt", True),
            None,
            *self.connection_rows(),
            ("connections that stayed", stayed, f"<= {given} with a helper", stayed <= given),
            None,
            *self.message_rows(),
        ]

    def connection_rows(self):
        least, most = self.accepted_range()
        crossed_most = self.crossed_most()
        moved = sum(self.totals["connections_moved_in_total"].values()) if self.totals else 0
        return [
            ("connections opened", self.sum_all("opened"), f"and a crowd of {self.did['crowd']}", True),
            ("connections refused", self.sum_all("refused"), "none", self.sum_all("refused") == 0),
            ("connections accepted", self.accepted(), f"{least} to {most}",
             least <= self.accepted() <= most),
            ("connections moved", moved, "in as many as out", moved > 0),
            ("connections retired", self.number("retired"), "where they may not move", True),
            ("  elsewhere", self.number("untimely"), "none", self.number("untimely") == 0),
            ("  a message crossed that", self.number("crossed"), f"<= {crossed_most}",
             self.number("crossed") <= crossed_most),
            ("  by copies that ended", self.number("given up"), f"{len(self.log.copies_ended)} ended", True),
            ("  with a killed peer", self.number("left by a peer"), f"{len(self.deaths)} killed", True),
            ("connections lost", self.number("lost"), f"<= {self.allowed()} kills and hangs; {self.log.in_hand} in hand",
             self.number("lost") <= self.allowed()),
        ]

    def message_rows(self):
        return [r for service, counts in self.counts.items() for r in (
            (f"{service}: messages", counts["sent"], f"{counts['answered']} answered, {counts['bytes']} bytes",
             counts["answered"] > 0),
            *(row(service, counts, what) for what in ("lost", "repeated", "wrong") if counts[what]),
            *self.unavailable_rows(service, counts["unavailable"]))]

    def unavailable_rows(self, service, number):
        is_due = self.did["exhaust"] > 0
        return [(f"{service}: no descriptor", number, "where they were exhausted", is_due)] if number else []

    def crossed_most(self):
        return max(10, int(CROSSED_SHARE * self.number("retired")))

    def is_good(self):
        return not self.faults and all(r[3] for r in self.rows() if r)

    def show(self, seed):
        for r in self.rows():
            if r:
                print(f"{r[0]:26}{r[1]:>12}  {r[2]:24}{'' if r[3] else 'BAD'}".rstrip())
            else:
                print()
        for fault in self.faults:
            print(f"BAD: {fault}")
        if not self.is_good():
            self.explain()
        print(f"seed {seed}: {'good' if self.is_good() else 'BAD'}", flush=True)

    def explain(self):
        """The first of what went wrong, from the clients' side and from the server's."""
        suspects = sorted(self.judged["lost"] + self.judged["crossed"] + self.judged["untimely"])
        print(f"\nconnections lost, the first {SHOWN} of {len(suspects)}:")
        for end in suspects[:SHOWN]:
            when = datetime.datetime.fromtimestamp(end.when, datetime.timezone.utc)
            flight = "between messages" if end.in_flight is None else (
                f"{end.in_flight * 1000:.0f} ms after sending, {end.got} bytes of the answer there")
            why = ", ".join(f"{e.why} (pid {e.pid})" for e in said_endings(self.log, end))
            print(f"  {when:%H:%M:%S.%f} {end.service} {end.local or 'unconnected'} "
                  f"age {end.age:.3f} s, {end.messages} messages: {end.how}, {flight}; "
                  f"the server says: {why or 'nothing'}")
        print(f"\nthe server's warnings, the first {SHOWN} of {len(self.log.complaints)}:")
        for line in self.log.complaints[:SHOWN]:
            print(f"  {line}")


def row(kind, counts, what):
    return f"{kind}: {what}", counts[what], "none", counts[what] == 0
