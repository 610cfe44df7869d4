"""The load balancer beside nginx, haproxy and SkyServe's, each on one core and before the same two replicas."""
import contextlib
import os
import re
import subprocess
import tempfile
import time

from machine import find
from measure import Figure, Line, in_turn
from proxies import SECONDS, dwell_service, free_port, haproxy, missing, nginx_proxy, pin, skyserve, wait_for, wrk
from world import processor_seconds, running


def balancer(world):
    absent = missing("nginx", "wrk", "taskset")
    if absent:
        return [Line("load balancer, one core", missing=absent)]
    lines = []
    with contextlib.ExitStack() as stack:
        home, port, replicas, pid = stack.enter_context(
            dwell_service(world, "replica_nginx.py", find("nginx")))
        pin(pid, world.measured_core)
        for replica in home.processes("nginx"):
            pin(replica, world.other_cores)
        ports = {"dwell": port}
        ports["nginx"] = stack.enter_context(nginx_proxy(world, replicas, world.measured_core))[0]
        if find("haproxy"):
            ports["haproxy"] = stack.enter_context(haproxy(world, replicas, world.measured_core))[0]
        lines_of_sky = []
        directly = {}
        for size, path in (("2-byte", "/"), ("64 KiB", "/64k")):
            for clients in (1, 32, 256):
                got = in_turn(world.rounds, {
                    name: lambda port=port: wrk(world, port, path, clients) for name, port in ports.items()})
                rates = {name: Figure([rate for rate, _ in values], "a second") for name, values in got.items()}
                late = {name: Figure([p99 for _, p99 in values], "ms") for name, values in got.items()}
                what = f"load balancer, {clients} client{'s' * (clients > 1)}, {size} answers"
                beside = f"haproxy {rates['haproxy'].text}" if "haproxy" in rates else "haproxy not installed"
                lines.append(Line(
                    what, rates["dwell"], "nginx, one worker", rates["nginx"], "ratio",
                    "≥ 0.9 ×" if clients == 32 else "", (lambda ratio: ratio >= 0.9) if clients == 32 else None,
                    note=beside))
                lines.append(Line(
                    f"{what}: p99", late["dwell"], "nginx, one worker", late["nginx"], "ratio", "≤ 1.3 ×",
                    lambda ratio: ratio <= 1.3,
                    note=f"haproxy {late['haproxy'].text}" if "haproxy" in late else ""))
                if clients == 32:
                    lines_of_sky.append((what, path, rates["dwell"]))
                    # What the clients and the replicas come to with nobody between them: more cannot be reached.
                    directly[path] = Figure(
                        [wrk(world, replicas[0], path, clients)[0] for _ in range(world.rounds)], "a second")
    lines += _skyserve_lines(world, lines_of_sky, directly)
    return lines


def _skyserve_lines(world, measured, directly):
    lines = []
    for what, path, dwell in measured:
        line = Line(
            what, dwell, "SkyServe's load balancer", measure="ratio", target="≥ 100 ×",
            reaches=lambda ratio: ratio >= 100, note=f"without a balancer {directly[path].text}")
        if world.sky:
            try:
                line.peer = _skyserve_rate(world, path)
            except Exception as error:  # Whatever it is, it is the peer's.
                line.missing = f"it did not serve: {error}"
        else:
            line.missing = "SkyPilot could not be installed from PyPI"
        lines.append(line)
    return lines


def _skyserve_rate(world, path):
    with dwell_service(world, "replica_nginx.py", find("nginx")) as (home, _, replicas, _):
        for replica in home.processes("nginx"):
            pin(replica, world.other_cores)
        with skyserve(world, replicas, world.measured_core) as port:
            return Figure([wrk(world, port, path, 32)[0] for _ in range(world.rounds)], "a second")


def loops(world):
    """One event loop on one core, two on two."""
    absent = missing("nginx", "wrk", "taskset", "openssl")
    if absent:
        return [Line("load balancer, two event loops on two cores", missing=absent)]
    with contextlib.ExitStack() as stack:
        # Nobody takes turns with what is measured where there are cores enough.
        cores = sorted(os.sched_getaffinity(0))
        stack.callback(setattr, world, "other_cores", world.other_cores)
        world.other_cores = cores[2:] if len(cores) >= 4 else world.other_cores
        replicas = [free_port(), free_port()]
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=world.folder))
        script = os.path.join(world.tools, "servers", "replica_nginx.py")
        for replica in replicas:
            stack.enter_context(
                running(["python3", script, find("nginx"), str(replica), folder], core=world.other_cores))
            wait_for(replica)
        rates, costs = _loops(world, replicas, [], lambda port: wrk(world, port, "/", 32))
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "2", "-subj", "/CN=bench", "-keyout", key,
             "-out", certificate], check=True, capture_output=True)
        shaken, _ = _loops(
            world, replicas, ["--keyfile", key, "--certfile", certificate],
            lambda port: (_handshakes(world, port, 8),))
    note = "" if len(cores) >= 4 else (
        "wrk and the replicas keep one of the two cores busy that there are, so this machine cannot show it")
    return [
        Line(
            "load balancer, two event loops on two cores, 32 clients, 2-byte answers", rates[2],
            "one event loop on one core", rates[1], "ratio", "≥ 1.5 ×", lambda ratio: ratio >= 1.5, note=note),
        # Most of the work is the load balancer's then, though clients have no cores of their own on a machine with two.
        Line(
            "load balancer, two event loops on two cores, 8 clients, TLS handshakes (RSA, 4,096 bits)", shaken[2],
            "one event loop on one core", shaken[1], "ratio"),
        # Loops that wait for one another, or for a lock, need more of it together than one by itself does.
        Line("its processor time for each request, two event loops", costs[2], "one event loop", costs[1], "ratio"),
    ]


def _loops(world, replicas, words, ask):
    """Requests a second, and processor time for each, of a load balancer with one event loop and of one with two."""
    cores = sorted(os.sched_getaffinity(0))
    with contextlib.ExitStack() as stack:
        ports, processes = {}, {}
        for count, where in ((1, cores[:1]), (2, cores[:2])):
            ports[count] = free_port()
            processes[count] = stack.enter_context(running(
                [world.bench, "balance", "--port", str(ports[count]), "--loops", str(count), *words,
                 *[word for replica in replicas for word in ("--replica", str(replica))]], core=where)).pid
            # Who speaks plain HTTP where TLS is spoken is told so.
            wait_for(ports[count], status=400 if words else 200)

        def measure(count):
            before = processor_seconds(processes[count])
            rate = ask(ports[count])[0]
            return rate, (processor_seconds(processes[count]) - before) / (rate * SECONDS) * 1e6

        got = in_turn(world.rounds, {count: lambda count=count: measure(count) for count in ports})
    return (
        {count: Figure([rate for rate, _ in values], "a second") for count, values in got.items()},
        {count: Figure([cost for _, cost in values], "µs") for count, values in got.items()})


def _handshakes(world, port, clients):
    """A second, each a full one: nothing is taken up again of a connection before it. Clients share the other cores."""
    command = ["taskset", "-c", ",".join(map(str, world.other_cores)), find("openssl"), "s_time", "-new", "-time",
               str(SECONDS), "-connect", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    running_clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(clients)]
    done = [re.search(r"(\d+) connections in \d+ real seconds", client.communicate()[0]) for client in running_clients]
    elapsed = time.perf_counter() - begun  # it goes by whole seconds of the clock
    if not all(done):
        raise RuntimeError(f"port {port}: no handshakes")
    return sum(int(found.group(1)) for found in done) / elapsed
