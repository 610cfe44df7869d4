#!/usr/bin/env python3
"""Compares what SkyPilot and `dwell validate` say of generated service files. See README.md."""
import argparse
import collections
import contextlib
import io
import logging
import os
import random
import re
import subprocess
import sys
import tempfile

# Texts as they stand in a file, so that YAML's own reading of them is compared too.
NUMBERS = ["0", "1", "2", "3", "10", "1.5", "2.0", "0.5", ".5", "-1", "-0.5", "1e3", "1.0e+3", "0x10", "010", "1_000",
           "1:30", "60", "300", ".inf", "-.inf", ".nan", "1000", "1001", "65535", "65536", "9999999999"]
TEXTS = ["/", "/health", "health", "''", "\"/v1/models\"", "'5'", "a", "yes", "off", "true", "Null", "~", "null", "",
         "2024-01-01", "{}", "[]", "{a: 1}", "[1, 2]", "'{\"a\": 1}'", "'{'", "1.2.3", "+1", "/a b", "=", "é"]
ANY = NUMBERS + TEXTS
POLICIES = ["round_robin", "least_load", "instance_aware_least_load", "Round_Robin", "LEAST_LOAD", "random", "5"]
PLACERS = ["dynamic_fallback", "Dynamic_Fallback", "other", "true"]
TARGETS = ["1", "5", "2.5", "0.1", "{A100: 10}", "{\"A100:1\": 10, \"H100:8\": 2.5}", "{A100:1: 3}", "{a100: 1}",
           "{\"A100:x\": 1}", "{A100: '3'}", "{A100: -1}", "{}", "[1]", "'5'", "0", "-1", "{A100: 0}"]

SECTIONS = {
    "readiness_probe": ["path", "initial_delay_seconds", "timeout_seconds", "endpoint_probe_interval_seconds",
                        "consecutive_failure_threshold_timeout", "post_data", "headers"],
    "replica_policy": ["min_replicas", "max_replicas", "target_qps_per_replica", "num_overprovision",
                       "upscale_delay_seconds", "downscale_delay_seconds", "base_ondemand_fallback_replicas",
                       "dynamic_ondemand_fallback", "spot_placer"],
    "load_balancer": ["stream_timeout_seconds"],
    "tls": ["keyfile", "certfile"],
}
KEYS = ["readiness_probe", "replicas", "replica_policy", "load_balancing_policy", "load_balancer", "ports", "tls",
        "workers", "pool"]
UNKNOWN = ["replica", "readyness_probe", "max_replica", "port", "timeout", "Path", "min_replicas", "x"]
GOOD = {
    "path": ["/", "/health", "/v1/models?x=1", "'/a'"],
    "initial_delay_seconds": ["0", "30", "1200", "2.5"], "timeout_seconds": ["1", "15", "0.5"],
    "endpoint_probe_interval_seconds": ["1", "10"], "consecutive_failure_threshold_timeout": ["60", "180.0"],
    "post_data": ["{model: m, max_tokens: 1}", "'{\"a\": [1, null]}'", "{}", "{a: {b: [1, yes]}}", "'[1]'"],
    "headers": ["{Authorization: Bearer x}", "{}", "{A: b, C: 'd'}", "{A: 1}", "{A: null}", "{A: yes}"],
    "min_replicas": ["0", "1", "2", "3"], "max_replicas": ["1", "2", "3", "10"], "num_overprovision": ["0", "1"],
    "target_qps_per_replica": TARGETS, "upscale_delay_seconds": ["0", "300", "1.5"],
    "downscale_delay_seconds": ["0", "1200"], "base_ondemand_fallback_replicas": ["0", "1"],
    "dynamic_ondemand_fallback": ["true", "no"], "spot_placer": PLACERS,
    "stream_timeout_seconds": ["1", "120", "0.5"], "keyfile": ["key.pem"], "certfile": ["cert.pem"],
    "replicas": ["1", "2", "0", "2.0"], "ports": ["8080", "1", "65535"], "workers": ["1", "2"],
    "load_balancing_policy": POLICIES, "pool": ["{}", "{workers: 1}", "true"],
}


def section(r, name, fault):
    keys = SECTIONS[name]
    must = {"readiness_probe": ["path"], "replica_policy": ["min_replicas"], "tls": keys}.get(name, [])
    chosen = [k for k in keys if k in must or r.random() < 0.35]
    parts = [[k, r.choice(GOOD[k])] for k in chosen]
    if name == "replica_policy" and r.random() < 0.6:
        parts = [p for p in parts if p[0] not in ("max_replicas", "target_qps_per_replica")]
        low = r.randint(0, 3)
        parts = [["min_replicas", str(low)] if p[0] == "min_replicas" else p for p in parts]
        parts += [["max_replicas", str(low + r.randint(0, 3))], ["target_qps_per_replica", r.choice(TARGETS[:6])]]
    if fault:
        kind = r.random()
        if kind < 0.5 and parts:
            r.choice(parts)[1] = r.choice(ANY)
        elif kind < 0.65 and parts:
            parts.pop(r.randrange(len(parts)))
        elif kind < 0.8:
            parts.append([r.choice(UNKNOWN), r.choice(ANY)])
        elif kind < 0.9 and parts:
            parts.append(list(r.choice(parts)))
        else:
            return r.choice(ANY)
    r.shuffle(parts)
    return "{" + ", ".join(f"{k}: {v}" for k, v in parts) + "}"


def service(r):
    """The lines of a `service` section."""
    chosen = [k for k in KEYS if r.random() < {"pool": 0.02, "workers": 0.05, "replicas": 0.4, "tls": 0.15}.get(k, 0.4)]
    if "replicas" in chosen and "replica_policy" in chosen and r.random() < 0.9:
        chosen.remove(r.choice(["replicas", "replica_policy"]))
    faulty = r.choice(chosen) if chosen and r.random() < 0.6 else None
    lines = []
    for key in chosen:
        if key in SECTIONS and not (key == "readiness_probe" and r.random() < 0.3):
            value = section(r, key, key == faulty)
        elif key == faulty:
            value = r.choice(ANY)
        else:
            value = r.choice(["/", "/health"] if key == "readiness_probe" else GOOD[key])
        lines.append(f"  {key}: {value}")
    if any("{A100" in line or '{"A100' in line for line in lines) and r.random() < 0.7:
        lines = [line for line in lines if not line.startswith("  load_balancing_policy")]
        lines.append("  load_balancing_policy: instance_aware_least_load")
    if r.random() < 0.08:
        lines.append(f"  {r.choice(UNKNOWN)}: {r.choice(ANY)}")
    r.shuffle(lines)
    return lines


MEANT_WORKERS = "SkyPilot passes over replica_policy beside workers without a word"

# Where the two differ and are meant to: (who accepts, what dwell or SkyPilot says, why).
MEANT = [
    ("sky", r"seconds.*(: must be a number of seconds|: has no value)", "a time below 0, of 0 where something must happen "
     "in it, infinite, or beyond a hundred years"),
    ("sky", r"consecutive_failure_threshold_timeout: must be a number of seconds", "likewise"),
    ("sky", r"(replicas|workers|max_replicas|num_overprovision): must be a whole number from 0 to 1000",
     "fewer than none; more than one machine has ports for"),
    ("sky", r"base_ondemand_fallback_replicas: must be a whole number", "more than fits 31 bits"),
    ("sky", r"requests per second, above 0", "SkyServe divides by it"),
    ("sky", r"target_qps_per_replica: is empty", "SkyServe takes the lowest of none"),
    ("sky", r"unknown key", "SkyPilot drops an unknown key that has no value"),
    ("sky", r"workers: and `replica", MEANT_WORKERS),
    ("sky", r"\.pool: is for pools", "a pool is no service (`sky serve up` refuses it too)"),
    ("sky", r"is not a name for an HTTP header|must not have a line break", "no HTTP client can send it"),
    ("sky", r"service.tls.*(does not exist|is not a file|is empty)", "SkyPilot looks later whether the file is there"),
    ("sky", r"post_data: must be JSON", "NaN and Infinity are no JSON"),
    ("sky", r"twice in one section", "SkyPilot's look for doubles gives up at a ? in a flow section, and the last wins"),
    ("dwell", r"not JSON serializable", "an unquoted date is a text here"),
]


def meant(side, words):
    return next((why for who, pattern, why in MEANT if who == side and re.search(pattern, words)), None)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dwell", required=True)
    options.add_argument("--count", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--show", type=int, default=20, help="unexplained differences to print")
    options.add_argument("--files", nargs="*", help="compare these files instead")
    options = options.parse_args()
    options.dwell = os.path.abspath(options.dwell)

    os.environ.setdefault("SKYPILOT_DISABLE_USAGE_COLLECTION", "1")
    logging.disable(logging.CRITICAL)
    from sky import task as sky_task
    from sky.serve import serve_utils

    def sky(text):
        try:
            # What `sky serve up` does with a file before it asks a cloud for anything.
            with contextlib.redirect_stdout(io.StringIO()):
                serve_utils.validate_service_task(sky_task.Task.from_yaml_str(text), pool=False)
            return True, ""
        except BaseException as error:  # whatever it is, the file is not accepted
            return False, f"{type(error).__name__}: {error}"

    r = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("key.pem", "cert.pem"):
            open(os.path.join(folder, name), "w").close()
        if options.files:
            paths = [os.path.abspath(path) for path in options.files]
        else:
            paths = []
            for number in range(options.count):
                body = service(r)
                text = "run: serve\nresources: {ports: 8080}\nservice:" + ("\n" + "\n".join(body) if body else " {}") + "\n"
                paths.append(os.path.join(folder, f"{number:06}.yaml"))
                with open(paths[-1], "w", encoding="utf-8") as file:
                    file.write(text)
        dwell = collections.defaultdict(list)
        for first in range(0, len(paths), 500):
            batch = paths[first:first + 500]
            answer = subprocess.run([options.dwell, "validate", *batch], capture_output=True, text=True, timeout=300,
                                    cwd=folder, check=False)
            if answer.returncode not in (0, 2):
                sys.exit(f"dwell ended with {answer.returncode}: {answer.stderr[-500:]}")
            for line in answer.stderr.splitlines():
                found = re.match(r"dwell: (.*?\.yaml)(:.*)", line)
                if not found:
                    sys.exit(f"not understood: {line}")
                dwell[found[1]].append(found[2])
        counts = collections.Counter()
        reasons = collections.Counter()
        shown = 0
        for path in paths:
            text = open(path, encoding="utf-8").read()
            accepted, words = sky(text)
            mine = not dwell[path]
            counts[(accepted, mine)] += 1
            if accepted == mine:
                continue
            said = words if mine else " | ".join(dwell[path])
            # Every reason of dwell's must be a meant one.
            whys = [meant("dwell" if mine else "sky", each) for each in ([words] if mine else dwell[path])]
            # With `workers`, SkyPilot does not look at the policy at all.
            if all(whys) or MEANT_WORKERS in whys:
                reasons[MEANT_WORKERS if MEANT_WORKERS in whys else whys[0]] += 1
                continue
            reasons["NOT MEANT"] += 1
            if shown < options.show:
                shown += 1
                print(f"--- SkyPilot {'accepts' if accepted else 'refuses'}, dwell {'accepts' if mine else 'refuses'}: {said}")
                print(text if not options.files else path)
    print(f"{len(paths)} files: both accept {counts[(True, True)]}, both refuse {counts[(False, False)]}, "
          f"SkyPilot alone accepts {counts[(True, False)]}, dwell alone accepts {counts[(False, True)]}")
    for reason, count in reasons.most_common():
        print(f"{count:7}  {reason}")
    sys.exit(1 if reasons["NOT MEANT"] else 0)


if __name__ == "__main__":
    main()
