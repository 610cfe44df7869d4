#!/usr/bin/env python3
"""A day in minutes: services come and go without a pause, and what stays must not grow.

    tools/load/soak.py [--minutes 20] [--write]

Two controllers of one home. `local` is never killed: services are brought up, updated, asked for and taken down
on it, their replicas and load balancers are killed, while one service stays and is asked for all the time. What
is looked at is its controller process, its keeper and the load balancer of the service that stays: their memory
(what is their own, and not pages of the program, which come and go) and descriptors, every few seconds. `other`
has an idle window of a fraction of a second, is stopped, started and killed; it is there to write into the same
log. Fails when a request to the service that stays fails, when memory grows over the second half by more than
GROWTH, or a descriptor is left for good.
"""

import argparse
import os
import random
import signal
import statistics
import threading
import time

from home import ROOT, Home, build, descriptors, machine, memory_kib, write_section
from load import Clients

# What a process may grow by in the second half, as a straight line through it says: per cent, and KiB besides.
GROWTH_PERCENT, GROWTH_KIB = 4, 768


def slope(points):
    """KiB a second."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return statistics.linear_regression(xs, ys).slope if len(points) > 2 else 0.0


class Soak:
    def __init__(self, binary, minutes):
        self.home = Home(binary)
        self.until = time.monotonic() + 60 * minutes
        self.random = random.Random(1)
        self.rounds = {"local": 0, "other": 0}
        self.samples = {}
        self.kills = 0
        self.problems = []

    def killed(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills += 1
            except ProcessLookupError:
                pass

    def guarded(self, work):
        try:
            work()
        except (Exception, SystemExit) as failure:
            self.problems.append(f"{failure}")
            self.until = 0

    def on_local(self):
        """Comes, is changed, suffers, goes."""
        home, names = self.home, ["a", "b", "c"]
        while time.monotonic() < self.until:
            name = self.random.choice(names)
            file = home.service(name, self.random.randint(1, 2))
            home.dwell("up", file)
            if self.random.random() < 0.3:
                home.dwell("update", name, file, "--env", f"ROUND={self.rounds['local']}")
            if self.random.random() < 0.3:
                handles = home.ask(f"select handle from replicas where service = '{name}' and handle is not null limit 1")
                self.killed(int(handle.split(":")[1]) for handle, in handles)
            if self.random.random() < 0.2:
                handles = home.ask(f"select load_balancer from services where name = '{name}' and load_balancer is not null")
                self.killed(int(handle.split(":")[1]) for handle, in handles)
            home.dwell("down", name)
            self.rounds["local"] += 1

    def on_other(self):
        home = self.home
        file = home.service("short", 1)
        home.dwell("start", "other")
        home.dwell("autostop", "other", "--idle", "0.3s")
        while time.monotonic() < self.until:
            home.dwell("up", file, "--controller", "other")
            if self.random.random() < 0.3:
                self.killed([home.controller("other")])
            home.dwell("down", "short", "--controller", "other")
            home.until("it stops itself", "select count(*) from controllers where name = 'other' and status = 'STOPPED'", 60)
            self.rounds["other"] += 1

    def sample(self, watched):
        for name, pid in watched.items():
            self.samples[name].append((time.monotonic(), memory_kib(pid, "Anonymous"), descriptors(pid)))

    def run(self):
        home = self.home
        try:
            home.dwell("up", home.service("stays", 2))
            home.dwell("autostop", "local", "--cancel")
            balancer = int(home.one("select load_balancer from services where name = 'stays'").split(":")[1])
            watched = {
                "controller": home.controller(), "keeper": home.processes("dwell-keep-loca")[0], "load balancer": balancer}
            self.samples = {name: [] for name in watched}
            clients = Clients(home.ask("select port from services where name = 'stays'")[0], count=2)
            threads = [threading.Thread(target=self.guarded, args=(work,)) for work in (self.on_local, self.on_other)]
            for thread in threads:
                thread.start()
            while time.monotonic() < self.until:
                time.sleep(2)
                self.sample(watched)
            for thread in threads:
                thread.join()
            clients.stop()
            if clients.failed:
                self.problems.append(f"{len(clients.failed)} requests failed: {clients.failed[:5]}")
            if home.controller() != watched["controller"]:
                self.problems.append("the controller process is another than at the beginning")
            home.dwell("verify")
            self.answered, self.events = clients.answered, home.one("select count(*) from events")
            return self.table()
        finally:
            home.dwell("terminate", "other", "--force", check=False)
            home.clean_up()

    def table(self):
        lines = ["| process | own memory after a quarter | half | three quarters | at the end | slope over the second half | descriptors, most in the first half | in the second |",
                 "|---|---|---|---|---|---|---|---|"]
        for name, samples in self.samples.items():
            half = len(samples) // 2
            first, second = samples[:half], samples[half:]
            if not first or not second:
                self.problems.append("too short to tell anything")
                continue
            at = [samples[min(len(samples) - 1, round(len(samples) * part))][1] / 1024 for part in (0.25, 0.5, 0.75, 1)]
            grown = slope([(x, y) for x, y, _ in second]) * (second[-1][0] - second[0][0])
            percent = 100 * grown / statistics.mean(y for _, y, _ in second)
            most = [max(n for _, _, n in part) for part in (first, second)]
            lines.append(
                f"| {name} | " + " | ".join(f"{mib:.1f} MiB" for mib in at)
                + f" | {grown:+.0f} KiB ({percent:+.1f} %) | {most[0]} | {most[1]} |")
            if percent > GROWTH_PERCENT and grown > GROWTH_KIB:
                self.problems.append(f"the {name} grows: {grown:.0f} KiB in the second half")
            # What is at work at the moment holds some; what is at rest must not hold more and more.
            least = [min(n for _, _, n in part) for part in (first, second)]
            if least[1] > least[0] + 4:
                self.problems.append(f"the {name} keeps descriptors: {least[0]} at least in the first half, {least[1]} then")
        return lines


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=20)
    arguments.add_argument("--binary", default=str(ROOT / ".build/release/dwell"))
    arguments.add_argument("--write", action="store_true", help="write the figures into docs/load.md")
    options = arguments.parse_args()
    soak = Soak(options.binary, options.minutes)
    lines = soak.run()
    told = (f"{options.minutes:g} minutes: {soak.rounds['local']} services up and down on one controller process, "
            f"{soak.rounds['other']} idle stops and starts of another, {soak.kills} kills, {soak.events:,} events, "
            f"{soak.answered:,} requests to the service that stays, all answered.")
    print(told + "\n" + "\n".join(lines), flush=True)
    if soak.problems:
        raise SystemExit("\n".join(soak.problems))
    if options.write:
        write_section("soak", [f"Written by `tools/load/soak.py` on {machine()}, with the {build(options.binary)} build.", "", told, "", *lines])


main()
