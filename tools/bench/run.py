#!/usr/bin/env python3
"""Runs rows of the benchmark side by side with their peers and writes docs/benchmarks.md and docs/benchmarks.json.

run.py [ROW,ROW…] [--rounds N] [--list]; see `make bench`.
"""
import argparse
import datetime
import os
import subprocess
import sys
import time
import traceback

import machine
import report
from rows import appending, balancing, connecting, growing, living, reading
from world import World

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ROWS = {
    "append": appending.append,
    "appenders": appending.appenders,
    "fold": reading.fold,
    "status": reading.status,
    "help": reading.help_text,
    "up_down": living.up_and_down,
    "idle": living.idle,
    "lateness": living.lateness,
    "balancer": balancing.balancer,
    "loops": balancing.loops,
    "streaming": connecting.streaming,
    "connections": connecting.connections,
    "restart": growing.restart,
    "fleet": growing.fleet,
}


def build(folder):
    """The program as it is installed, and what measures it from within."""
    prefix = os.path.join(folder, "installed")
    environment = {**os.environ, "PREFIX": prefix, "DESTDIR": ""}
    print("bench: building", flush=True)
    with open(os.path.join(ROOT, "tools", "release-flags.txt"), encoding="utf-8") as file:
        flags = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    static = os.path.join(ROOT, ".build", "static-libraries")
    for command in (
        [os.path.join(ROOT, "tools", "install.sh")],
        # The flags of tools/install.sh, so that nothing is built twice.
        lambda: ["swift", "build", *flags, "--product", "Bench",
                 *(["-Xlinker", f"-L{static}", "-Xlinker", "-lm"] if os.path.isdir(static) else [])],
    ):
        command = command() if callable(command) else command
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"bench: {' '.join(command)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    where = subprocess.run(
        ["swift", "build", *flags, "--show-bin-path"], cwd=ROOT, capture_output=True, text=True, check=True)
    return os.path.join(prefix, "bin", "dwell"), os.path.join(where.stdout.strip(), "Bench")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("rows", nargs="?", default="", help="some of: " + ", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=5, help="runs of each contender (default 5)")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    arguments = parser.parse_args()
    if arguments.list:
        return print("\n".join(ROWS))
    chosen = [name for name in arguments.rows.replace(" ", ",").split(",") if name] or list(ROWS)
    unknown = [name for name in chosen if name not in ROWS]
    if unknown:
        parser.error(f"no row {', '.join(unknown)}; there is {', '.join(ROWS)}")
    os.chdir(ROOT)
    folder = os.path.join(ROOT, ".build", "bench")
    os.makedirs(folder, exist_ok=True)
    machine.install_peers()
    needs_sky = {"status", "balancer"} & set(chosen)
    sky = machine.install_sky(folder) if needs_sky else None
    dwell, bench = build(folder)
    world = World(folder, dwell, bench, max(1, arguments.rounds), sky)
    facts = machine.facts(folder)
    versions = machine.versions(dwell, sky)
    docs = os.path.join(ROOT, "docs")
    earlier = report.read(os.path.join(docs, "benchmarks.json"))
    # Figures of two machines are not put into one table.
    rows = earlier.get("rows", {}) if earlier.get("machine") == facts else {}
    failed = []
    for name in chosen:
        print(f"bench: {name} …", flush=True)
        begun = time.monotonic()
        try:
            lines = ROWS[name](world)
        except Exception:  # One row that cannot be measured must not take the others with it.
            traceback.print_exc()
            failed.append(name)
            continue
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        rows[name] = {
            "date": now, "rounds": world.rounds, "seconds": time.monotonic() - begun, "load": os.getloadavg()[0], "versions": versions,
            "lines": [line.as_json() for line in lines],
        }
        for line in lines:
            told = line.dwell.text if line.dwell else line.missing
            print(f"  {line.what}: {told}; {line.against}: {line.peer.text if line.peer else '–'}; "
                  f"{line.compared_text} (target {line.target}): {line.met} {line.note}", flush=True)
            for scale, figure in line.growth:
                print(f"    {scale}: {figure.text}", flush=True)
        ordered = {row: rows[row] for row in ROWS if row in rows}
        report.write(docs, {"machine": facts, "rows": ordered})
    if failed:
        sys.exit(f"bench: could not be measured: {', '.join(failed)}")


if __name__ == "__main__":
    main()
