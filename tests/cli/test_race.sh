#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The command line of the race, tests/bench/run.py, and what it computes. Nothing is measured here.
set -uo pipefail

command -v python3 > /dev/null || { echo '1..0 # SKIP python3 is missing'; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bench=$TOP_SRCDIR/tests/bench
cd "$folder" || exit 1

# shellcheck source-path=SCRIPTDIR source=../report.sh
. "$TOP_SRCDIR/tests/report.sh"

echo 1..5
python3 "$bench/run.py" --list > said 2>&1 && grep -q '^  echo_64 ' said && grep -q '^  nginx ' said
report list__names_works_and_contenders $? said

python3 "$bench/run.py" echo_64 nonsense > said 2>&1
test $? -eq 64 && grep -qx 'bench: nonsense: no such work; there are:' said && grep -qx '  echo_64' said
report unknown_work__is_refused_with_the_list $? said

python3 "$bench/run.py" --packages > said 2>&1 && grep -qx nginx-light said && ! grep -vqx '[a-z0-9-]*' said
report packages__are_names_of_packages $? said

printf 'a,b\n1,2\n' > other.csv
python3 "$bench/plot.py" other.csv race.svg > said 2>&1
test $? -eq 1 && grep -qx 'plot: other.csv: not a CSV of the race' said && test ! -e race.svg
report plot__of_another_csv__is_refused $? said

python3 "$bench/selftest.py" > said 2>&1
report ratios_table_csv_plot_and_budget__are_right $? said
exit "$bad"
