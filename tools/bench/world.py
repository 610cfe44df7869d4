"""Where the rows run: the build, homes, processes; all of it is removed at the end."""
import contextlib
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import processes  # noqa: E402  (it lies beside)


class World:
    def __init__(self, folder, dwell, bench, rounds, sky):
        self.folder, self.dwell, self.bench, self.rounds, self.sky = folder, dwell, bench, rounds, sky
        self.tools = os.path.dirname(os.path.abspath(__file__))
        cores = sorted(os.sched_getaffinity(0))
        self.kind_of_log = _kind_of_log(os.path.dirname(os.path.dirname(self.tools)))
        # What is measured has the first core to itself, whoever asks it the others.
        self.measured_core = cores[0]
        self.other_cores = cores[1:] or cores

    @contextlib.contextmanager
    def home(self):
        """A home that is gone afterwards, and with it every process that was started in it."""
        folder = tempfile.mkdtemp(prefix="home-", dir=self.folder)
        home = Home(self, folder)
        try:
            yield home
        finally:
            home.end()
            shutil.rmtree(folder, ignore_errors=True)

    def run_bench(self, *arguments):
        done = subprocess.run([self.bench, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Bench {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def kept(self, name, make):
        """A log that takes long to make; made once, and used again as long as it would be made the same. Never run in."""
        path = os.path.join(self.folder, "logs", f"{name}-{self.kind_of_log}")
        if not os.path.exists(os.path.join(path, "complete")):
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
            make(path)
            with open(os.path.join(path, "complete"), "w", encoding="utf-8"):
                pass
        return path


def _kind_of_log(root):
    """Another one whenever what makes logs is another."""
    digest = hashlib.sha256()
    for path in sorted(glob.glob(f"{root}/migrations/*") + glob.glob(f"{root}/Sources/Bench/*") +
                       glob.glob(f"{root}/Sources/EventLog/*.swift") + glob.glob(f"{root}/Sources/Lifecycle/*.swift")):
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]


class Home:
    def __init__(self, world, folder):
        self.world, self.folder = world, folder
        self.path = os.path.join(folder, "home")
        self.database = os.path.join(self.path, "dwell.db")
        self.environment = {**os.environ, "DWELL_HOME": self.path}

    def dwell(self, *arguments, check=True):
        done = subprocess.run(
            [self.world.dwell, *arguments], env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"dwell {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def service(self, name, script, *arguments, replicas=1, envs=()):
        """A service file whose replicas run a script of tools/bench/servers."""
        path = os.path.join(self.folder, f"{name}.yaml")
        words = " ".join([os.path.join(self.world.tools, "servers", script), *map(str, arguments)])
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"name: {name}\nrun: exec python3 -S -E {words}\n")
            file.write(f"service:\n  readiness_probe: /\n  replicas: {replicas}\n")
        return path

    def processes(self, name=""):
        """Processes that were started in this home and are called so."""
        return sorted(processes.of_home(self.path, name[:15]))

    def wait_until(self, is_so, seconds=30):
        limit = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > limit:
                raise RuntimeError(f"waited {seconds} s in vain")
            time.sleep(0.01)

    def end(self):
        if os.path.exists(self.database):
            for name in self.controllers():
                self.dwell("terminate", "--force", name, check=False)
        processes.kill(self.path)

    def controllers(self):
        if not self.processes():
            return []
        done = subprocess.run(
            ["sqlite3", "-readonly", self.database, "select name from controllers where needs_process"],
            capture_output=True, text=True, check=False)
        return done.stdout.split()


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def processor_seconds(pid):
    """What all threads of a process have used so far, in the kernel and out of it."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def switches(pid):
    """Context switches so far, by thread of a process."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/task/*/status"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            found[path] = sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return found


@contextlib.contextmanager
def running(command, environment=None, core=None):
    """A program that runs for as long as the block does."""
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    if core is not None:
        os.sched_setaffinity(process.pid, {core} if isinstance(core, int) else set(core))
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
