"""docs/benchmarks.json and docs/benchmarks.md."""
import json
import os


def read(path):
    """What an earlier run wrote; nothing when there was none."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(folder, result):
    with open(os.path.join(folder, "benchmarks.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1, ensure_ascii=False)
        file.write("\n")
    with open(os.path.join(folder, "benchmarks.md"), "w", encoding="utf-8") as file:
        file.write(markdown(result))


def markdown(result):
    from measure import Figure

    machine = result["machine"]
    rounds = min((row.get("rounds", 5) for row in result["rows"].values()), default=5)
    text = [
        "# Benchmarks", "",
        "Written by `make bench` (`make bench ROWS=append,fold` for some of it); the same figures, each run of them, are",
        "in [benchmarks.json](benchmarks.json). What was tried to better them is in [performance.md](performance.md).", "",
        f"Contenders take turns, at least {rounds} rounds, so that both see the same moods of the machine. A figure is the",
        "median of the rounds, with the least and the greatest in brackets; what is compared is compared round by round,",
        "and the median of that is told. A target that is missed says so.", "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}, "
        f"{machine['file_system']}", "",
    ]
    lines = [(name, row, line) for name, row in result["rows"].items() for line in row["lines"]]
    met = sum(line["met"] is True for _, _, line in lines)
    missed = sum(line["met"] is False for _, _, line in lines)
    text += [f"{met} targets met, {missed} missed.", "", "| row | what | dwell | against | compared | target | met |",
             "|---|---|---|---|---|---|---|"]
    for name, _, line in lines:
        def figure(of):
            return Figure(of["values"], of["unit"]).text if of else ""
        peer = line["against"] + (f": {figure(line['peer'])}" if line["peer"] else "")
        if line["missing"]:
            peer += f" (missing: {line['missing']})"
        verdict = {True: "yes", False: "**missed**", None: "–"}[line["met"]]
        what = line["what"] + (f" ({line['note']})" if line["note"] else "")
        text.append(
            f"| {name} | {what} | {figure(line['dwell'])} | {peer} | {line['compared_text']} | {line['target']} | "
            f"{verdict} |")
    text += ["", "## Growth", "", "| row | at | dwell |", "|---|---|---|"]
    for name, _, line in lines:
        for step in line["growth"]:
            text.append(f"| {name} | {step['scale']} | {Figure(step['figure']['values'], step['figure']['unit']).text} |")
    text += ["", "## When, and of what", "", "| row | measured | load average then | versions |", "|---|---|---|---|"]
    for name, row in result["rows"].items():
        versions = ", ".join(f"{program} {version}" for program, version in row["versions"].items())
        text.append(f"| {name} | {row['date']} ({row['seconds']:.0f} s) | {row['load']:.1f} | {versions} |")
    return "\n".join(text) + "\n"
