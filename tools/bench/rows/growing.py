"""What must not follow the length of the log; and a fleet's day."""
import glob
import json
import os
import shutil
import subprocess
import time

from measure import Figure, Line
from world import running

# Events, controllers, services of each.
_SIZES = {
    "1,000 events": (1_000, 8, 10), "10,000 events": (10_000, 80, 10), "100,000 events": (100_000, 800, 10),
    "1,000,000 events": (1_000_000, 10_000, 10)}
# The log is kept, and its deadlines are to be ahead whenever it is used again. Seconds.
_IN_TEN_YEARS = 315_360_000


def restart(world):
    figures = {}
    with world.home() as _:
        for name, (events, controllers, services) in _SIZES.items():
            kept = world.kept(
                f"fleet-{events}", lambda path: world.run_bench(
                    "make-fleet", "--home", path, "--controllers", controllers, "--services", services, "--events",
                    events, "--idle", _IN_TEN_YEARS))
            with world.home() as home:
                shutil.copytree(kept, home.path)
                os.chmod(home.path, 0o700)
                for path in glob.glob(home.path + "/*"):
                    subprocess.run(["sync", path], check=False)
                try:
                    figures[name] = Figure([_until_armed(world, home) for _ in range(max(world.rounds, 10))], "s")
                finally:
                    # Nothing of it is to be brought back by the commands that end a home.
                    os.remove(home.database)
    big, small = figures["1,000,000 events"], figures["1,000 events"]
    return [Line(
        "restart of a controller until its deadline is armed, 1,000,000 events, 10,000 controllers, 100,000 services, "
        "10,000 deadlines in the log", big, "the same with 1,000 events", small, "ratio", "≤ 1.5 ×",
        lambda ratio: ratio <= 1.5, growth=list(figures.items()))]


def _until_armed(world, home):
    """From the start of a controller's process to its timer set for its idle deadline."""
    begun = time.perf_counter()
    with running([world.dwell, "controller", "run", "c1"], home.environment) as process:
        folder = f"/proc/{process.pid}"
        timer = None
        while True:
            if time.perf_counter() - begun > 60:
                raise RuntimeError("its deadline was not armed within a minute")
            try:
                if timer is None:
                    for name in os.listdir(folder + "/fd"):
                        if os.readlink(f"{folder}/fd/{name}") == "anon_inode:[timerfd]":
                            with open(f"{folder}/fdinfo/{name}", encoding="utf-8") as file:
                                # The clock of boot, which nobody but the alarm uses.
                                if "clockid: 7" in file.read():
                                    timer = f"{folder}/fdinfo/{name}"
                else:
                    with open(timer, encoding="utf-8") as file:
                        text = file.read()
                    if "it_value: (0, 0)" not in text:
                        return time.perf_counter() - begun
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError("the controller's process ended") from None
            time.sleep(0.0002)


def fleet(world):
    seconds, memory, growth, live = [], [], [], []
    note = ""
    for controllers in (1_000, 10_000, 100_000):
        times, peaks = [], []
        for seed in range(1, world.rounds + 1):
            got = json.loads(world.run_bench("fleet-day", "--controllers", controllers, "--seed", seed))
            times.append(got["seconds"])
            peaks.append(got["peakKiB"] / 1024)
            note = f"{got['commands']:,} commands, {got['events']:,} events, {got['deadlines']:,} deadlines met"
        growth += [
            (f"{controllers:,} controllers", Figure(times, "s")),
            (f"{controllers:,} controllers, peak memory", Figure(peaks, "MiB"))]
        live.append(statistics_median(peaks))
        seconds, memory = times, peaks
    per = [live[2] / 100_000, live[1] / 10_000]
    return [
        Line(
            "a day of 100,000 controllers by the rules alone", Figure(seconds, "s"), target="≤ 60 s",
            reaches=lambda value: value <= 60, note=note, growth=growth),
        Line(
            "its memory, for each controller", Figure([peak * 1024 / 100_000 for peak in memory], "KiB"),
            "10,000 controllers", Figure([per[1] * 1024] * len(memory), "KiB"), "ratio", "linear: ≤ 1.1 ×",
            lambda ratio: ratio <= 1.1)]


def statistics_median(values):
    return sorted(values)[len(values) // 2]
