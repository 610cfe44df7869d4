"""Folding a log, and what starts with one: status, help."""
import os
import shutil
import subprocess

from measure import Figure, Line, in_turn, seconds_of

_COLUMNS = (
    "position, stream, version, type, schema_version, at_us, actor, component, command_id, cause, payload")


def fold(world):
    def log(events):
        return world.kept(
            f"history-{events}", lambda path: world.run_bench("make-history", "--home", path, "--events", events))

    def measure(events, rounds):
        home = log(events)
        database = os.path.join(home, "dwell.db")
        taken = in_turn(rounds, {
            "dwell": lambda: seconds_of([world.bench, "fold", "--home", home]),
            "sqlite3": lambda: seconds_of(["sqlite3", database, f"SELECT {_COLUMNS} FROM events ORDER BY position"]),
        })
        return Figure(taken["dwell"], "s"), Figure(taken["sqlite3"], "s")

    growth = [(f"{events:,} events", measure(events, world.rounds)[0]) for events in (10_000, 100_000)]
    dwell, peer = measure(1_000_000, world.rounds)
    growth.append(("1,000,000 events", dwell))
    return [Line(
        "fold 1,000,000 stored events to state", dwell, "sqlite3 printing the same columns", peer, "ratio", "≤ 4 ×",
        lambda ratio: ratio <= 4, growth=growth)]


def status(world):
    query = "select * from controllers; select * from services; select * from replicas; select * from deadlines"
    lines = []
    with world.home() as home:
        for number in range(10):
            home.dwell("up", home.service(f"s{number}", "ready.py"))
        taken = in_turn(world.rounds, {
            "dwell": lambda: seconds_of([world.dwell, "status"], home.environment, repeat=20),
            "sqlite3": lambda: seconds_of(["sqlite3", "-header", "-column", home.database, query], repeat=20),
        })
        dwell, peer = Figure(taken["dwell"], "s"), Figure(taken["sqlite3"], "s")
    growth = []
    for services in (10, 100, 1000):
        with world.home() as home:
            world.run_bench("make-fleet", "--home", home.path, "--controllers", max(1, services // 10), "--stopped")
            growth.append((f"{services} services", _status_of(world, home)))
    for events in (1_000, 10_000, 100_000):
        with world.home() as home:
            world.run_bench(
                "make-fleet", "--home", home.path, "--controllers", 1, "--events", events, "--stopped")
            growth.append((f"10 services, {events:,} events", _status_of(world, home)))
    lines.append(Line(
        "dwell status, whole process, 10 services", dwell, "sqlite3 printing the same rows", peer, "ratio", "≤ 3 ×",
        lambda ratio: ratio <= 3, growth=growth))
    sky = Line(
        "dwell status, whole process, 10 services", dwell, "sky serve status", measure="ratio",
        target="≥ 100 × faster", reaches=lambda ratio: ratio <= 0.01)
    if world.sky:
        sky.peer = _sky_status(world)
        sky.note = "its API server running, and no service in it"
    else:
        sky.missing = "SkyPilot could not be installed from PyPI"
    return lines + [sky]


def _status_of(world, home):
    return Figure(
        [seconds_of([world.dwell, "status"], home.environment, repeat=10) for _ in range(world.rounds)], "s")


def _sky_status(world):
    home = os.path.join(world.folder, "skypilot-home")
    os.makedirs(home, exist_ok=True)
    environment = {**os.environ, "HOME": home, "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    try:
        subprocess.run([world.sky, "serve", "status"], env=environment, capture_output=True, timeout=180, check=True)
        return Figure([seconds_of([world.sky, "serve", "status"], environment) for _ in range(world.rounds)], "s")
    except (subprocess.SubprocessError, RuntimeError):
        return None
    finally:
        subprocess.run([world.sky, "api", "stop"], env=environment, capture_output=True, timeout=60, check=False)
        shutil.rmtree(home, ignore_errors=True)


def help_text(world):
    taken = in_turn(world.rounds, {
        "dwell": lambda: seconds_of([world.dwell, "--help"], repeat=40),
        "sqlite3": lambda: seconds_of(["sqlite3", "--version"], repeat=40),
    })
    return [Line(
        "dwell --help, whole process", Figure(taken["dwell"], "s"), "sqlite3 --version", Figure(taken["sqlite3"], "s"),
        "ratio", "≤ 3 ×", lambda ratio: ratio <= 3)]
