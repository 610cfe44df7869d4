"""A home of its own for a measurement: the program, the processes that belong to it, and what they use."""

import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import processes  # noqa: E402  (it lies beside)
TICKS = os.sysconf("SC_CLK_TCK")


class Home:
    def __init__(self, binary, ports="31000-32767", configuration=""):
        self.binary = str(binary)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dwell-load."))
        self.path = self.folder / "home"
        self.path.mkdir(mode=0o700)
        (self.path / "config.yaml").write_text(f"load_balancer: {{ports: {ports}}}\n" + configuration)
        self.environment = dict(os.environ, DWELL_HOME=str(self.path))
        subprocess.run(
            ["cc", "-O2", "-static", "-o", str(self.folder / "server"), str(ROOT / "tools/load/server.c")], check=True)

    def service(self, name, replicas, more=""):
        file = self.folder / f"{name}.yaml"
        file.write_text(
            f"name: {name}\nenvs: {{ROUND: none}}\nrun: exec {self.folder}/server\n"
            f"service: {{readiness_probe: /, replicas: {replicas}{more}}}\n")
        return str(file)

    def dwell(self, *arguments, check=True, timeout=900):
        result = subprocess.run(
            [self.binary, *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout)
        if check and result.returncode != 0:
            sys.exit(f"dwell {' '.join(arguments)}: {result.returncode}\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result

    def ask(self, sql):
        connection = sqlite3.connect(f"file:{self.path}/dwell.db?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def one(self, sql):
        return self.ask(sql)[0][0]

    def until(self, what, sql, seconds=900):
        limit = time.monotonic() + seconds
        while not self.one(sql):
            if time.monotonic() > limit:
                sys.exit(f"not within {seconds} s: {what}")
            time.sleep(0.1)

    def processes(self, prefix=""):
        """Numbers of the processes of this home."""
        return processes.of_home(self.path, prefix)

    def controller(self, name="local"):
        """Number of the controller's process, as the log knows it."""
        process = self.one(f"select process from controllers where name = '{name}'")
        return int(process.split(":")[1]) if process else None

    def clean_up(self):
        self.dwell("terminate", "local", "--force", check=False)
        processes.kill(self.path)
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICKS


def memory_kib(pid, what="Pss"):
    """Proportional: what processes share is counted once. 0 for one that has ended."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(rf"^{what}: +(\d+)", text, re.M).group(1))
    except (OSError, AttributeError):
        return 0


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def write_section(title, lines):
    """Writes the section of docs/load.md with this title anew; the others stay as they are."""
    file = ROOT / "docs/load.md"
    text = file.read_text()
    begin, end = f"<!-- {title} -->\n", f"<!-- end of {title} -->\n"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    file.write_text(before + begin + "\n".join(lines) + "\n" + end + after)


def build(binary):
    return pathlib.Path(binary).resolve().parent.name


def machine():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) // 1048576
    return f"{os.cpu_count()} cores ({cpu.group(1).strip() if cpu else 'unknown'}), {memory} GiB, Linux {os.uname().release.split('-')[0]}"
