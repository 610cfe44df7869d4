#!/usr/bin/env python3
"""Puts every fault of mutants.txt into a copy of the core, one at a time, and sees whether the
simulation finds it. Prints the catch table, and writes it where --table says; exit code 1 when a
fault is missed or does not compile."""

import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Of the build for development.
QUICK_STEPS = 150_000
MANIFEST = """// swift-tools-version: 6.1
import PackageDescription
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny")]
let package = Package(
    name: "mutants",
    targets: [
        .target(name: "Lifecycle", swiftSettings: strict),
        .target(name: "Simulation", dependencies: ["Lifecycle"], swiftSettings: strict),
        .executableTarget(name: "Simulate", dependencies: ["Simulation"], swiftSettings: strict),
    ])
"""


def read_mutants():
    """Blocks of mutants.txt as (title, [(file, line, faulty line)])."""
    mutants, title, file, old, edits = [], None, None, None, []
    for line in (HERE / "mutants.txt").read_text().splitlines() + [""]:
        if not line.strip():
            if edits:
                mutants.append((title, edits))
            title, file, edits = None, None, []
        elif line.startswith("# "):
            title = line[2:]
        elif line.startswith("- "):
            old = line[2:]
        elif line.startswith("+ "):
            edits.append((file, old, line[2:]))
        else:
            file = line.strip()
    return mutants


def put_in(edits, folder):
    """Makes the copy the core with this fault in it. What is the same already is left alone, with its time, so that the
    compiler does only what the fault asks for."""
    wanted = {"Package.swift": MANIFEST}
    for module in ["Lifecycle", "Simulation", "Simulate"]:
        for path in (ROOT / "Sources" / module).rglob("*.swift"):
            wanted[str(path.relative_to(ROOT))] = path.read_text()
    for file, old, new in edits:
        name = f"Sources/{file}"
        if old not in wanted[name]:
            sys.exit(f"mutants.txt: {file} has no line {old!r}")
        wanted[name] = wanted[name].replace(old, new, 1)
    for path in (folder / "Sources").rglob("*.swift"):
        if str(path.relative_to(folder)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def caught(folder, seed, steps, title):
    """The law that finds what is in the folder, or None. A build for development is made in a fraction of the time that
    one for release takes, and most faults are found soon; the others have all the steps, in a release build."""
    for configuration, most in [("debug", QUICK_STEPS), ("release", steps)]:
        command = ["swift", "build", "-c", configuration, "--package-path", str(folder), "--product", "Simulate"]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode != 0:
            sys.exit(f"the fault does not compile: {title}\n{built.stdout[-2000:]}")
        law = simulate(folder / ".build" / configuration / "Simulate", seed, min(steps, most))
        if law is not None:
            return law
    return None


def simulate(program, seed, steps):
    """What the simulation says: the law that was broken, `hang`, `trap`, or None."""
    command = [str(program), "--seed", str(seed), "--steps", str(steps), "--brief", "yes"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "hang"
    if result.returncode == 0:
        return None
    found = re.match(r"seed \d+, step \d+: ([\w-]+): ", result.stdout)
    return found[1] if found else "trap"


def check():
    """How many faults name a line that is not there any more."""
    stale = 0
    for title, edits in read_mutants():
        for file, old, _ in edits:
            count = (ROOT / "Sources" / file).read_text().count(old)
            if count == 0:
                print(f"mutants.txt: {file} has no line {old!r} (fault: {title})")
                stale += 1
    return stale


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--steps", type=int, default=4_000_000)
    arguments.add_argument("--table", type=pathlib.Path)
    arguments.add_argument("--only", help="part of a title")
    arguments.add_argument("--check", action="store_true", help="only see whether every fault can still be put in")
    options = arguments.parse_args()
    if options.check:
        sys.exit(check())

    folder = ROOT / ".build-mutants"
    rows, missed = [], 0
    mutants = [m for m in read_mutants() if not options.only or options.only in m[0]]
    for number, (title, edits) in enumerate(mutants, 1):
        put_in(edits, folder)
        law = caught(folder, options.seed, options.steps, title)
        missed += law is None
        print(f"{number:3} of {len(mutants)}  {law or 'MISSED':9} {title}", flush=True)
        # Digits of histories change with every change of the simulator; the table keeps the law.
        rows.append((title, law or "MISSED"))
    print(f"{len(mutants) - missed} of {len(mutants)} faults were caught")
    if options.table and not options.only:
        lines = ["| fault | caught by |", "|---|---|"] + [f"| {title} | {law} |" for title, law in rows]
        text = options.table.read_text()
        begin, end = "<!-- mutants -->", "<!-- end of mutants -->"
        head, rest = text.split(begin)
        options.table.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1])
    sys.exit(1 if missed else 0)


main()
