# SPDX-License-Identifier: MIT
"""The cost of the soak beside the permitted cost, as a table. Used by soak.py.

A connection that ended was retired when the server logs that it drained it between messages, and
lost otherwise. A message that was on its way when the drained connection's FIN came has crossed it:
no server can prevent that, but it must stay rare.
"""
import datetime

CROSSED_SECONDS = 0.25  # a message sent so long before the FIN arrived before it
CROSSED_SHARE = 0.02    # of the retired, with busy processors; a careless server has far more
BEHIND_SECONDS = 0.5    # the server reads its clock once a turn, and may be stopped after that
AHEAD_SECONDS = 0.005   # what rounding to milliseconds makes of it
SHOWN = 20


def said_endings(log, end):
    """What the log says of this connection; others may have had its port before and after it."""
    return [ending.why for ending in log.endings.get((end.service, end.local), ())
            if end.when - end.age - BEHIND_SECONDS < ending.opened < end.when + AHEAD_SECONDS and
            ending.ended > end.when - BEHIND_SECONDS]


def judge(log, end):
    """retired, crossed or lost."""
    if end.how != "FIN" or "drained" not in said_endings(log, end):
        return "lost"
    if end.in_flight is None:
        return "retired"
    # ack has messages and answers each whole; echo has none, so a piece may be cut anywhere.
    is_cut = end.got > 0 and end.service == "ack"
    return "lost" if is_cut or end.in_flight > CROSSED_SECONDS else "crossed"


class Verdict:
    def __init__(self, harmer, books, ends):
        self.did, self.faults = harmer.did, list(harmer.faults)
        self.counts = {book.service: book.counts for book in books}
        self.ends = [end for some in ends for end in some or []]
        self.faults += [f"the clients of {book.service} died"
                        for book, some in zip(books, ends) if some is None]
        self.judged = {}
        self.log = None

    def end_server(self, server):
        """Stops it: what it says last is part of the evidence."""
        if server.process.poll() is not None:
            self.faults.append(f"the server died (exit code {server.process.returncode}): "
                               f"{server.said()}")
        else:
            self.faults += filter(None, [server.stop()])
        server.log.read()
        self.log = server.log
        self.judged = {"retired": [], "crossed": [], "lost": []}
        for end in self.ends:
            self.judged[judge(self.log, end)].append(end)
        for service, counts in self.counts.items():
            self.faults += filter(None, [self.audit(service, counts)])

    def audit(self, service, counts):
        """The clients' own books: what was not answered was in flight at some end."""
        cut = sum(end.service == service and end.in_flight is not None for end in self.ends)
        gone = counts["sent"] - counts["answered"] - cut
        return f"{service}: {gone} messages that nobody accounts for" if gone else None

    def sum(self, what):
        return sum(counts[what] for counts in self.counts.values())

    def number(self, judgement):
        return len(self.judged[judgement])

    def allowed(self):
        return self.did["kill"] + self.log.events["worker_hung"]

    def rows(self):
        did, log = self.did, self.log
        ack, echo = self.counts["ack"], self.counts["echo"]
        crossed_most = self.crossed_most()
        return [
            ("workers killed", did["kill"], "", did["kill"] > 0),
            ("hangs", log.events["worker_hung"], f"{did['hang']} made", True),
            ("short stops", did["pause"], "", True),
            ("keepers killed", did["keeper"], "", True),
            ("recoveries", log.events["connections_recovered"],
             f"{log.events['arena_emptied']} began empty", True),
            ("reloads", did["reload"], f"{log.events['reload_finished']} finished", True),
            ("logs reopened", did["reopen"], "", True),
            ("workers added or removed", did["change"], "", True),
            ("descriptors exhausted", did["exhaust"], f"{did['felt']} felt", True),
            None,
            ("connections opened", self.sum("opened"), "", True),
            ("connections refused", self.sum("refused"), "none", self.sum("refused") == 0),
            ("connections retired", self.number("retired"), "", True),
            ("  a message crossed that", self.number("crossed"), f"<= {crossed_most}",
             self.number("crossed") <= crossed_most),
            ("connections lost", self.number("lost"), f"<= {self.allowed()} kills and hangs",
             self.number("lost") <= self.allowed()),
            None,
            ("messages sent", ack["sent"], "", True),
            ("messages answered", ack["answered"], "", ack["answered"] > 0),
            *(row("messages", ack, what) for what in ("lost", "repeated", "wrong")),
            ("bytes echoed", echo["bytes"], f"{echo['answered']} pieces", echo["bytes"] > 0),
            *(row("pieces", echo, what) for what in ("lost", "repeated", "wrong")),
        ]

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
        suspects = sorted(self.judged["lost"] + self.judged["crossed"])
        print(f"\nconnections lost, the first {SHOWN} of {len(suspects)}:")
        for end in suspects[:SHOWN]:
            when = datetime.datetime.fromtimestamp(end.when, datetime.timezone.utc)
            flight = "between messages" if end.in_flight is None else (
                f"{end.in_flight * 1000:.0f} ms after sending, {end.got} bytes of the answer there")
            why = ", ".join(said_endings(self.log, end))
            print(f"  {when:%H:%M:%S.%f} {end.service} {end.local or 'unconnected'} "
                  f"age {end.age:.3f} s, {end.messages} messages: {end.how}, {flight}; "
                  f"the server says: {why or 'nothing'}")
        print(f"\nthe server's warnings, the first {SHOWN} of {len(self.log.complaints)}:")
        for line in self.log.complaints[:SHOWN]:
            print(f"  {line}")


def row(kind, counts, what):
    return f"{kind} {what}", counts[what], "none", counts[what] == 0
