#!/usr/bin/env python3
"""Runs the tests of the core with coverage and prints the lines that ran, file by file for those that are
not whole; exit code 1 when Lifecycle or EventLog is below the limit."""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = ["Lifecycle", "EventLog"]
TESTS = "LifecycleTests|EventLogTests|SimulationTests"


def swift(*arguments, **options):
    command = ["swift", *arguments, "--scratch-path", ".build-coverage", "--enable-code-coverage"]
    return subprocess.run(command, cwd=ROOT, check=True, text=True, **options)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--limit", type=float, default=95, help="per cent of lines, for each module")
    arguments.add_argument("--lines", action="store_true", help="print the lines that did not run")
    options = arguments.parse_args()

    swift("build", "--build-tests", stdout=subprocess.DEVNULL)
    ran = swift("test", "--skip-build", "--parallel", "--filter", TESTS, stdout=subprocess.PIPE)
    print(ran.stdout.strip().splitlines()[-1])
    where = swift("test", "--show-codecov-path", stdout=subprocess.PIPE).stdout.strip()
    files = json.loads(pathlib.Path(where).read_text())["data"][0]["files"]
    below = False
    for module in MODULES:
        covered = count = 0
        for file in sorted(files, key=lambda f: f["summary"]["lines"]["percent"]):
            path = pathlib.Path(file["filename"])
            if f"/Sources/{module}/" not in str(path):
                continue
            lines = file["summary"]["lines"]
            covered += lines["covered"]
            count += lines["count"]
            if lines["covered"] < lines["count"]:
                print(f"  {lines['percent']:6.1f} %  {path.relative_to(ROOT)}")
                if options.lines:
                    print_gaps(path, file["segments"])
        share = 100 * covered / max(1, count)
        below |= share < options.limit
        print(f"{module}: {covered} of {count} lines, {share:.1f} %")
    sys.exit(1 if below else 0)


def print_gaps(path, segments):
    """Lines that begin inside a region that never ran. A segment is (line, column, count, has count, …)."""
    text = path.read_text().splitlines()
    for (line, _, count, has_count, *_), following in zip(segments, segments[1:]):
        if has_count and count == 0:
            for number in range(line, following[0] + 1):
                print(f"           {number:4}  {text[number - 1].strip()}")


main()
