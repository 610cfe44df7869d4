"""The load balancer beside nginx, haproxy and SkyServe's, each on one core and before the same two replicas."""
import contextlib
import os
import re
import resource
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time

from machine import find
from measure import Figure, Line, in_turn
from world import processor_seconds, resident_kib, running

# In the first tenth of a second all clients come at once, which is not to be what p99 tells of.
_SECONDS = 4


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def missing(*programs):
    absent = [program for program in programs if not find(program)]
    return f"{', '.join(absent)} not installed" if absent else ""


def _limit():
    """Open files that a program may have here, up to what any of them needs."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 40_000 if hard == resource.RLIM_INFINITY else min(hard, 40_000)


def wait_for(port, seconds=20, status=200):
    limit = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if client.recv(100).startswith(f"HTTP/1.1 {status}".encode()):
                    return
        except OSError:
            pass
        if time.monotonic() > limit:
            raise RuntimeError(f"nothing answers at port {port}")
        time.sleep(0.05)


@contextlib.contextmanager
def dwell_service(world, script, *arguments, replicas=2):
    """A service as a user has it; yields its home, its port, those of its replicas, and its load balancer."""
    with world.home() as home:
        home.dwell("up", home.service("lb", script, *arguments, replicas=replicas))
        home.wait_until(lambda: f"{replicas}/{replicas}" in home.dwell("status"))
        rows = home.dwell("status", "lb").split("\n")
        ports = [int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", "\n".join(rows))]
        (pid,) = home.processes("dwell-lb-")
        yield home, ports[0], ports[1:], pid


def pin(pid, cores):
    """Every thread of a process, and of its children's: nginx's workers, which no longer have the environment that they
    were started with, would otherwise take turns with what is measured."""
    subprocess.run(
        ["taskset", "-a", "-c", "-p", ",".join(map(str, [cores] if isinstance(cores, int) else cores)), str(pid)],
        stdout=subprocess.DEVNULL, check=False)
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    for child in children.split():
        pin(int(child), cores)


@contextlib.contextmanager
def nginx_proxy(world, replicas, core):
    folder, port = tempfile.mkdtemp(prefix="nginx-", dir=world.folder), free_port()
    servers = " ".join(f"server 127.0.0.1:{replica};" for replica in replicas)
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as file:
        file.write(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile {_limit()};
events {{ worker_connections 15000; }}
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream replicas {{ {servers} least_conn; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://replicas; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location = /stream {{ proxy_pass http://replicas; proxy_http_version 1.1; proxy_buffering off; }}
  }}
}}
""")
    try:
        with running([find("nginx"), "-p", folder, "-c", os.path.join(folder, "nginx.conf")], core=core) as process:
            wait_for(port)
            yield port, process.pid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def haproxy(world, replicas, core):
    folder, port = tempfile.mkdtemp(prefix="haproxy-", dir=world.folder), free_port()
    servers = "\n".join(f"  server r{number} 127.0.0.1:{replica}" for number, replica in enumerate(replicas))
    with open(os.path.join(folder, "haproxy.cfg"), "w", encoding="utf-8") as file:
        file.write(f"""
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 120s
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  balance leastconn
  http-reuse always
{servers}
""")
    try:
        with running([find("haproxy"), "-db", "-f", os.path.join(folder, "haproxy.cfg")], core=core) as process:
            wait_for(port)
            yield port, process.pid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def skyserve(world, replicas, core):
    control, port = free_port(), free_port()
    fake = os.path.join(world.tools, "servers", "fake_controller.py")
    home = tempfile.mkdtemp(prefix="sky-", dir=world.folder)
    python = os.path.join(os.path.dirname(world.sky), "python")
    environment = {**os.environ, "HOME": home, "SKYPILOT_DISABLE_USAGE_COLLECTION": "1"}
    try:
        with running(["python3", fake, str(control), *map(str, replicas)]), running(
                [python, "-m", "sky.serve.load_balancer", "--controller-addr", f"http://127.0.0.1:{control}",
                 "--load-balancer-port", str(port)], environment, core):
            wait_for(port, 60)
            yield port
    finally:
        shutil.rmtree(home, ignore_errors=True)


def wrk(world, port, path, clients, seconds=_SECONDS):
    """Requests a second and p99 in milliseconds."""
    done = subprocess.run(
        ["taskset", "-c", ",".join(map(str, world.other_cores)), find("wrk"), "-t1", f"-c{clients}", f"-d{seconds}s",
         "--latency", "--timeout", "10s", f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True)
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"port {port}: {done.stdout}")
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


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
            except RuntimeError as error:
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
    note = "" if len(os.sched_getaffinity(0)) >= 4 else (
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
            return rate, (processor_seconds(processes[count]) - before) / (rate * _SECONDS) * 1e6

        got = in_turn(world.rounds, {count: lambda count=count: measure(count) for count in ports})
    return (
        {count: Figure([rate for rate, _ in values], "a second") for count, values in got.items()},
        {count: Figure([cost for _, cost in values], "µs") for count, values in got.items()})


def _handshakes(world, port, clients):
    """A second, each a full one: nothing is taken up again of a connection before it. Clients share the other cores."""
    command = ["taskset", "-c", ",".join(map(str, world.other_cores)), find("openssl"), "s_time", "-new", "-time",
               str(_SECONDS), "-connect", f"127.0.0.1:{port}"]
    begun = time.perf_counter()
    running_clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(clients)]
    done = [re.search(r"(\d+) connections in \d+ real seconds", client.communicate()[0]) for client in running_clients]
    elapsed = time.perf_counter() - begun  # it goes by whole seconds of the clock
    if not all(done):
        raise RuntimeError(f"port {port}: no handshakes")
    return sum(int(found.group(1)) for found in done) / elapsed


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
    beside = f"through nginx {Figure(got['nginx'], 'ms').text}" if "nginx" in got else ""
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
        resource.setrlimit(resource.RLIMIT_NOFILE, (_limit(), hard))
        for count in (100, 1_000, 10_000):
            values = [_memory_of_dwell(world, count) for _ in range(world.rounds if count == 10_000 else 3)]
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
