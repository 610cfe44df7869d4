#!/usr/bin/env python3
"""Many services on one controller: how long it takes, what it uses, and whether that grows in proportion.

    tools/load/load.py [--services 30,100,300] [--write]

For each size: services of three or four replicas (1,000 replicas at 300) are brought up with `up --detach`,
awaited, measured at rest, asked for while the controller process is killed every second, and taken down.
Fails when a request fails, when something is left, or when the cost of an event grows by more than the number of
services does. With --write the figures go into docs/load.md.
"""

import argparse
import http.client
import os
import random
import signal
import statistics
import threading
import time

from home import ROOT, Home, build, cpu_seconds, descriptors, machine, memory_kib, write_section


def replicas_of(number):
    return 4 if number % 3 == 0 else 3


class Clients:
    """Ask one service after the other, one connection a request, and count what is not answered."""

    def __init__(self, ports, count=4):
        self.ports, self.answered, self.failed = ports, 0, []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, seed):
        choice = random.Random(seed)
        while not self.over.wait(0.01):
            port = choice.choice(self.ports)
            problem = None
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("GET", "/")
                answer = connection.getresponse()
                if answer.status != 200 or answer.read() != b"ok":
                    problem = f"{port}: HTTP {answer.status}"
                connection.close()
            except OSError as failure:
                problem = f"{port}: {failure}"
            with self.lock:
                if problem:
                    self.failed.append(problem)
                else:
                    self.answered += 1

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


def measure(binary, services, rest_seconds, kill_seconds):
    home = Home(binary)
    figures = {"services": services}
    try:
        files = [home.service(f"s{n:03}", replicas_of(n)) for n in range(services)]
        figures["replicas"] = sum(replicas_of(n) for n in range(services))
        home.dwell("start", "local")
        begun, ups = time.monotonic(), []
        for file in files:
            before = time.monotonic()
            home.dwell("up", file, "--detach")
            ups.append(time.monotonic() - before)
        figures["up_ms"] = 1000 * statistics.median(ups)
        figures["up_slowest_ms"] = 1000 * max(ups)
        home.until("all READY", f"select count(*) = {figures['replicas']} from replicas where status = 'READY'")
        home.until("all services READY", f"select count(*) = {services} from services where status = 'READY'")
        figures["ready_s"] = time.monotonic() - begun
        figures["events"] = home.one("select count(*) from events")
        figures["event_rate"] = figures["events"] / figures["ready_s"]

        controller, keepers, balancers = home.controller(), home.processes("dwell-keep"), home.processes("dwell-lb")
        own = [controller, *keepers, *balancers]
        figures["up_cpu_ms"] = 1000 * cpu_seconds(own) / figures["events"]
        figures["controller_cpu_s"] = cpu_seconds([controller])
        time.sleep(5)
        before_all, before = cpu_seconds(own), cpu_seconds([controller])
        time.sleep(rest_seconds)
        figures["rest_cpu"] = 100 * (cpu_seconds(own) - before_all) / rest_seconds
        figures["rest_controller_cpu"] = 100 * (cpu_seconds([controller]) - before) / rest_seconds
        figures["controller_mib"] = memory_kib(controller, "Rss") / 1024
        figures["controller_fds"] = descriptors(controller)
        figures["balancer_mib"] = statistics.median(memory_kib(pid) for pid in balancers) / 1024
        figures["own_mib"] = sum(memory_kib(pid) for pid in own) / 1024
        latencies = []
        for _ in range(15):
            before = time.monotonic()
            home.dwell("status")
            latencies.append(1000 * (time.monotonic() - before))
        figures["status_ms"], figures["status_slowest_ms"] = statistics.median(latencies), max(latencies)

        clients = Clients([port for port, in home.ask("select port from services")])
        kills, over = 0, time.monotonic() + kill_seconds
        latest = None
        while time.monotonic() < over:
            time.sleep(1)
            pid = home.controller()
            try:
                os.kill(pid, signal.SIGKILL)
                kills += pid != latest
                latest = pid
            except ProcessLookupError:
                pass
        clients.stop()
        figures.update(kills=kills, answered=clients.answered, failed=clients.failed)

        begun = time.monotonic()
        home.dwell("down", "--all", check=False)
        home.until("all gone", "select count(*) = 0 from services")
        figures["down_s"] = time.monotonic() - begun
        home.dwell("verify")
        home.dwell("terminate", "local")
        limit = time.monotonic() + 10
        while home.processes() and time.monotonic() < limit:
            time.sleep(0.05)
        figures["left"] = len(home.processes())
        return figures
    finally:
        home.clean_up()


ROWS = [
    ("replicas", "replicas", "{:,.0f}"),
    ("`up --detach`, median (slowest)", "up_ms", "{:.0f} ms ({up_slowest_ms:.0f})"),
    ("from the first `up` until all are READY", "ready_s", "{:.1f} s"),
    ("events until then (each second)", "events", "{:,.0f} ({event_rate:.0f})"),
    ("CPU of controller, keeper and load balancers, for each event", "up_cpu_ms", "{:.1f} ms"),
    ("memory of the controller process", "controller_mib", "{:.0f} MiB"),
    ("memory of one load balancer, its own share", "balancer_mib", "{:.1f} MiB"),
    ("memory of controller, keeper and all load balancers", "own_mib", "{:,.0f} MiB"),
    ("descriptors of the controller process", "controller_fds", "{:,.0f}"),
    ("CPU at rest, all of them (the controller)", "rest_cpu", "{:.1f} % ({rest_controller_cpu:.1f} %) of one core"),
    ("`status`, median (slowest)", "status_ms", "{:.0f} ms ({status_slowest_ms:.0f})"),
    ("kills of the controller process under load", "kills", "{:.0f}"),
    ("requests answered meanwhile (not answered)", "answered", "{:,.0f} ({failures})"),
    ("`down --all`, until all are gone", "down_s", "{:.1f} s"),
]


def table(all_figures):
    lines = ["| services | " + " | ".join(str(f["services"]) for f in all_figures) + " |", "|---|" + "---|" * len(all_figures)]
    for title, key, form in ROWS:
        cells = [form.format(f[key], failures=len(f["failed"]), **f) for f in all_figures]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--services", default="30,100,300")
    arguments.add_argument("--binary", default=str(ROOT / ".build/release/dwell"))
    arguments.add_argument("--rest", type=int, default=20, help="seconds at rest")
    arguments.add_argument("--kills", type=int, default=30, help="seconds of kills")
    arguments.add_argument("--write", action="store_true", help="write the figures into docs/load.md")
    options = arguments.parse_args()
    all_figures = []
    for services in [int(n) for n in options.services.split(",")]:
        all_figures.append(measure(options.binary, services, options.rest, options.kills))
        print("\n".join(table(all_figures[-1:])), flush=True)
        print(all_figures[-1]["failed"][:5], all_figures[-1]["left"], flush=True)
    if options.write:
        write_section("load", [f"Written by `tools/load/load.py` on {machine()}, with the {build(options.binary)} build.", "", *table(all_figures)])
    problems = []
    for figures in all_figures:
        if figures["failed"]:
            problems.append(f"{figures['services']} services: {len(figures['failed'])} requests failed: {figures['failed'][:5]}")
        if figures["left"]:
            problems.append(f"{figures['services']} services: {figures['left']} processes are left")
    least, most = all_figures[0], all_figures[-1]
    if most["up_cpu_ms"] * least["services"] > least["up_cpu_ms"] * most["services"]:
        problems.append("the cost of an event grows by more than the number of services does")
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()
