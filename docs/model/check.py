#!/usr/bin/env python3
"""Has spin check lifecycle.pml in every order of steps, and each deliberate mistake in it, which spin must find.

Exit code 1 when a law does not hold, when a mistake is not found, or when spin could not look at everything."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
MISTAKES = {
    1: "a deadline is decided by what was seen before",
    2: "an up that comes while the controller stops is swallowed",
    3: "a deadline fires whichever it was",
    4: "a recovery begins the idle time anew",
}


def check(mistake, commands, crashes):
    """What spin says: None when everything holds, else what it found; and how many states there are."""
    with tempfile.TemporaryDirectory() as folder:
        definitions = [f"-DMISTAKE={mistake}", f"-DCOMMANDS={commands}", f"-DCRASHES={crashes}"]
        subprocess.run(["spin", *definitions, "-a", str(HERE / "lifecycle.pml")], cwd=folder, check=True,
                       capture_output=True, text=True)
        compiler = next((c for c in ["cc", "gcc", "clang"] if shutil.which(c)), None)
        if compiler is None:
            sys.exit("model: a C compiler is needed")
        # Two runs: assertions in every order of steps; and that every fair run settles.
        found, states = None, 0
        for options, run in [(["-DSAFETY", "-DNOCLAIM"], ["-E"]), (["-DNFAIR=3"], ["-a", "-f", "-E"])]:
            subprocess.run([compiler, "-O2", "-w", "-DMEMLIM=2000", "-DCOLLAPSE", *options, "-o", "pan", "pan.c"],
                           cwd=folder, check=True)
            out = subprocess.run(["./pan", "-m2000000", *run], cwd=folder, capture_output=True, text=True, timeout=600).stdout
            states = max(states, int(float((re.search(r"([\d.e+]+) states, stored", out) or [0, "0"])[1])))
            problem = re.search(r"pan:\d+: (.*?) \(at depth", out)
            if problem:
                return problem[1], states
            if "errors: 0" not in out or "Search not completed" in out or "max search depth too small" in out:
                sys.exit(f"model: spin did not look at everything:\n{out}")
        return found, states


def main():
    if shutil.which("spin") is None:
        sys.exit("model: spin is needed (Debian: apt-get install spin)")
    begun = time.monotonic()
    found, states = check(0, commands=3, crashes=2)
    if found:
        sys.exit(f"model: broken: {found}")
    print(f"the laws hold in all of {states} states ({time.monotonic() - begun:.0f} s)")
    for number, title in MISTAKES.items():
        found, _ = check(number, commands=3, crashes=1)
        if found is None:
            sys.exit(f"model: not found: {title}")
        print(f"found: {title}: {found}")


main()
