"""What a connection through the load balancer takes: time to the first byte of a stream, memory while it lies idle."""
import contextlib
import resource
import socket
import statistics
import struct
import subprocess
import time

from machine import find
from measure import Figure, Line, in_turn
from proxies import dwell_service, missing, nginx_proxy, open_file_limit
from world import resident_kib


def streaming(world):
    with contextlib.ExitStack() as stack:
        _, port, (replica,), _ = stack.enter_context(dwell_service(world, "stream.py", replicas=1))
        contenders = {"dwell": lambda: _first_bytes(port), "direct": lambda: _first_bytes(replica)}
        if find("nginx"):
            proxy = stack.enter_context(nginx_proxy(world, [replica], None))[0]
            contenders["nginx"] = lambda: _first_bytes(proxy)
        got = in_turn(world.rounds, contenders)
        growth = []
        for others in (1, 10, 100):
            with contextlib.ExitStack() as open_streams:
                for _ in range(others):
                    _first_byte(open_streams.enter_context(socket.create_connection(("127.0.0.1", port))))
                values = [_first_bytes(port) for _ in range(world.rounds)]
            growth.append((f"beside {others} open streams", Figure(values, "ms")))
    beside = f"through nginx {Figure(got['nginx'], 'ms').text}" if "nginx" in got else "nginx not installed"
    return [Line(
        "time to the first byte of a server-sent event, p50", Figure(got["dwell"], "ms"), "direct",
        Figure(got["direct"], "ms"), "difference", "≤ +0.3 ms", lambda more: more <= 0.3, note=beside,
        growth=growth)]


def _first_bytes(port, count=200):
    """Milliseconds from the connection of a client to the first byte of an event, p50."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as client:
            _first_byte(client)
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def _first_byte(client):
    client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
    got = b""
    while b"data:" not in got:
        part = client.recv(65536)
        if not part:
            raise RuntimeError("the stream ended before its first event")
        got += part


def connections(world):
    absent = missing("nginx")
    if absent:
        return [Line("memory at 10,000 idle keep-alive connections", missing=absent)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 12_000:
        return [Line("memory at 10,000 idle keep-alive connections", missing="more open files than this user may have")]
    dwell, nginx, growth = [], [], []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_file_limit(), hard))
        for count in (100, 1_000, 10_000):
            values = [_memory_of_dwell(world, count) for _ in range(world.rounds)]
            growth.append((f"{count:,} connections", Figure(values, "MiB")))
            dwell = values
        nginx = [_memory_of_nginx(world, 10_000) for _ in range(world.rounds)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return [Line(
        "load balancer: resident memory at 10,000 idle keep-alive connections", Figure(dwell, "MiB"),
        "nginx, master and worker", Figure(nginx, "MiB"), "ratio", "≤ 3 ×", lambda ratio: ratio <= 3, growth=growth)]


def _memory_of_dwell(world, count):
    with dwell_service(world, "replica_nginx.py", find("nginx")) as (_, port, _, pid):
        return _memory(port, [pid], count)


def _memory_of_nginx(world, count):
    with dwell_service(world, "replica_nginx.py", find("nginx")) as (_, _, replicas, _):
        with nginx_proxy(world, replicas, None) as (port, pid):
            children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
            return _memory(port, [pid, *map(int, children.stdout.split())], count)


def _memory(port, pids, count):
    clients = []
    try:
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if not client.recv(1000).startswith(b"HTTP/1.1 200"):
                raise RuntimeError("not answered")
            clients.append(client)
        return sum(map(resident_kib, pids)) / 1024
    finally:
        for client in clients:
            client.close()
