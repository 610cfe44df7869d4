#!/usr/bin/env python3
"""Real controllers on clocks that jump, drift, sleep and change their zone: none stops early, none is missed.

wallclock.c, loaded into every process of a home, moves its wall clock while it runs; a time namespace moves the boot
clock, as a machine that slept does. The time that counts is this script's own monotonic clock.

    tools/torture/clocks.py [--binary PATH] [--only WORD]
"""

import argparse
import atexit
import calendar
import glob
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WINDOW = 4.0
# How much later than its deadline a stop may be seen here: the machine may be busy.
SLACK = 6.0
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1") + glob.glob("/usr/lib*/faketime/libfaketime.so.1")


class Broken(Exception):
    pass


class Home:
    def __init__(self, binary, library):
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dwell-clocks-"))
        self.home = self.folder / "home"
        self.home.mkdir(mode=0o700)
        self.clock = self.folder / "clock"
        self.environment = dict(os.environ, DWELL_HOME=str(self.home))
        self.clock.write_bytes(bytes(24))
        if library:
            self.environment.update(LD_PRELOAD=str(library), WALLCLOCK=str(self.clock))

    def set(self, seconds=0.0, parts_per_million=0):
        """The wall clock is so many seconds on from now, and goes so much faster."""
        # In place: the programs have it mapped.
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("qqq", int(seconds * 1e6), int(time.time() * 1e6), parts_per_million))

    def dwell(self, *arguments, under=(), **more):
        result = subprocess.run([*under, self.binary, *arguments], env=dict(self.environment, **more),
                                capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise Broken(f"dwell {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def ask(self, sql):
        return subprocess.run(["sqlite3", "-readonly", "-cmd", ".timeout 10000", str(self.home / "dwell.db"), sql],
                              capture_output=True, text=True, check=True).stdout.strip()

    def processes(self):
        mark, found = f"DWELL_HOME={self.home}".encode(), []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(int(entry))
            except OSError:
                pass
        return found

    def kill_all(self):
        while victims := self.processes():
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def begin_idling(self):
        self.dwell("start", "local")
        self.dwell("autostop", "local", "--idle", f"{WINDOW}s")
        return time.monotonic()

    def expect_stop(self, begun, after=WINDOW):
        """It stops `after` seconds after `begun`, not sooner and not much later."""
        while self.ask("select status from controllers") not in ("STOPPED", "STOPPING"):
            if time.monotonic() - begun > after + SLACK:
                raise Broken(f"it has not stopped {after + SLACK:.0f} s after it became idle")
            time.sleep(0.05)
        took = time.monotonic() - begun
        # What passed between the command's commit and its return is not seen here.
        if took < after - 0.8:
            raise Broken(f"it stopped after {took:.2f} s of {after} s")
        how = self.ask("select how from idle_periods order by began_position desc limit 1")
        if how != "stopped by deadline":
            raise Broken(f"it was {how}")
        return took

    def clean_up(self):
        self.kill_all()
        shutil.rmtree(self.folder, ignore_errors=True)


def jump(seconds):
    def run(home):
        begun = home.begin_idling()
        time.sleep(1)
        home.set(seconds)
        return home.expect_stop(begun)
    return run


def drift(parts_per_million):
    def run(home):
        home.set(parts_per_million=parts_per_million)
        return home.expect_stop(home.begin_idling())
    return run


def zones(home):
    """A change of the zone, or of summer time, is no change of time."""
    home.dwell("start", "local", TZ="Pacific/Kiritimati")
    home.dwell("autostop", "local", "--idle", f"{WINDOW}s", TZ="Pacific/Pago_Pago")
    begun = time.monotonic()
    home.dwell("status", TZ="America/New_York")
    return home.expect_stop(begun)


def summer_time(home):
    """Over the hour that is there twice: 2026-10-25 02:59:58 in Berlin."""
    home.environment["TZ"] = "Europe/Berlin"
    home.set(calendar.timegm((2026, 10, 25, 0, 59, 57)) - time.time())
    return home.expect_stop(home.begin_idling())


def faked(how):
    """Every process under libfaketime, which moves the boot clock and its timers as well: dwell asks the kernel."""
    def run(home):
        home.environment.update(LD_PRELOAD=FAKETIME[0], FAKETIME=how)
        return home.expect_stop(home.begin_idling())
    return run


def crash_and_jump(home):
    """Killed while idle, the clock set on by an hour, started again on the same boot: it goes on where it was."""
    begun = home.begin_idling()
    home.kill_all()
    home.set(3600)
    home.dwell("status")
    return home.expect_stop(begun)


def kept_clock(seconds):
    """Idle without a deadline while the clock is set; then it gets one that counts from when it became idle."""
    def run(home):
        home.dwell("start", "local")
        begun = time.monotonic()
        home.dwell("autostop", "local", "--cancel")
        time.sleep(1)
        home.set(seconds)
        home.dwell("autostop", "local", "--idle", f"{WINDOW}s", "--keep-clock")
        return home.expect_stop(begun)
    return run


def kept_clock_of_one_that_is_stopped(home):
    """It may stay stopped for as long as is said now, counted from its stop."""
    home.dwell("start", "local")
    home.dwell("stop", "local")
    begun = time.monotonic()
    time.sleep(1)
    home.set(2 * 86400)
    home.dwell("autostop", "local", "--terminate-after", f"{WINDOW}s", "--keep-clock")
    while home.ask("select status from controllers") != "TERMINATED":
        if time.monotonic() - begun > WINDOW + SLACK:
            raise Broken(f"it has not been terminated {WINDOW + SLACK:.0f} s after its stop")
        time.sleep(0.05)
    took = time.monotonic() - begun
    if took < WINDOW - 0.8:
        raise Broken(f"it was terminated after {took:.2f} s of {WINDOW} s")
    return took


def suspend(home):
    """The machine slept for a day: the boot clock says so, and what is overdue stops at once and says how late."""
    home.dwell("start", "local")
    home.dwell("autostop", "local", "--idle", "1h")
    home.kill_all()
    begun = time.monotonic()
    home.dwell("status", under=("unshare", "-T", "--boottime", "86400"))
    took = home.expect_stop(begun, after=0.8)
    late = float(home.ask("select lateness_seconds from idle_periods order by began_position desc limit 1"))
    if not 80_000 < late < 86_400:
        raise Broken(f"it says it was {late} s late")
    return took


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default=str(ROOT / ".build/debug/dwell"))
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    compiler = next((c for c in ["cc", "gcc", "clang"] if shutil.which(c)), None)
    if compiler is None:
        sys.exit("clocks: a C compiler is needed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dwell-wallclock-"))
    atexit.register(shutil.rmtree, folder)
    library = folder / "wallclock.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, pathlib.Path(__file__).with_name("wallclock.c")], check=True)
    jumps = {"a day on": 86400, "a day back": -86400, "an hour on": 3600, "an hour back": -3600}
    cases = [(f"wall clock {title}", jump(seconds), True) for title, seconds in jumps.items()]
    cases += [("drift, 10 % fast", drift(100_000), True), ("drift, 10 % slow", drift(-100_000), True),
              ("time zones", zones, False), ("end of summer time", summer_time, True),
              ("killed, and an hour on", crash_and_jump, True),
              ("--keep-clock, a day on", kept_clock(86400), True),
              ("--keep-clock, an hour back", kept_clock(-3600), True),
              ("--keep-clock of one that is stopped, two days on", kept_clock_of_one_that_is_stopped, True)]
    if FAKETIME:
        cases += [(f"libfaketime {how}", faked(how), False) for how in ["+1h", "-1d", "+0 x10"]]
    else:
        print("no libfaketime here: it is left out")
    can_shift = subprocess.run(["unshare", "-T", "--boottime", "1", "true"], capture_output=True).returncode == 0
    if can_shift:
        cases.append(("a day of sleep", suspend, False))
    else:
        print("no time namespaces here: a day of sleep is left out")
    failed = 0
    for title, run, fakes in cases:
        if options.only not in title:
            continue
        home = Home(options.binary, library if fakes else None)
        try:
            print(f"{title}: over after {run(home):.2f} s", flush=True)
        except (Broken, subprocess.SubprocessError) as failure:
            failed += 1
            print(f"{title}: BROKEN: {failure}", flush=True)
        finally:
            home.clean_up()
    sys.exit(1 if failed else 0)


main()
