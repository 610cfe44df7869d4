"""One event, made durable; and sixty-four processes that do so at once."""
import json
import os
import subprocess
import time

from measure import Figure, Line, quantile
from proxies import missing


def append(world):
    def measure(services):
        with world.home() as home:
            rounds = json.loads(
                world.run_bench("append", "--home", home.path, "--rounds", world.rounds, "--services", services))
        return (
            Figure([quantile(r["append"], 0.5) for r in rounds], "µs"),
            Figure([quantile(r["bare"], 0.5) for r in rounds], "µs"), rounds)

    dwell, bare, rounds = measure(1)
    worst = quantile([value for r in rounds for value in r["append"]], 0.99)
    growth = [("1 service", dwell)] + [(f"{n} services", measure(n)[0]) for n in (10, 100)]
    growth += [(f"{events:,} events before", _append_after(world, events)) for events in (10_000, 100_000)]
    return [Line(
        "append one event, durable, through the real door", dwell, "4 KiB overwritten + fdatasync", bare, "ratio",
        "≤ 2.0 ×", lambda ratio: ratio <= 2.0, note=f"p99 {worst:.0f} µs", growth=growth)]


def _append_after(world, events):
    """On a log that has so many events already."""
    with world.home() as home:
        world.run_bench("make-history", "--home", home.path, "--events", events)
        rounds = json.loads(world.run_bench("append", "--home", home.path, "--rounds", world.rounds))
    return Figure([quantile(r["append"], 0.5) for r in rounds], "µs")


def appenders(world):
    absent = missing("sqlite3")
    if absent:
        return [Line("64 processes appending at once", missing=absent)]
    rates, worst, lost, failed = [], [], 0, 0
    bare = []
    for _ in range(world.rounds):
        rate, late, gone, failures = _together(world, 64)
        rates.append(rate)
        worst.append(late)
        lost += gone
        failed += failures
        bare.append(_bare(world))
    growth, growth_of_worst = [], []
    for count in (1, 10, 100):
        runs = [_together(world, count) for _ in range(world.rounds)]
        growth.append((f"{count} processes", Figure([run[0] for run in runs], "a second")))
        growth_of_worst.append((f"{count} processes: p99", Figure([run[1] for run in runs], "ms")))
    return [
        Line(
            "64 processes appending at once: acknowledged", Figure(rates, "a second"), "4 KiB overwritten + fdatasync, "
            "one process", Figure(bare, "a second"), "ratio", "≥ 3,000 a second, none lost",
            lambda rate: rate >= 3000 and lost == 0, note=f"{lost} lost, {failed} refused", growth=growth, judged_alone=True),
        Line(
            "64 processes appending at once: p99", Figure(worst, "ms"), target="< 100 ms",
            reaches=lambda value: value < 100, growth=growth_of_worst),
    ]


def _bare(world):
    descriptor = os.open(os.path.join(world.folder, "bare"), os.O_RDWR | os.O_CREAT)
    page = b"x" * 4096
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < 0.5:
        os.pwrite(descriptor, page, 0)
        os.fdatasync(descriptor)
        count += 1
    os.close(descriptor)
    return count / (time.monotonic() - begun)


def _together(world, count, seconds=3):
    """Acknowledged a second, p99 in milliseconds, how many that were acknowledged are not there, and how many were refused."""
    with world.home() as home:
        names = [f"c{number}" for number in range(1, count + 1)]
        for name in names:
            world.run_bench("appender", "--home", home.path, "--controller", name, "--at", 0)
        at = time.time() + 1 + count * 0.03
        processes = [
            subprocess.Popen(
                [world.bench, "appender", "--home", home.path, "--controller", name, "--at", str(at), "--seconds",
                 str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in names]
        results = []
        for process in processes:
            out, problems = process.communicate()
            if process.returncode != 0:
                raise RuntimeError(problems)
            results.append(json.loads(out))
        times = [value for result in results for value in result["microseconds"]]
        failures = [failure for result in results for failure in result["failures"]]
        if failures:
            print(f"bench: {len(failures)} appends failed, the first: {failures[0]}")
        there = set(_positions(home))
        acknowledged = [position for result in results for position in result["positions"]]
        lost = len(acknowledged) - len(set(acknowledged) & there)
        return len(times) / seconds, quantile(times, 0.99) / 1000, lost, len(failures)


def _positions(home):
    done = subprocess.run(
        ["sqlite3", home.database, "select position from events"], capture_output=True, text=True, check=True)
    return map(int, done.stdout.split())
