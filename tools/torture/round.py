"""One round of torture: a home, what is done in it and to it, and what must be true afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request

from home import Broken, Home

SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Round(Home):
    PORTS = range(32500, 32768)
    HOOKS = ["start", "idle", "wake", "stop", "terminate"]

    def __init__(self, binary, seed, lane=0, lanes=1):
        super().__init__(binary, seed)
        # Ports of its own, so that the last look at them is not disturbed by another dwell.
        share = len(self.PORTS) // lanes
        first = self.PORTS.start + lane * share
        (self.home / "config.yaml").write_text(
            f"load_balancer: {{ports: {first}-{first + share - 1}}}\n" + self.hooks())
        (self.folder / "server.py").write_text(SERVER)
        self.wanted = {}
        self.backups = 0
        self.archived = 0
        # One that nobody asks for goes by itself, in some rounds.
        self.idle_down = self.random.choice([None, None, 1.5])
        for name in ["api", "chat"]:
            idle_down = f", idle_down: {self.idle_down}s" if self.idle_down and name == "chat" else ""
            (self.folder / f"{name}.yaml").write_text(
                f"name: {name}\nworkdir: .\nrun: exec python3 server.py\n"
                f"service: {{readiness_probe: /, replicas: {self.random.randint(1, 2)}{idle_down}}}\n")

    def hooks(self):
        """Each run of a hook appends one line, before and after it takes a while; some take too long."""
        if self.random.random() < 0.2:
            return ""
        lines = ["hooks:"]
        for kind in self.HOOKS:
            seconds = self.random.choice([0, 0, 0.2, 3])
            tell = f"echo $DWELL_EVENT_VERSION $DWELL_HOOK >> '{self.folder}/told'; sleep {seconds}"
            lines.append(f'  {kind}: {{run: "{tell}", timeout: 1s}}')
        return "\n".join(lines) + "\n"

    # What goes wrong

    def killer(self, over):
        """Kills somebody every now and then until it is over."""
        choices = ["dwell-ctl", "dwell-keep", "dwell-lb", "dwell-timer", "dwell", "both"]
        while not over.wait(self.random.uniform(0.0, 0.2)):
            what = self.random.choice(choices)
            victims = self.processes("dwell-ctl") + self.processes("dwell-keep") if what == "both" else self.processes(what)
            if what not in ("both", "dwell") and victims:
                victims = [self.random.choice(victims)]
            for pid in victims:
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                except ProcessLookupError:
                    pass

    # What each kind of process does that a kill may come in the middle of.
    CALLS = {
        "dwell-ctl": ["pwrite64", "fdatasync", "clone3,clone,vfork", "rename", "openat", "write", "unlink,rmdir", "kill",
                      "bind", "flock", "fcntl"],
        "dwell-keep": ["flock", "openat", "clone3,clone,vfork", "close"],
        "dwell-lb": ["openat", "write,writev,sendto,sendmsg", "epoll_wait,epoll_pwait", "accept4", "close"],
        "dwell-timer": ["pwrite64", "fdatasync", "flock", "fcntl", "openat", "close"],
        "dwell": ["pwrite64", "fdatasync", "openat", "flock", "fcntl", "clone3,clone,vfork", "write"],
    }

    def tracer(self):
        """Has strace kill a process at the Nth of some system call."""
        if shutil.which("strace") is None:
            return None
        kind = self.random.choice(["dwell-ctl", "dwell-ctl", "dwell-keep", "dwell-lb", "dwell-timer"])
        controllers = self.processes(kind) or self.processes("dwell-ctl")
        if not controllers:
            return None
        call = self.random.choice(self.CALLS[kind])
        when = self.random.randint(1, 30)
        self.kills += 1
        return subprocess.Popen(
            ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={when}",
             "-p", str(controllers[0])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    # The round

    def act(self):
        action = self.random.choice(
            ["up", "up", "down", "down", "stop", "start", "autostop", "terminate_after", "status", "backup", "doctor",
             "archive"])
        name = self.random.choice(["api", "chat"])
        # Some commands are killed at a system call of their own. Without -f: what they start is not traced.
        under = ()
        if shutil.which("strace") and self.random.random() < 0.3:
            call = self.random.choice(self.CALLS["dwell"])
            when = self.random.randint(1, 12 if action != "archive" else 120)
            under = ("strace", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={when}")
            self.kills += 1
        if action == "up":
            result = self.dwell("up", f"{name}.yaml", "--detach", under=under)
            if result.returncode == 0:
                self.wanted[name] = True
            elif not self.wanted.get(name):
                # Killed after its commit, nobody is told yes, and it is served all the same.
                self.wanted[name] = None
        elif action == "down":
            # Killed after its commit it has taken effect, killed before it has not; told yes it has.
            self.wanted[name] = None
            if self.dwell("down", name, under=under).returncode == 0:
                self.wanted[name] = False
        elif action == "autostop":
            result = self.dwell("autostop", "local", "--idle", self.random.choice(["0s", "1s", "1h"]), under=under)
        elif action == "terminate_after":
            result = self.dwell(
                "autostop", "local", "--terminate-after", self.random.choice(["0.2s", "1s", "1h"]), under=under)
        elif action == "status":
            result = self.dwell("status", under=under)
        elif action == "backup":
            self.backups += 1
            file = self.folder / f"backup-{self.backups}.db"
            if self.dwell("backup", str(file), under=under).returncode == 0 and not file.exists():
                raise Broken("a backup was promised and is not there")
        elif action == "archive":
            self.archived += 1
            file = self.folder / f"archive-{self.archived}.db"
            self.dwell("archive", "--before", self.random.choice(["now", "1s", "0.2s"]), str(file), under=under)
        elif action == "doctor":
            result = self.dwell("doctor", under=under)
        else:
            result = self.dwell(action, "local", under=under)
        if (self.home / "dwell.db").exists():
            position, count = map(int, self.ask("select coalesce(max(position), 0), count(*) from events").split("|"))
            if position < self.acknowledged:
                raise Broken(f"L1: the log ended at {self.acknowledged} and ends at {position} now")
            self.acknowledged = position
            if count != position:
                raise Broken(f"L1: {count} events in the log and {self.archives()}, which end at {position}")

    def run(self):
        self.dwell("start", "local")
        over = threading.Event()
        tracer = self.tracer() if self.random.random() < 0.5 else None
        thread = threading.Thread(target=self.killer, args=(over,))
        if tracer is None:
            thread.start()
        try:
            for _ in range(self.random.randint(3, 7)):
                self.act()
        finally:
            over.set()
            if tracer is None:
                thread.join()
            elif tracer.poll() is None:
                # Not SIGTERM: strace may then wait for ever for a child that is just being made.
                tracer.kill()
                tracer.wait()
        self.check()

    def check(self):
        if self.ask("pragma integrity_check") != "ok":
            raise Broken("the database is not whole")
        # Nobody is killed any more: what is wanted is served.
        self.dwell("autostop", "local", "--idle", "1h")
        self.dwell("start", "local")
        deadline = time.monotonic() + 30
        while True:
            status = json.loads(self.dwell("status", "--json").stdout)
            services = {s["name"]: s for s in status["services"]}
            lacking = [n for n, w in self.wanted.items()
                       if w and services.get(n, {}).get("status") not in ("READY", "FAILED") and not self.went_unused(n)]
            leftover = [n for n, w in self.wanted.items() if w is False and n in services]
            if not lacking and not leftover:
                break
            if time.monotonic() > deadline:
                raise Broken(f"L6: wanted {self.wanted}, there is {services}")
            time.sleep(0.05)
        for service in services.values():
            if service["status"] == "READY" and service["name"] == "chat" and self.idle_down:
                self.until_unused(service, deadline)
            elif service["status"] == "READY":
                self.until_answered(service, deadline)
        result = self.dwell("verify")
        if result.returncode != 0:
            raise Broken(f"L2: {result.stderr}")
        archives = self.archives()
        for newer, older in zip([None, *archives[:0:-1]], archives[::-1]):
            result = self.dwell("verify", "--archive", older, *(["--log", newer] if newer else []))
            if result.returncode != 0:
                raise Broken(f"L2, between {older} and {newer or 'the log'}: {result.stderr}")
        self.until_well()
        for file in self.folder.glob("backup-*.db"):
            whole = subprocess.run(["sqlite3", "-readonly", str(file), "pragma integrity_check"], capture_output=True, text=True)
            if whole.stdout.strip() != "ok":
                raise Broken(f"a backup is not whole: {whole.stdout}{whole.stderr}")
        doubles = self.ask(
            "select count(*) from (select json_extract(payload, '$.idleVersion') as idle, count(*) as ends from events "
            "where idle is not null group by idle having ends > 1)")
        if doubles != "0":
            raise Broken("L5: an idle period ended twice")
        ports = [int(p) for p in self.ask("select port from services").split()]
        if self.random.random() < 0.5:
            result = self.dwell("terminate", "local", "--force")
            if result.returncode != 0:
                raise Broken(f"terminate: {result.stderr}")
        else:
            self.wait_for_both_timers()
        self.check_hooks()
        # A hook that terminates while nobody looks may take its second, and two more to be killed.
        self.check_left(8)
        for port in ports:
            with socket.socket() as attempt:
                attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                attempt.bind(("127.0.0.1", port))

    def wait_for_both_timers(self):
        """No service, so it stops; it stays stopped, so it is terminated: by itself, or, if the process that waits
        for it is killed, by the next command."""
        if self.dwell("down", "--all").returncode != 0:
            raise Broken("down --all")
        since = int(self.ask("select max(position) from events"))
        result = self.dwell("autostop", "local", "--idle", "0.1s", "--terminate-after", "0.3s")
        if result.returncode != 0:
            raise Broken(f"autostop: {result.stderr}")
        kills = self.random.random() < 0.5
        deadline = time.monotonic() + 20
        while True:
            ends = int(self.ask(f"select count(*) from events where type = 'controller.terminated' and position > {since}"))
            if ends == 1:
                break
            if ends > 1 or time.monotonic() > deadline:
                raise Broken(f"L4: terminated {ends} times after both timers")
            if kills:
                for pid in self.processes("dwell-timer"):
                    try:
                        os.kill(pid, signal.SIGKILL)
                        self.kills += 1
                    except ProcessLookupError:
                        pass
                self.dwell("status")
            time.sleep(0.05)

    def check_hooks(self):
        """Each ran once at most for its event, and never before the log said that it would."""
        told = self.folder / "told"
        runs = [tuple(line.split()) for line in told.read_text().splitlines()] if told.exists() else []
        begun = [tuple(row.split("|")) for row in self.ask(
            "select json_extract(payload, '$.of'), json_extract(payload, '$.hook') from events "
            "where type = 'controller.hook_started'").split()]
        self.hook_runs = len(runs)
        if len(set(runs)) != len(runs) or len(set(begun)) != len(begun):
            raise Broken(f"a hook ran twice for one event: {runs}, log: {begun}")
        if not set(runs) <= set(begun):
            raise Broken(f"a hook ran that the log does not know: {sorted(set(runs) - set(begun))}")
        ends = self.ask(
            "select json_extract(payload, '$.of') from events where type = 'controller.hook_ended' "
            "group by 1 having count(*) > 1")
        if ends:
            raise Broken(f"a hook ended twice: {ends}")

    def went_unused(self, name):
        """Whether it is on its way, or gone, because nobody asked for it."""
        last = self.ask(
            f"select what from audit_log where service = '{name}' and event in ('service.requested', "
            "'service.down_requested') order by position desc limit 1")
        return "idle_down" in last

    def until_unused(self, service, deadline):
        """Asked for, it stays for `idle_down`; then it goes."""
        asked = None
        while not self.went_unused(service["name"]):
            if asked is None:
                try:
                    begun = time.time()
                    with urllib.request.urlopen(service["endpoint"], timeout=5) as answer:
                        if answer.read() == b"ok":
                            asked = begun
                except OSError:
                    pass
            if time.monotonic() > deadline:
                raise Broken(f"{service['name']} is not asked for and stays")
            time.sleep(0.05)
        went = int(self.ask(
            f"select max(at_us) from events where type = 'service.down_requested' and service = '{service['name']}'")) / 1e6
        if asked and went < asked + self.idle_down:
            raise Broken(f"L3: {service['name']} went {went - asked:.3f} s after it was asked for")

    def until_answered(self, service, deadline):
        """A load balancer that was killed a moment ago is READY until somebody has noticed."""
        while True:
            try:
                with urllib.request.urlopen(service["endpoint"], timeout=5) as answer:
                    if answer.read() == b"ok":
                        return
                    problem = "another answers"
            except OSError as failure:
                problem = failure
            if time.monotonic() > deadline:
                raise Broken(f"{service['name']} is READY and does not answer: {problem}")
            time.sleep(0.05)

    def until_well(self):
        """The doctor finds nothing, at the latest when what was killed last has been noticed."""
        deadline = time.monotonic() + 20
        while True:
            result = self.dwell("doctor")
            if result.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise Broken(f"the doctor is not content: {result.stdout}")
            time.sleep(0.2)
            self.dwell("status")
