#!/usr/bin/env python3
"""How long the sqlite3 shell takes for each view and each question of the cookbook, in a log that is only read.

time.py DATABASE [--rounds N]: medians in milliseconds, without what the shell takes to start.
"""
import argparse
import os
import statistics
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# The view, its column of controllers, and its column of times.
VIEWS = [
    ("audit_log", "controller", "time"), ("idle_periods", "controller", "began"),
    ("controller_uptime", "controller", "started"), ("service_uptime", "controller", "ready"),
    ("starts", "controller", "asked"), ("pending_deadlines", "controller", None), ("controllers", "name", None),
    ("services", "controller", None), ("replicas", "controller", None),
]


class Shell:
    def __init__(self, database, rounds):
        self.database, self.rounds, self.start = database, rounds, 0
        self.start = self.milliseconds("SELECT 1")

    def answer(self, sql):
        done = subprocess.run(
            ["sqlite3", "-readonly", "-bail", self.database], input=sql, capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            raise SystemExit(f"time.py: {sql.strip()[:80]}: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def milliseconds(self, sql):
        taken = []
        for _ in range(self.rounds):
            begun = time.monotonic()
            self.answer(sql)
            taken.append((time.monotonic() - begun) * 1000)
        return max(0, statistics.median(taken) - self.start)


def night(shell):
    """The last night but one, from six in the evening to eight in the morning, as local time."""
    return shell.answer(
        "SELECT strftime('%Y-%m-%d 18:00', max(at_us) / 1e6, 'unixepoch', 'localtime', '-2 days') FROM events;"
        "SELECT strftime('%Y-%m-%d 08:00', max(at_us) / 1e6, 'unixepoch', 'localtime', '-1 days') FROM events;")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("database")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    shell = Shell(arguments.database, arguments.rounds)
    events, controller = shell.answer("SELECT count(*) FROM events; SELECT min(stream) FROM events;")
    begin, end = night(shell)
    print(f"{int(events):,} events; milliseconds, the middle of {arguments.rounds}\n")
    print(f"| view | first 20 | of {controller} | a night | of {controller}, a night | all of it | rows |\n|---|---|---|---|---|---|---|")
    for view, column, moment in VIEWS:
        whose = f"{column} = '{controller}'"
        when = f"{moment} >= '{begin}' AND {moment} < '{end}'" if moment else None
        if view == "audit_log":
            by_index = " AND ".join(f"at_us {sign} unixepoch('{text}', 'utc') * 1000000"
                                    for sign, text in ((">=", begin), ("<", end)))
        asked = [
            f"SELECT * FROM {view} LIMIT 20", f"SELECT * FROM {view} WHERE {whose}",
            when and f"SELECT * FROM {view} WHERE {by_index if view == 'audit_log' else when}",
            when and f"SELECT * FROM {view} WHERE {whose} AND {when}", f"SELECT * FROM {view}",
        ]
        figures = [f"{shell.milliseconds(sql):.0f}" if sql else "-" for sql in asked]
        rows = shell.answer(f"SELECT count(*) FROM {view}")[0]
        print(f"| `{view}` | " + " | ".join(figures) + f" | {int(rows):,} |", flush=True)
    print("\n| question | milliseconds |\n|---|---|")
    for name in sorted(name for name in os.listdir(HERE) if name.endswith(".sql")):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            print(f"| `{name}` | {shell.milliseconds(file.read()):.0f} |", flush=True)


if __name__ == "__main__":
    main()
