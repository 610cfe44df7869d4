#!/usr/bin/env python3
"""Kills dwell at random moments, round after round, and looks whether anything was lost or is left.

Each round has a home of its own: services are brought up and down and the controller stopped and
started, while controller, keeper, load balancer, timer and command line are killed with SIGKILL: by the
clock, or by strace at the Nth system call of a kind (a write, a sync, a clone, a lock …). Then everything
is asked for what must be true: the database is whole, the chain of digests unbroken, the tables what the
log says, every idle period ended once and every deadline fired once (L5), each hook ran once at most for
its event, what was acknowledged is there (L1), the services that were accepted are served, or have gone
because nobody asked for them for `idle_down` (L6), and after `terminate --force`, or `terminate_after`
while nobody looks, no process and no port is left (L7).

In every fifth round a dozen command lines write at once, and those who write for the others are held up,
stopped, killed or refused by the disk meanwhile: what was told yes is in the log once and in its order, and
nothing is in it twice (L1).

    tools/torture/run.py [--rounds N] [--seed N] [--jobs N] [--only line]

It kills only processes whose environment names its own home, and listens on loopback only.
"""

import argparse
import os
import subprocess
import sys
import time

from home import ROOT, Broken
from line import Line
from round import Round


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=500)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    arguments.add_argument("--binary", default=str(ROOT / ".build/debug/dwell"))
    arguments.add_argument("--jobs", type=int, default=1, help="rounds at the same time")
    arguments.add_argument("--only", choices=["line"], help="rounds of this kind only")
    options = arguments.parse_args()
    children = []
    for lane in range(options.jobs):
        child = os.fork() if options.jobs > 1 else 0
        if child == 0:
            work(options, lane)
            os._exit(0)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    sys.exit(1 if failed else 0)


def work(options, lane):
    begun, kills, events, hooks, others, done = time.monotonic(), 0, 0, 0, 0, 0
    for number in range(lane, options.rounds, options.jobs):
        seed = options.seed + number
        if options.only == "line" or seed % 5 == 4:
            this = Line(options.binary, seed)
        else:
            this = Round(options.binary, seed, lane, options.jobs)
        try:
            this.run()
        except (Broken, subprocess.TimeoutExpired, OSError) as failure:
            print(f"round {number + 1}, seed {seed}: {failure}", flush=True)
            try:
                print(this.ask("select position, time, service, replica, event, what from audit_log"))
                for log in this.home.glob("logs/*/controller.log"):
                    print(log.read_text()[-3000:])
            except (Broken, OSError) as also:
                print(also)
            sys.exit(1)
        finally:
            kills += this.kills
            events += this.acknowledged
            hooks += this.hook_runs
            others += this.written_by_others
            this.clean_up()
        done += 1
        if done % 10 == 0:
            print(f"{done} rounds, {kills} kills, {events} events, {hooks} hooks, {others} written by others, "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
    print(f"{done} rounds from seed {options.seed}, {kills} kills, {events} events, {hooks} hooks, "
          f"{others} written by others: nothing lost, nothing left", flush=True)


main()
