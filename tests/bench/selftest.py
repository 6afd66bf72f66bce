#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of what the race computes without measuring: ratios, table, CSV, plot, division of time."""
import io
import os
import sys
import unittest
from types import SimpleNamespace

sys.dont_write_bytecode = True

import contenders  # noqa: E402
import plot  # noqa: E402
import race  # noqa: E402
import report  # noqa: E402
import run  # noqa: E402
import works  # noqa: E402

ABOUT = {"cpu": "Some CPU", "cores": "2", "kernel": "Linux 1", "date": "2026-01-02"}


def line(server_us, rate=1000.0):
    return {"server_us": server_us, "client_us": 1.0, "rate": rate, "errors": 2.0,
            "p50_us": 250.0, "p99_us": 1234567.0}


def some_rows():
    """Rows of one race on one core: ours needs 3, nginx 4, the floor 2."""
    lines = {"prefork-srv": [line(3.0)] * 3, "nginx": [line(4.0), line(4.0), line(1.0)],
             "minimal": [line(2.0, 2000.0)] * 3}
    facts = {name: (0.5, 99 << 20) for name in lines}
    row = race.Race("keepalive", "tiny", "tiny", ((race.ONE, 1),), tuple(lines),
                    targets={"nginx": 0.75, "minimal": 1.05})
    return [report.as_row("keepalive", result)
            for result in row.results(race.ONE, 1, lines, facts)]


def written(rows):
    stream = io.StringIO(newline="")
    writer = report.Writer(stream, ABOUT)
    for row in rows:
        writer.add(row)
    return stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Ratios(unittest.TestCase):
    def test_ratios__are_medians_of_rounds(self):
        rows = {row["contender"]: row for row in some_rows()}
        self.assertEqual(rows["nginx"]["ratio"], 0.75)
        self.assertEqual((rows["nginx"]["ratio_low"], rows["nginx"]["ratio_high"]), (0.75, 3.0))
        self.assertEqual(rows["minimal"]["rate_ratio"], 0.5)
        self.assertNotIn("ratio", rows["prefork-srv"])

    def test_ratios__of_one_that_answered_nothing__are_none(self):
        self.assertEqual(race.ratios([line(3.0)], [line(0.0, 0.0)]), {})

    def test_beyond__is_what_misses_a_target(self):
        beyond = [row["contender"] for row in some_rows() if report.is_beyond(row)]
        self.assertEqual(beyond, ["minimal"])
        self.assertTrue(report.is_beyond({"rate_ratio": 0.9, "rate_target": 1.0}))
        self.assertFalse(report.is_beyond({"figure": "f", "value": 700, "ratio": 0.3,
                                           "target": 0.5}))
        self.assertTrue(report.is_beyond({"figure": "f", "value": "12", "target": "10"}))


class Reports(unittest.TestCase):
    def test_csv__read_again__is_the_same(self):
        about, rows = report.read(io.StringIO(written(some_rows())))
        self.assertEqual(about, ABOUT)
        self.assertEqual([row["contender"] for row in rows], ["prefork-srv", "nginx", "minimal"])
        self.assertEqual(float(rows[1]["ratio"]), 0.75)

    def test_csv__of_another_kind__is_refused(self):
        for text in ("", "a,b\n1,2\n"):
            with self.assertRaises(ValueError):
                report.read(io.StringIO(text))

    def shown(self, out, environment):
        screen = report.Screen(out, io.StringIO(), environment)
        figure = {"work": "reload", "figure": "f" * 90, "note": "n" * 90, "value": 1.0}
        for row in some_rows() + [figure]:
            screen.show(row, "what it is")
        return out.getvalue()

    def test_table__fits_100_columns(self):
        text = self.shown(io.StringIO(), {})
        self.assertIn("nginx", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_colours__are_of_terminals_without_NO_COLOR(self):
        self.assertIn("\033[31m", self.shown(Terminal(), {}))
        self.assertNotIn("\033", self.shown(Terminal(), {"NO_COLOR": "1"}))
        self.assertNotIn("\033", self.shown(io.StringIO(), {}))

    def test_progress__is_of_terminals(self):
        for err, is_told in ((Terminal(), True), (io.StringIO(), False)):
            report.Screen(io.StringIO(), err, {}).progress("echo_64", 1, 5)
            self.assertEqual("echo_64, round 1 of 5" in err.getvalue(), is_told)


class Plot(unittest.TestCase):
    def test_script__has_the_ratios_the_machine_and_the_date(self):
        about, rows = report.read(io.StringIO(written(some_rows())))
        text = plot.script(about, rows, "race.svg")
        for part in ("Some CPU", "2026-01-02", "'tiny answer, keep-alive' 0", "title 'nginx'"):
            self.assertIn(part, text)
        self.assertRegex(text, r"(?m)^0\.75 [\d.-]+$")
        self.assertEqual(text.count("\ne\n"), 2)

    def test_script__without_ratios__is_refused(self):
        with self.assertRaises(ValueError):
            plot.script(ABOUT, [], "race.svg")

    def test_markdown__has_a_column_for_each_peer(self):
        lines = list(plot.markdown(report.read(io.StringIO(written(some_rows())))[1]))
        self.assertEqual(lines[0], "| ours to | minimal | nginx |")
        self.assertEqual(lines[2], "| tiny answer, keep-alive | 1.50 | 0.75 |")


class Tables(unittest.TestCase):
    def test_works__name_contenders_that_can_do_their_job(self):
        for work in works.WORKS:
            for name in work.names:
                self.assertIn(work.jobs.get(name, work.job), contenders.ALL[name].jobs, work.name)
                self.assertIn(work.job, contenders.JOBS)

    def test_plotted_works_and_peers__are_rows(self):
        self.assertLessEqual(set(plot.NAMES), set(works.BY_NAME))
        self.assertLessEqual(set(plot.PEERS), set(contenders.ALL))

    def test_names__are_their_own(self):
        self.assertEqual(len(works.BY_NAME), len(works.WORKS))
        self.assertEqual(len(contenders.ALL), len(contenders.ROWS))


class Time(unittest.TestCase):
    def test_budget__is_divided_among_the_works_left(self):
        chosen = [SimpleNamespace(cost=lambda turn_s: 10 + 100 * turn_s)] * 2
        self.assertAlmostEqual(run.Budget(60, chosen).turn_s(0), 0.2, 2)
        self.assertAlmostEqual(run.Budget(60, chosen).turn_s(1), run.TURN_S[1], 2)
        self.assertEqual(run.Budget(21, chosen).turn_s(0), 0)

    def test_budget__after_slow_works__leaves_more_time(self):
        chosen = [SimpleNamespace(cost=lambda turn_s: 10 + 100 * turn_s)] * 2
        budget = run.Budget(60, chosen)
        self.assertAlmostEqual(budget.turn_s(0), 0.2, 2)  # that is 30 s
        budget.began -= 45
        budget.end -= 15  # 45 s are left
        self.assertAlmostEqual(budget.turn_s(1), 0.2, 2)  # 30 s more will be 45


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    unittest.main()
