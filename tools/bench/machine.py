"""The machine at hand, and the programs that dwell is compared with."""
import os
import platform
import re
import shutil
import subprocess
import sys

# Debian's package of each peer.
PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk", "sqlite3": "sqlite3", "valgrind": "valgrind",
            "openssl": "openssl", "pgrep": "procps"}


def find(program):
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")


def output(*command, environment=None):
    """What a program says of itself; empty when it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def facts(folder):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(re.search(r"MemTotal:\s*(\d+)", file.read()).group(1))
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 1024 / 1024, 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file_system": output("stat", "-f", "-c", "%T", folder),
    }


def versions(installed, sky):
    found = {"dwell": output(installed, "version"), "commit": output("git", "rev-parse", "--short", "HEAD")}
    if output("git", "status", "--porcelain", "--", "Sources", "migrations", "Package.swift"):
        found["commit"] += " and changes"
    found["swift"] = next(iter(re.findall(r"Swift version \S+", output("swift", "--version"))), "")
    found["sqlite3"] = output("sqlite3", "--version").split(" ")[0]
    found["python"] = platform.python_version()
    if find("nginx"):
        found["nginx"] = output(find("nginx"), "-v").rpartition("/")[2]
    if find("haproxy"):
        found["haproxy"] = next(iter(re.findall(r"version (\S+)", output(find("haproxy"), "-v"))), "")
    if find("wrk"):
        found["wrk"] = next(iter(re.findall(r"wrk (\S+)", output(find("wrk"), "-v"))), "")
    if sky:
        found["skypilot"] = output(
            os.path.join(os.path.dirname(sky), "python"), "-c",
            "import importlib.metadata as m; print(m.version('skypilot'))")
    return {name: version for name, version in found.items() if version}


def install_peers():
    """Installs what is missing, where that is allowed; a row whose peer is missing then says so."""
    missing = [package for program, package in PACKAGES.items() if not find(program)]
    if not missing or os.geteuid() != 0 or not find("apt-get"):
        return
    print(f"bench: installing {' '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Each by itself: one that there is not must not keep the others away.
    installing = [["apt-get", "install", "-qq", "-y", "--no-install-recommends", package] for package in missing]
    for command in (["apt-get", "update", "-qq"], *installing):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def install_sky(folder):
    """SkyPilot in an environment of its own; none where it cannot be had."""
    sky = os.path.join(folder, "skypilot", "bin", "sky")
    if os.path.exists(sky):
        return sky
    given = os.environ.get("BENCH_SKY")
    if given is not None:
        return given or None
    print("bench: installing skypilot from PyPI (a few minutes at most)", flush=True)
    home = os.path.join(folder, "skypilot")
    try:
        subprocess.run([sys.executable, "-m", "venv", home], check=True, capture_output=True, timeout=120)
        subprocess.run(
            [os.path.join(home, "bin", "pip"), "install", "-q", "--timeout", "15", "--retries", "1", "skypilot"],
            check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(home, ignore_errors=True)
        return None
    return sky if os.path.exists(sky) else None
