# SPDX-License-Identifier: MIT
"""A race: the contenders of one work on one grid of cores and workers, compared to the first.

Knows how a job is asked for. Must not know a server's configuration, nor judge beyond ratios.
"""
import contextlib
import functools
import socket
import statistics

import contenders
import gauge
import peers

ONE, ALL = "one", "all"  # cores: client and server pinned to one, or free on all
REQUEST = "GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"  # as bench's -m takes it
TIMES = ("server_us", "client_us", "rate", "p50_us", "p99_us")


def answer_length(port, request, body_size):
    """Bytes of the answer to the request: the same each time. body_size: None, or what is due."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(request.replace("\\r", "\r").replace("\\n", "\n").encode())
        text = b""
        while b"\r\n\r\n" not in text:
            text += receive(s)
        head, _, body = text.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(f"not the answer that was asked for: {head.decode()}")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length:"))
        if body_size not in (None, length):
            raise RuntimeError(f"a body of {length} bytes came where {body_size} are due")
        got = len(body)
        while got < length:
            got += len(receive(s))
        return len(head) + 4 + length


def receive(connection):
    some = connection.recv(1 << 20)
    if not some:
        raise RuntimeError("the connection ended within an answer")
    return some


def asking(port, request, body_size=None):
    """bench's arguments for a request whose answer is always as long as now."""
    return "-m", request, "-a", str(answer_length(port, request, body_size))


def arguments(job, port, path, body_size):
    """bench's arguments for a job."""
    request = REQUEST.replace("/healthz", path)
    reply = ("-a", str(len(contenders.REPLY)))
    if job in ("tiny", "file"):
        return asking(port, request, body_size)
    if job in ("wsgi", "asgi"):
        return asking(port, request.replace("/healthz", "/").replace(
            "\\r\\n\\r\\n", "\\r\\nConnection: close\\r\\n\\r\\n"))
    size = len(REQUEST.replace("\\r", "r").replace("\\n", "n"))
    return {"line": ("-m", "x" * (size - 1) + "\\n", *reply), "raw": ("-m", REQUEST, *reply),
            "speak": ("-s", "0", "-a", "end"), "exec": ("-a", "2")}.get(job, ())


class Result:
    """What one contender did on one point of the grid; ratios are of the first one to it."""

    def __init__(self, race, cores, workers, contender, **figures):
        self.work, self.cores, self.workers = race.name, cores, workers
        self.contender = contender
        self.__dict__.update(figures)


class Race:
    """A row of the works. names: contenders, the first of which is compared to the others.

    jobs: of single contenders, instead of `job`. body_size: bytes of the answer's body, where
    they are checked. grid: pairs of cores and workers. targets: by contender, of the processor
    time; rate_targets: of the rate, with all cores and more than one worker. added: triples of a
    contender, the same without something, and the microseconds that this may add.
    """

    def __init__(self, name, what, job, grid, names=None, jobs=(), path="/healthz",
                 body_size=None, extra=(), targets=(), rate_targets=(), added=(), afresh=False):
        self.name, self.what, self.job, self.grid = name, what, job, grid
        self.names = tuple(names or contenders.who_can(job))
        self.jobs, self.path, self.body_size = dict(jobs), path, body_size
        self.extra = tuple(extra)
        self.targets, self.rate_targets = dict(targets), dict(rate_targets)
        self.added, self.afresh = added, afresh

    def present(self, workers=1):
        """Names of those that are installed, first ours; the floor is one process."""
        found = []
        for name in self.names:
            with contextlib.suppress(peers.Missing):
                contenders.ALL[name].need()
                if name != "minimal" or workers == 1:
                    found.append(name)
        return found

    def cost(self, turn_s):
        """Seconds that it takes, with turns of so many."""
        cells = sum(len(self.present(workers)) for _, workers in self.grid)
        start_s = 0.35 * (gauge.ROUNDS if self.afresh else 1)
        return cells * (start_s + gauge.ROUNDS * gauge.TURNS * (turn_s + 0.04))

    @contextlib.contextmanager
    def sides(self, bench, workers, cpu):
        with contextlib.ExitStack() as stack:
            given = dict(bench.places)
            if self.job == "proxy":
                upstream = stack.enter_context(peers.minimal(bench.tools, "echo", cpu=cpu))
                given["upstream"] = upstream.ports[0]
            found = []
            for name in self.present(workers):
                job = self.jobs.get(name, self.job)
                try:
                    server = stack.enter_context(
                        contenders.ALL[name].start(bench, job, workers, cpu, **given))
                    asked = self.extra + arguments(job, server.ports[0], self.path, self.body_size)
                except (RuntimeError, OSError) as why:
                    if not found:
                        raise
                    if (self.name, name) not in bench.failed:
                        bench.screen.say(f"\nleft out of {self.name}: {why}")
                    bench.failed.add((self.name, name))
                    continue
                found.append((name, server, server.ports[0], asked))
            yield found

    def run(self, bench):
        if len(self.present()) < 2:
            raise peers.Missing("no one to compare with is installed (./dev bench --install)")
        for cores, workers in self.grid:
            cpu = bench.cpu if cores == ONE else None
            lines, facts = gauge.compare(
                bench, f"{self.name}, {cores}, {workers}",
                functools.partial(self.sides, bench, workers, cpu), cores == ONE, self.afresh)
            yield from self.results(cores, workers, lines, facts)
            yield from self.additions(lines)

    def results(self, cores, workers, lines, facts):
        first = next(iter(lines))
        judges_cpu = cores == ONE or ONE not in dict(self.grid)
        judges_rate = cores == ALL and (workers > 1 or len(self.grid) == 1)
        for name, rounds in lines.items():
            figures = {key: statistics.median(line[key] for line in rounds) for key in TIMES}
            figures["errors"] = sum(line["errors"] for line in rounds)
            figures["spread"], memory = facts[name]
            figures["memory_mib"] = memory / (1 << 20)
            if name != first:
                figures.update(ratios(lines[first], rounds))
                figures["target"] = self.targets.get(name) if judges_cpu else None
                figures["rate_target"] = self.rate_targets.get(name) if judges_rate else None
            yield Result(self, cores, workers, name, **figures)

    def additions(self, lines):
        for name, without, target in self.added:
            if name in lines and without in lines:
                more = statistics.median(a["server_us"] - b["server_us"]
                                         for a, b in zip(lines[name], lines[without]))
                yield gauge.Row(f"us that {name} takes beyond {without}", "", more, target)


def both_us(line):
    return line["server_us"] + line["client_us"]


def ratios(ours, its):
    """ours to its, each the median of the rounds; of the processor time also the outermost."""
    pairs = [(a, b) for a, b in zip(ours, its) if b["server_us"] and b["rate"]]
    if not pairs:
        return {}
    found = [a["server_us"] / b["server_us"] for a, b in pairs]
    return {"ratio": statistics.median(found), "ratio_low": min(found), "ratio_high": max(found),
            "ratio_both": statistics.median(both_us(a) / both_us(b) for a, b in pairs),
            "rate_ratio": statistics.median(a["rate"] / b["rate"] for a, b in pairs)}
