"""Figures: taking them in turn, and saying what they come to."""
import os
import statistics
import time
from dataclasses import dataclass, field


def quantile(values, share):
    """The value below which so large a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass
class Figure:
    """What several runs gave: one value for each."""

    values: list
    unit: str

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def text(self):
        low, high = min(self.values), max(self.values)
        if self.unit in ("s", "ms", "µs"):
            # All three in the unit that suits the median.
            seconds = self.median * {"s": 1, "ms": 1e-3, "µs": 1e-6}[self.unit]
            unit, scale = next((u, s) for u, s in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)) if seconds >= s or u == "µs")
            factor = {"s": 1, "ms": 1e-3, "µs": 1e-6}[self.unit] / scale
            return f"{short(self.median * factor)} {unit} ({short(low * factor)}–{short(high * factor)})"
        return f"{short(self.median)} {self.unit} ({short(low)}–{short(high)})"

    def as_json(self):
        return {
            "unit": self.unit, "median": self.median, "low": min(self.values), "high": max(self.values),
            "runs": len(self.values), "values": self.values,
        }


def short(value):
    if value != 0 and abs(value) < 0.01:
        return f"{value:.2g}"
    if abs(value) < 10:
        return f"{value:.2f}"
    if abs(value) < 100:
        return f"{value:.1f}"
    return f"{value:,.0f}"


@dataclass
class Line:
    """One line of the table: what dwell did, against whom, and whether that is what it must reach."""

    what: str
    dwell: Figure = None
    against: str = "–"
    peer: Figure = None
    # "ratio": dwell over the peer. "difference": dwell less the peer. "figure": what dwell did, alone.
    measure: str = "figure"
    target: str = ""
    # Given the measured number, whether the target is reached; none: there is no target.
    reaches: object = None
    note: str = ""
    # Why there is no figure.
    missing: str = ""
    growth: list = field(default_factory=list)
    # Whether the target is for what dwell did and not for how that compares.
    judged_alone: bool = False

    @property
    def compared(self):
        """Of each run by itself, for the two of a run saw the same machine; then the median."""
        if self.dwell is None:
            return None
        if self.measure == "figure":
            return self.dwell.median
        if self.peer is None:
            return None
        pairs = list(zip(self.dwell.values, self.peer.values))
        if self.measure == "ratio":
            return statistics.median(d / p for d, p in pairs)
        return statistics.median(d - p for d, p in pairs)

    @property
    def met(self):
        if self.reaches is None or self.compared is None:
            return None
        return bool(self.reaches(self.dwell.median if self.judged_alone else self.compared))

    @property
    def compared_text(self):
        if self.compared is None or self.measure == "figure":
            return "–"
        if self.measure == "ratio":
            return f"{short(self.compared)} ×"
        return ("+" if self.compared >= 0 else "") + Figure([self.compared], self.dwell.unit).text.split(" (")[0]

    def as_json(self):
        return {
            "what": self.what, "dwell": self.dwell and self.dwell.as_json(), "against": self.against,
            "peer": self.peer and self.peer.as_json(), "measure": self.measure, "compared": self.compared,
            "compared_text": self.compared_text, "target": self.target, "met": self.met, "note": self.note,
            "missing": self.missing,
            "growth": [{"scale": scale, "figure": figure.as_json()} for scale, figure in self.growth],
        }


def in_turn(rounds, contenders):
    """Asks each contender for one value a round, so that all see the same moods of the machine; who is first
    changes. Returns the values of each."""
    values = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        turn = names[number % len(names):] + names[:number % len(names)]
        for name in turn:
            values[name].append(contenders[name]())
    return values


_NOWHERE = None


def seconds_of(command, environment=None, repeat=1, fastest=False):
    """Seconds that a whole program takes, from its start to its end; the median of `repeat`."""
    global _NOWHERE
    if _NOWHERE is None:
        _NOWHERE = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        ]
    environment = dict(os.environ) if environment is None else environment
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, environment, file_actions=_NOWHERE)
        _, status = os.waitpid(pid, 0)
        times.append(time.perf_counter() - begun)
        if status != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return min(times) if fastest else statistics.median(times)
