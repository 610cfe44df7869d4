#!/usr/bin/env python3
"""Counts the instructions of the hot paths with callgrind and compares them with tools/bench/instructions.json.

instructions.py [--debug] [--write]: fails when a path takes more than 5 % more than is written there. Seconds differ from
run to run and from machine to machine; instructions hardly do. With --debug the builds for development are counted, which
are there anyway where the tests have run: continuous integration sees by them that a path does more than it did.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = os.path.join(ROOT, "tools", "bench", "instructions.json")
ALLOWED = 1.05


def count(folder, command, environment=None):
    """Instructions of all threads of a program."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command], capture_output=True, text=True,
        env={**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1", **(environment or {})}, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        sys.exit(f"instructions: {' '.join(command)} failed under valgrind:\n{done.stderr[-2000:]}")
    return int(found.group(1))


def measure(dwell, bench, folder):
    def run(*arguments):
        subprocess.run([bench, *arguments], check=True, capture_output=True)

    def append(services):
        """Each append is made twice over, once to warm up; what starting costs is in both and falls away."""
        few, many = (count(folder, [
            bench, "append", "--home", os.path.join(folder, f"{services}-{number}"), "--rounds", "1", "--count", str(number),
            "--services", str(services), "--alone"]) for number in (10, 110))
        return (many - few) // 200

    history, fleet = os.path.join(folder, "history"), os.path.join(folder, "fleet")
    run("make-history", "--home", history, "--events", "10000")
    run("make-fleet", "--home", fleet, "--controllers", "1", "--stopped")
    return {
        "append, one event": append(1),
        "append, one event, 20 services": append(20),
        "fold of 10,000 events": count(folder, [bench, "fold", "--home", history]),
        "status, 10 services": count(folder, [dwell, "status"], {"DWELL_HOME": fleet}),
    }


def main():
    if not shutil.which("valgrind"):
        sys.exit("instructions: valgrind is not installed")
    is_debug = "--debug" in sys.argv[1:]
    if is_debug:
        dwell, bench = (os.path.join(ROOT, ".build", "debug", name) for name in ("dwell", "Bench"))
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
        from run import build

        os.makedirs(os.path.join(ROOT, ".build", "bench"), exist_ok=True)
        dwell, bench = build(os.path.join(ROOT, ".build", "bench"))
    build_name = "debug" if is_debug else "release"
    with tempfile.TemporaryDirectory() as folder:
        if is_debug:
            dwell, bench = (stripped(program, folder) for program in (dwell, bench))
        counts = measure(dwell, bench, folder)
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT, encoding="utf-8") as file:
            kept = json.load(file)
    of_build = kept.get(build_name, {})
    grown = []
    for path, number in counts.items():
        before = of_build.get("counts", {}).get(path)
        change = f"{(number / before - 1) * 100:+.1f} %" if before else "new"
        print(f"{path}: {number:,} instructions ({change})")
        if before and number > before * ALLOWED:
            grown.append(path)
    counted_with = libraries()
    if "--write" in sys.argv[1:]:
        kept[build_name] = {"with": counted_with, "counts": counts}
        with open(KEPT, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1)
            file.write("\n")
    elif of_build.get("with") != counted_with:
        print(f"not compared: counted with {of_build.get('with', 'nothing')}, this is {counted_with}; --write keeps these")
    elif grown:
        sys.exit(f"instructions: more than 5 % more: {', '.join(grown)}; if the change is worth it, say why and "
                 f"`make bench-instructions BUILD={build_name} WRITE=--write`")


def stripped(program, folder):
    """A copy without what is there for debuggers, which valgrind cannot read."""
    copy = os.path.join(folder, os.path.basename(program))
    subprocess.run(["strip", "--strip-debug", "-o", copy, program], check=True)
    return copy


def libraries():
    """What else is counted, in other versions of which the counts would be others."""
    def version(command, pattern):
        return re.search(pattern, subprocess.run(command, capture_output=True, text=True, check=True).stdout).group(0)

    return ", ".join([
        version(["swift", "--version"], r"Swift version \S+"), "glibc " + version(["ldd", "--version"], r"(?<=\) )\S+"),
        "SQLite " + version(["sqlite3", "--version"], r"\S+")])


if __name__ == "__main__":
    main()
