"""One round of torture of the line of writers: those who write for others are held up, stopped and killed meanwhile."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import threading
import time

from home import Broken, Home


class Line(Home):
    """Many command lines set policies at once, each of them one of its own, so that the log tells of each whether it was
    recorded, and how often.

    Where one of them is held up by strace in its commit, the others come to stand behind it, decide meanwhile, and are
    written by whoever comes first. That one may be killed before, while and after it writes, or stopped for longer than the
    others have patience.
    """

    WRITERS = 12
    COMMANDS = 5
    CONTROLLERS = ["a", "b", "c"]
    # What the turn, the offers and the commit are made of, at the two files that matter.
    CALLS = ["pwrite64", "pread64", "fdatasync", "fcntl"]

    def __init__(self, binary, seed):
        super().__init__(binary, seed)
        self.submitted = {}
        self.told = {}
        self.failures = []
        self.lock = threading.Lock()

    def fault(self, choice):
        """What strace does to one command: holds it up, and perhaps ends it, stops it or has a call fail."""
        kind = choice.choice(["none", "none", "held", "killed", "killed", "stopped", "fails"])
        held = ["-e", f"inject=fdatasync:delay_enter={choice.randint(50, 400)}ms:when=1"]
        call = choice.choice(["pwrite64", "pwrite64", "pwrite64", "pread64", "fcntl"])
        # A number, an offer, the pages of a commit, the answers: most commands make fewer such writes than ten.
        when = choice.randint(1, 10 if call == "pwrite64" else 20)
        if kind == "held":
            return kind, held
        if kind == "killed":
            return kind, held + ["-e", f"inject={call}:signal=SIGKILL:when={when}"]
        if kind == "stopped":
            return kind, held + ["-e", f"inject={call}:signal=SIGSTOP:when={when}"]
        if kind == "fails":
            return kind, ["-e", f"inject=fdatasync:error=EIO:when={choice.randint(1, 2)}"]
        return kind, []

    def write(self, writer, seed):
        """Gives one command after the other, as a user does who waits for each."""
        choice = random.Random(seed)
        for number in range(self.COMMANDS):
            seconds = 100_000 + writer * 1000 + number
            kind, faults = self.fault(choice)
            trace = self.folder / f"trace-{seconds}"
            controller = choice.choice(self.CONTROLLERS)
            with self.lock:
                self.submitted[seconds] = controller
                self.kills += kind == "killed"
            under = ("strace", "-f", "-y", "-o", str(trace), "-P", str(self.home / "dwell.db-wal"), "-P",
                     str(self.home / "run/turn"), "-e", f"trace={','.join(self.CALLS)}", *faults)
            result = self.dwell("autostop", controller, "--idle", f"{seconds}s", under=under)
            wrote = "-wal>" in "".join(l for l in trace.read_text().splitlines() if " pwrite64(" in l)
            trace.unlink()
            with self.lock:
                if result.returncode == 0:
                    self.told[seconds] = writer
                    self.written_by_others += not wrote
                elif kind in ("none", "held") and len(result.stderr.strip().splitlines()) > 2:
                    raise Broken(f"autostop said {result.stderr}")

    def writer(self, writer, seed):
        try:
            self.write(writer, seed)
        except (Broken, OSError, subprocess.TimeoutExpired) as failure:
            self.failures.append(failure)

    def waker(self, over):
        """Lets those go on that were stopped, some after a moment, some when everybody has gone on without them."""
        seen = {}
        while not over.wait(0.02):
            for pid in self.processes("dwell"):
                try:
                    state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                    # A stop that strace reports and one that lasts look alike; SIGCONT is nothing to who runs.
                    if state in "Tt" and seen.setdefault(pid, time.monotonic() + self.random.uniform(0, 2)) < time.monotonic():
                        os.kill(pid, signal.SIGCONT)
                except (OSError, ProcessLookupError):
                    seen.pop(pid, None)

    def run(self):
        if shutil.which("strace") is None:
            return
        for name in self.CONTROLLERS:
            for result in [self.dwell("start", name), *([self.dwell("stop", name)] if name != "a" else [])]:
                if result.returncode != 0:
                    raise Broken(f"{name}: {result.stderr}")
        over = threading.Event()
        waker = threading.Thread(target=self.waker, args=(over,))
        writers = [threading.Thread(target=self.writer, args=(number, self.random.random())) for number in range(self.WRITERS)]
        for thread in [waker, *writers]:
            thread.start()
        for thread in writers:
            thread.join()
        over.set()
        waker.join()
        if self.failures:
            raise self.failures[0]
        self.check()

    def check(self):
        rows = [row.split("|") for row in self.ask(
            "select json_extract(payload, '$.policy.idleTimeoutSeconds'), position, stream from events "
            "where type = 'controller.policy_set' order by position").splitlines()]
        recorded = [int(float(row[0])) for row in rows]
        twice = {seconds for seconds in recorded if recorded.count(seconds) > 1}
        if twice:
            raise Broken(f"recorded twice: {twice}")
        lost = set(self.told) - set(recorded)
        if lost:
            raise Broken(f"L1: told yes and not recorded: {lost}")
        made_up = [row for row in rows if self.submitted.get(int(float(row[0]))) != row[2]]
        if made_up:
            raise Broken(f"recorded and never asked for: {made_up}")
        # Who was told yes has asked for the next afterwards.
        for writer in range(self.WRITERS):
            order = [seconds for seconds in recorded if self.told.get(seconds) == writer]
            if order != sorted(order):
                raise Broken(f"L1: of one writer in another order than it was told: {order}")
        position, count = map(int, self.ask("select max(position), count(*) from events").split("|"))
        self.acknowledged = position
        if position != count:
            raise Broken(f"L1: {count} events in a log that ends at {position}")
        if self.ask("pragma integrity_check") != "ok":
            raise Broken("the database is not whole")
        result = self.dwell("verify")
        if result.returncode != 0:
            raise Broken(f"L2: {result.stderr}")
        for name in self.CONTROLLERS:
            result = self.dwell("terminate", name, "--force")
            if result.returncode != 0:
                raise Broken(f"terminate {name}: {result.stderr}")
        self.check_left(8)
