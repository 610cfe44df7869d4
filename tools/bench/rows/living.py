"""Services up and down, a controller that waits, deadlines."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

from measure import Figure, Line, quantile, seconds_of
from world import resident_kib, running, switches

_READY_AFTER = 0.05


def up_and_down(world):
    cold, warm, by_hand, hand_down = [], [], [], []
    with world.home() as home:
        file = home.service("one", "ready.py", _READY_AFTER)
        for _ in range(world.rounds):
            by_hand.append(_by_hand(world, 1)[0])
            # The first time it never was; then it is stopped.
            cold.append(seconds_of([world.dwell, "up", file], home.environment))
            home.dwell("down", "one")
            warm.append(seconds_of([world.dwell, "up", file], home.environment))
            home.dwell("down", "one", "--stop-controller")
    ups_of, downs_of = [], []
    downs = []
    for replicas in (1, 10, 100):
        ups, taken, hand = _up_and_down_of(world, replicas)
        if replicas == 10:
            downs, hand_down = taken, hand
        ups_of.append((f"up until all are READY, {replicas} replicas", Figure(ups, "s")))
        downs_of.append((f"down, {replicas} replicas", Figure(taken, "s")))
    return [
        Line(
            "up to READY of a server that is ready in 50 ms, controller stopped", Figure(cold, "s"),
            "the server started by hand and polled", Figure(by_hand, "s"), "difference", "≤ +300 ms",
            lambda more: more <= 0.3),
        Line(
            "the same, controller warm", Figure(warm, "s"), "the server started by hand and polled",
            Figure(by_hand, "s"), "difference", "≤ +100 ms", lambda more: more <= 0.1, growth=ups_of),
        Line(
            "down to nothing left, 10 replicas that obey SIGTERM", Figure(downs, "s"), "kill and wait by hand",
            Figure(hand_down, "s"), "difference", "≤ +50 ms", lambda more: more <= 0.05, growth=downs_of),
    ]


def _by_hand(world, count):
    """Starts servers, polls until each answers; ends them and waits. Returns the seconds of both."""
    script = os.path.join(world.tools, "servers", "ready.py")
    with contextlib.ExitStack() as held:
        # All at once, so that none is given twice.
        free = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in free:
            each.bind(("127.0.0.1", 0))
        ports = [each.getsockname()[1] for each in free]
    begun = time.perf_counter()
    servers = [
        subprocess.Popen(["bash", "-c", f"exec python3 -S -E {script} {_READY_AFTER} {port}"]) for port in ports]
    try:
        for server, port in zip(servers, ports):
            while not _answers(port):
                if server.poll() is not None or time.perf_counter() - begun > 60:
                    raise RuntimeError(f"the server of port {port} that was started by hand does not answer")
                time.sleep(0.001)
        ready = time.perf_counter()
        for server in servers:
            server.send_signal(signal.SIGTERM)
        for server in servers:
            server.wait()
        return ready - begun, time.perf_counter() - ready
    finally:
        for server in servers:
            server.kill()
            server.wait()


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.recv(100).startswith(b"HTTP/1.1 200")
    return False


def _up_and_down_of(world, replicas):
    """Seconds until so many replicas are READY, until nothing of them is left, and until those are ended by hand."""
    ups, downs, by_hand = [], [], []
    with world.home() as home:
        file = home.service("many", "ready.py", replicas=replicas)
        for _ in range(world.rounds):
            begun = time.perf_counter()
            home.dwell("up", file)
            home.wait_until(lambda: f"{replicas}/{replicas}" in home.dwell("status"))
            ups.append(time.perf_counter() - begun)
            downs.append(seconds_of([world.dwell, "down", "many"], home.environment))
            by_hand.append(_by_hand(world, replicas)[1])
    return ups, downs, by_hand


def idle(world):
    window = 12
    with world.home() as home:
        home.dwell("start", "local")
        # Until threads that were needed for the start have ended.
        time.sleep(15)
        (controller,) = home.processes("dwell-ctl-")
        rates = []
        for _ in range(world.rounds):
            before = switches(controller)
            time.sleep(window)
            # A thread that has ended meanwhile takes its count along; it had been idle for all of that time.
            after = switches(controller)
            rates.append(sum(count - before.get(thread, 0) for thread, count in after.items()) / window)
        # Once, for it does not change.
        memory = [resident_kib(controller) / 1024]
        (keeper,) = home.processes("dwell-keep-")
        note = f"its keeper: {resident_kib(keeper) / 1024:.1f} MiB"
    for _ in range(world.rounds - 1):
        with world.home() as home:
            home.dwell("start", "local")
            # It lets go of what it took to start, after a while.
            time.sleep(5)
            memory.append(resident_kib(home.processes("dwell-ctl-")[0]) / 1024)
    growth = [_idle_together(world, count) for count in (1, 10, 100)]
    memory_growth, growth = [line for lines, _ in growth for line in lines], [line for _, line in growth]
    return [
        Line(
            "idle controller process: resident memory", Figure(memory, "MiB"), target="≤ 20 MB",
            reaches=lambda mib: mib * 1.048576 <= 20, note=note, growth=memory_growth),
        Line(
            f"idle controller process: context switches a second, over {window * world.rounds} s",
            Figure(rates, "a second"), target="≤ 1 a second", reaches=lambda rate: rate <= 1, growth=growth),
    ]


def _idle_together(world, count, window=5):
    """Memory of each of so many controllers of one home, and its context switches a second: the mean of them, window by
    window."""
    with world.home() as home:
        for number in range(count):
            home.dwell("start", f"c{number}")
        time.sleep(15)
        controllers = home.processes("dwell-ctl-")
        rates, memory = [], []
        for _ in range(world.rounds):
            before = {pid: switches(pid) for pid in controllers}
            time.sleep(window)
            taken = sum(
                now - before[pid].get(thread, 0) for pid in controllers for thread, now in switches(pid).items())
            rates.append(taken / window / len(controllers))
            memory.append(sum(map(resident_kib, controllers)) / 1024 / len(controllers))
    return (
        [(f"resident memory of each, {count} controllers", Figure(memory, "MiB"))],
        (f"context switches of each, {count} controllers", Figure(rates, "a second")))


def lateness(world):
    lines = []
    for name, busy, limit in (("idle machine", 0, 5), ("full CPU load", 2 * os.cpu_count(), 50)):
        runs = _lateness(world, 20, busy, [max(1, 50 // world.rounds)] * world.rounds)
        values = [value for run in runs for value in run]
        growth = [] if busy else [
            (f"p99, {count} controllers that wait",
             Figure([quantile(run, 0.99) for run in _lateness(world, count, 0, [rounds] * world.rounds)], "ms"))
            for count, rounds in ((1, 20), (10, 10), (100, 1))]
        lines.append(Line(
            f"lateness of {len(values):,} deadlines, {name}: p99", Figure([quantile(run, 0.99) for run in runs], "ms"),
            "SkyPilot looks every 60 s (not measured)", target=f"≤ {limit} ms", judged_alone=True,
            # Of all of them, not of the runs' p99s.
            reaches=lambda _, limit=limit, values=values: quantile(values, 0.99) <= limit,
            note=f"of all: p50 {quantile(values, 0.5):.2f} ms, p99 {quantile(values, 0.99):.2f} ms, "
                 f"worst {max(values):.2f} ms", growth=growth))
    return lines


def _lateness(world, controllers, busy, runs):
    """Milliseconds from each deadline to its event, by run. In each round every controller has one, 30 ms after another's."""
    with world.home() as home, contextlib.ExitStack() as stack:
        for number in range(controllers):
            home.dwell("start", f"c{number}")
        for _ in range(busy):
            stack.enter_context(running([sys.executable, "-S", "-c", "while True: pass"]))
        for rounds in runs:
            world.run_bench("pauses", "--home", home.path, "--rounds", rounds)
        done = subprocess.run(
            ["sqlite3", home.database,
             "select json_extract(payload, '$.latenessMicroseconds') from events "
             "where type = 'controller.autostop_resumed' order by position"],
            capture_output=True, text=True, check=True)
        values = [int(line) / 1000 for line in done.stdout.split()]
        if len(values) != sum(runs) * controllers:
            raise RuntimeError(f"{sum(runs) * controllers - len(values)} deadlines were not met 0.2 s after the last was due")
        every = iter(values)
        return [[next(every) for _ in range(rounds * controllers)] for rounds in runs]
