"""The load balancer with one event loop on one core beside itself with two on two."""
import contextlib
import os
import subprocess
import tempfile

from machine import find
from measure import Figure, Line, in_turn
from rows.balancing import SECONDS, free_port, missing, wait_for, wrk
from world import processor_seconds, running


def loops(world):
    absent = missing("nginx", "wrk", "taskset", "openssl")
    if absent:
        return [Line("load balancer, two event loops on two cores", missing=absent)]
    cores = sorted(os.sched_getaffinity(0))
    small = _compared(world, cores, lambda port: wrk(world, port, "/", 32))
    note = "" if len(cores) >= 4 else (
        f"{len(cores)} cores in all: wrk and the replicas need a core too, so this machine cannot show it")
    # Of what costs the load balancer much and those around it little: that is shown where there are two cores only.
    handshakes = _compared(
        world, cores, lambda port: wrk(world, port, "/", 32, "-H", "Connection: close", scheme="https"), tls=True)
    return [
        _line("32 clients, 2-byte answers", small, note),
        # Loops that wait for one another, or for a lock, need more of it together than one by itself does.
        Line("its processor time for each request, two event loops", small[2][1], "one event loop", small[1][1], "ratio"),
        _line("32 clients, a TLS handshake (RSA, 2,048 bits) for every request", handshakes),
    ]


def _line(what, measured, note=""):
    return Line(
        f"load balancer, two event loops on two cores, {what}", measured[2][0], "one event loop on one core",
        measured[1][0], "ratio", "≥ 1.5 ×", lambda ratio: ratio >= 1.5, note=note)


def _compared(world, cores, ask, tls=False):
    """For one loop and for two: requests a second, and processor time for each."""
    with contextlib.ExitStack() as stack:
        replicas = [free_port(), free_port()]
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=world.folder))
        script = os.path.join(world.tools, "servers", "replica_nginx.py")
        for replica in replicas:
            stack.enter_context(
                running(["python3", script, find("nginx"), str(replica), folder], core=world.other_cores))
        pair = _pair(folder) if tls else []
        ports, processes = {}, {}
        for count, where in ((1, cores[:1]), (2, cores[:2])):
            ports[count] = free_port()
            processes[count] = stack.enter_context(running(
                [world.bench, "balance", "--port", str(ports[count]), "--loops", str(count), *pair,
                 *[word for replica in replicas for word in ("--replica", str(replica))]], core=where)).pid
        for port in [*replicas, *ports.values()]:
            wait_for(port, is_tls=tls and port in ports.values())

        def measured(count):
            before = processor_seconds(processes[count])
            rate = ask(ports[count])[0]
            return rate, (processor_seconds(processes[count]) - before) / (rate * SECONDS) * 1e6

        got = in_turn(world.rounds, {count: lambda count=count: measured(count) for count in ports})
    return {
        count: (Figure([rate for rate, _ in values], "a second"), Figure([cost for _, cost in values], "µs"))
        for count, values in got.items()
    }


def _pair(folder):
    """A key and a certificate by itself, as options of `Bench balance`."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost"], check=True, capture_output=True)
    return ["--key", key, "--certificate", certificate]
