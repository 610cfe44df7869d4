"""A home that is tortured: what runs in it, what its log says, and what may be left of it."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import processes  # noqa: E402  (it lies beside)


class Broken(Exception):
    pass


class Home:
    def __init__(self, binary, seed):
        self.random = random.Random(seed)
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dwell torture "))
        self.home = self.folder / "home"
        self.environment = dict(os.environ, DWELL_HOME=str(self.home))
        self.home.mkdir(mode=0o700)
        self.acknowledged = 0
        self.kills = 0
        self.hook_runs = 0
        self.written_by_others = 0

    def processes(self, prefix=""):
        return processes.of_home(self.home, prefix)

    def dwell(self, *arguments, timeout=60, under=()):
        result = subprocess.run(
            [*under, self.binary, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=timeout)
        if result.returncode < 0 and -result.returncode != signal.SIGKILL:
            raise Broken(f"dwell {' '.join(arguments)} ended by signal {-result.returncode}: {result.stderr}")
        if "Fatal error" in result.stderr:
            raise Broken(f"dwell {' '.join(arguments)} trapped: {result.stderr}")
        return result

    def archives(self):
        """The files that hold archived events, in order. One that was written and is not here holds what the log holds."""
        files = self.sqlite("select file from archives order by position")
        return files.split("\n") if files else []

    def ask(self, sql):
        """Asks all events there ever were, wherever they are."""
        files = self.archives()
        attached = [f"attach '{file}' as a{index}" for index, file in enumerate(files)]
        union = "".join(f" union all select * from a{index}.events" for index in range(len(files)))
        view = [f"create temp view events as select * from main.events{union}"] if files else []
        return self.sqlite(sql, [*attached, *view])

    def sqlite(self, sql, before=()):
        commands = [word for line in [".timeout 10000", *(f"{line};" for line in before)] for word in ("-cmd", line)]
        result = subprocess.run(
            ["sqlite3", "-readonly", *commands, str(self.home / "dwell.db"), sql], capture_output=True, text=True)
        if result.returncode != 0:
            raise Broken(f"{sql}: {result.stderr}")
        return result.stdout.strip()

    def check_left(self, seconds):
        """Nothing runs any more after so long, and nothing is left that a process made for itself."""
        deadline = time.monotonic() + seconds
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.processes():
            raise Broken(f"L7: processes are left: {self.processes()}")
        stay = ("commits", "turn", "timer.lock", "config.last-read.yaml")
        left = [str(p.relative_to(self.home)) for p in (self.home / "run").rglob("*")
                if p.is_file() and p.name not in stay and p.suffix not in (".lease", ".keeper")]
        if left:
            raise Broken(f"L7: files are left: {left}")

    def clean_up(self):
        processes.kill(self.home)
        shutil.rmtree(self.folder, ignore_errors=True)
