"""What stands before replicas: dwell as a user has it, nginx, haproxy and SkyServe's load balancer; and who asks them."""
import contextlib
import os
import re
import resource
import shutil
import socket
import subprocess
import tempfile
import time

from machine import find
from world import running

# In the first tenth of a second all clients come at once, which is not to be what p99 tells of.
SECONDS = 4


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def missing(*programs):
    absent = [program for program in programs if not find(program)]
    return f"{', '.join(absent)} not installed" if absent else ""


def open_file_limit():
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
def _standing(command, folder, port, core):
    """Yields the port and the process of a proxy that answers; its folder is gone afterwards."""
    try:
        with running(command, core=core) as process:
            wait_for(port)
            yield port, process.pid
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def nginx_proxy(world, replicas, core):
    folder, port = tempfile.mkdtemp(prefix="nginx-", dir=world.folder), free_port()
    servers = " ".join(f"server 127.0.0.1:{replica};" for replica in replicas)
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as file:
        file.write(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; worker_rlimit_nofile {open_file_limit()};
events {{ worker_connections 15000; }}
http {{
  access_log off; keepalive_requests 1000000000;
  proxy_buffers 32 8k; proxy_max_temp_file_size 0;
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
    with _standing([find("nginx"), "-p", folder, "-c", os.path.join(folder, "nginx.conf")], folder, port, core) as proxy:
        yield proxy


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
    with _standing([find("haproxy"), "-db", "-f", os.path.join(folder, "haproxy.cfg")], folder, port, core) as proxy:
        yield proxy


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


def wrk(world, port, path, clients, seconds=SECONDS):
    """Requests a second and p99 in milliseconds."""
    done = subprocess.run(
        ["taskset", "-c", ",".join(map(str, world.other_cores)), find("wrk"), "-t1", f"-c{clients}", f"-d{seconds}s",
         "--latency", "--timeout", "10s", f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True)
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"port {port}: {done.stdout}")
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
