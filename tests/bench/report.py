# SPDX-License-Identifier: MIT
"""What a run tells: the table while it goes, the progress line, the CSV, and its summary.

Pure but for the streams it is given: it must not measure. `race.csv` begins with lines "# KEY:
VALUE" of the machine; then come a header and the results.
"""
import csv
import os
import platform
import shutil
import time

COLUMNS = ("work", "cores", "workers", "contender", "rate", "server_us", "client_us", "p50_us",
           "p99_us", "spread", "memory_mib", "errors", "ratio", "ratio_low", "ratio_high",
           "ratio_both", "rate_ratio", "target", "rate_target", "figure", "value", "note")
WIDTH = 100
HEAD = (f"  {'contender':15} {'rate/s':>9} {'us':>8} {'ratio':>6} {'rounds':>11} {'target':>7} "
        f"{'rates':>6} {'p50 ms':>7} {'p99 ms':>7} {'spread':>6} {'MiB':>5}")
LEGEND = """rate/s: answers a second. us: processor time of the server's processes for an answer.
ratio: our us to theirs, the median of the rounds; below 1 ours costs less. rounds: the outermost
ratios. rates: our rate to theirs. spread: variation of the workers' processor time.
!: a target is missed."""


def machine():
    """What the figures hold for, by name."""
    with open("/proc/cpuinfo") as lines:
        cpu = next((line.split(":", 1)[1].strip() for line in lines
                    if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": str(len(os.sched_getaffinity(0))),
            "kernel": f"Linux {platform.release()}", "date": time.strftime("%Y-%m-%d")}


def short(value, width=0, digits=None):
    """Three significant digits, four below 10, or as told; nothing for None."""
    if value in (None, ""):
        return " " * width
    number = float(value)
    digits = digits or (4 if abs(number) < 10 else 3)
    places = max(0, digits - len(str(int(abs(number)))))
    return f"{number:{width},.{places}f}"


def is_beyond(row):
    """Whether a row misses its target."""
    ratio, target, rates, least = (row.get(key) for key in (
        "ratio", "target", "rate_ratio", "rate_target"))
    if row.get("figure"):
        held = ratio if ratio not in (None, "") else row.get("value")
        return target not in (None, "") and float(held) > float(target)
    return (target not in (None, "") and ratio not in (None, "") and float(ratio) > float(target)
            or least not in (None, "") and rates not in (None, "") and float(rates) < float(least))


def is_heading(row, before):
    keys = ("work", "cores", "workers")
    return before is None or any(row.get(key) != before.get(key) for key in keys)


def heading(row, what):
    cores = {"one": "one core", "all": "all cores", None: "", "": ""}[row.get("cores")]
    workers = row.get("workers")
    where = f"{cores}, {workers} worker{'' if str(workers) == '1' else 's'}" if cores else ""
    return f"{row['work']}: {what}".ljust(76) + f"{where:>22}"


def contender_line(row):
    """A row of a race, at most WIDTH columns."""
    rounds = target = ""
    if row.get("ratio") not in (None, ""):
        rounds = f"{short(row['ratio_low'])}-{short(row['ratio_high'])}"
    if row.get("target") not in (None, ""):
        target = f"<={float(row['target']):g}"
    elif row.get("rate_target") not in (None, ""):
        target = f"r>={float(row['rate_target']):g}"
    ms = [None if row.get(key) in (None, "") else float(row[key]) / 1000
          for key in ("p50_us", "p99_us")]
    return (f"  {row['contender']:15.15} {float(row['rate']):9,.0f} {short(row['server_us'], 8)} "
            f"{short(row.get('ratio'), 6)} {rounds:>11} {target:>7} "
            f"{short(row.get('rate_ratio'), 6)} {short(ms[0], 7)} {short(ms[1], 7)} "
            f"{short(row.get('spread'), 6)} {short(row.get('memory_mib'), 5, 3)}").rstrip()


def contender_lines(row):
    yield contender_line(row)
    if float(row.get("errors") or 0):
        yield f"{'':18}{float(row['errors']):.0f} errors"


def figure_lines(row):
    """A figure: its value and target, of whom and what, and how it came."""
    target = row.get("target")
    held = f"<={float(target):g}" if target not in (None, "") else ""
    ratio = f"ratio {short(row['ratio'])}" if row.get("ratio") not in (None, "") else ""
    who = f"{row['contender']}: " if row.get("contender") else ""
    yield f"  {short(row.get('value'), 8)} {ratio:10} {held:>7}  {who}{row['figure']}"[:WIDTH]
    if row.get("note"):
        yield f"{'':31}{row['note']}"[:WIDTH]


class Screen:
    """A table on one stream, coloured on a terminal; progress on another, if that is one."""

    def __init__(self, out, err, environment=os.environ):
        self.out, self.err, self.before = out, err, None
        self.is_coloured = out.isatty() and not environment.get("NO_COLOR")
        self.shows_progress = err.isatty()
        self.left_s = lambda: 0

    def progress(self, what, number=None, most=None):
        if self.shows_progress:
            number = f", round {number} of {most}" if number else ""
            text = f"{what}{number}, {max(0, self.left_s()):.0f} s left"
            width = shutil.get_terminal_size().columns - 1
            self.err.write(f"\r\033[K{text[:width]}")
            self.err.flush()

    def clear(self):
        if self.shows_progress:
            self.err.write("\r\033[K")
            self.err.flush()

    def say(self, text):
        self.clear()
        print(text, file=self.out, flush=True)

    def show(self, row, what):
        if is_heading(row, self.before):
            self.say("\n" + heading(row, what).rstrip())
            if not row.get("figure"):
                self.say(HEAD)
        self.before = row
        colour = ""
        if row.get("target") not in (None, "") or row.get("rate_target") not in (None, ""):
            colour = "\033[31m" if is_beyond(row) else "\033[32m"
        mark = "!" if is_beyond(row) else " "
        for text in figure_lines(row) if row.get("figure") else contender_lines(row):
            text = mark + text[1:]
            self.say(f"{colour}{text}\033[0m" if self.is_coloured and colour else text)
            mark = " "


class Writer:
    """The CSV of one run."""

    def __init__(self, stream, about):
        for key, value in about.items():
            stream.write(f"# {key}: {value}\n")
        self.stream, self.rows = stream, csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
        self.rows.writeheader()

    def add(self, row):
        self.rows.writerow({key: f"{value:.6g}" if isinstance(value, float) else value
                            for key, value in row.items() if value is not None})
        self.stream.flush()


def as_row(work, result):
    """A Result of race.py or a Row of gauge.py as a row of the CSV."""
    row = dict(vars(result), work=work)
    if "title" in row:
        row.update(figure=row.pop("title"), note=row.pop("what"))
    return {key: value for key, value in row.items() if value is not None}


def read(stream):
    """The machine and the rows of a CSV."""
    about, lines = {}, []
    for line in stream:
        if line.startswith("# ") and not lines:
            key, _, value = line[2:].strip().partition(": ")
            about[key] = value
        else:
            lines.append(line)
    rows = list(csv.DictReader(lines))
    if not rows or not set(("work", "contender", "ratio")) <= set(rows[0]):
        raise ValueError("not a CSV of the race")
    return about, rows
