#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures prefork-srv beside its peers and prints a table; each run of prefork-client
bench goes to a CSV file as well.

Ratios are of the server's processor time for a request, ours to the other's: the median of
interleaved rounds on one CPU that server and client share. Reports each ratio
beyond its target. `make bench` runs it.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True

import crowds  # noqa: E402
import gauge  # noqa: E402
import guests  # noqa: E402
import moves  # noqa: E402
import peers  # noqa: E402
import programs  # noqa: E402
import proxies  # noqa: E402
import ratios  # noqa: E402

MEASURES = {f.__name__: f for f in (ratios.echo, ratios.oneshot, ratios.access, ratios.healthz, ratios.nginx,
                                    ratios.haproxy, crowds.balance, crowds.memory, crowds.slow,
                                    crowds.greedy, moves.recovery, moves.reload, programs.exec,
                                    guests.module, guests.managers, proxies.proxy, proxies.proxy_bulk,
                                    proxies.proxy_memory)}
TOOLS = ("minimal", "crowd", "spread", "answer")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["all"], metavar="MEASUREMENT",
                        help=f"all, or any of: {' '.join(MEASURES)}")
    parser.add_argument("--server", default=os.environ.get("PREFORK_SRV", "build/prefork-srv"),
                        help="the program to measure (build/prefork-srv)")
    parser.add_argument("--client", default="build/prefork-client",
                        help="the program to measure with (build/prefork-client)")
    parser.add_argument("--tools", default="build/tests/bench",
                        help=f"folder of {', '.join(TOOLS)} (build/tests/bench)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each comparison (7)")
    parser.add_argument("--seconds", type=float, default=1.0,
                        help="time of each side in a round (1)")
    parser.add_argument("--csv", type=argparse.FileType("w"), default="bench.csv",
                        help="file of all lines (bench.csv)")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(MEASURES) - {"all"})
    if unknown:
        parser.error(f"{unknown[0]}: no such measurement (all {' '.join(MEASURES)})")
    for path in [args.server, args.client] + [f"{args.tools}/{name}" for name in TOOLS]:
        if not os.access(path, os.X_OK):
            parser.error(f"{path}: not there (make bench builds it)")
    return args


def show(row):
    value, target, verdict = "-", "", ""
    if row.value is not None:
        value = f"{row.value:.3f}" if abs(row.value) < 10 else f"{row.value:.0f}"
        if row.target is not None:
            target = f"<= {row.target:g}"
            verdict = "ok" if row.value <= row.target else "BEYOND"
    remark = f" [{row.remark}]" if row.remark else ""
    print(f"{value:>7} {target:>8} {verdict:6}  {row.title}{remark}")
    print(f"{'':26}{row.what}", flush=True)


def main():
    args = read_arguments()
    bench = gauge.Bench(args)
    print(f"{'result':>7} {'target':>8} {'':6}  what (us: the server's processor time for a "
          f"request; {args.rounds} rounds of {args.seconds:g} s)")
    for name, measure in MEASURES.items():
        if "all" not in args.names and name not in args.names:
            continue
        bench.cpu = gauge.quietest_cpu()
        try:
            for row in measure(bench):
                show(row)
        except peers.Missing as missing:
            print(f"{'-':>7} {'':15}  {name}: left out: {missing}", flush=True)
    args.csv.close()


if __name__ == "__main__":
    main()
