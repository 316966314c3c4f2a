"""What the report of the options says, in words; every number is drawn from `options.json`'s value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.options_figures import Spread
from benchmarks.options_runs import NOT_MADE
from profiles.report_text import NONE, count, number

Entry = Mapping[str, Any]
"""One option at one balance, as `options.json` has it."""
STARRED = " *"
_KILLED, _CHILDREN = "oom_killed", "children only"
_WORDS = {_KILLED: "killed", _CHILDREN: "lost children only,"}
_AFTER = {_CHILDREN: "from"}
_ENDS = {_KILLED: "the server was killed for memory", _CHILDREN: "children were killed, the server not"}
BURST = (
    "* A VM of {vcpus:g} vCPUs on a machine of {cores} cores. A shared machine of that size may use as many cores at "
    "once as long as its balance lasts; here that burst could not be given. Memory and balance are as they should be."
)


def named(entry: Entry) -> str:
    """Return the option's name, with a star where its vCPUs are more than the cores that they ran on."""
    return str(entry["option"]) + (STARRED if entry["more_vcpus_than_cores"] else "")


def headline(result: Mapping[str, Any]) -> str:
    """Return the result in one sentence for each balance: whose server was killed, whose children only, whose not."""
    sentences = []
    for balance_s in dict.fromkeys(entry["balance_s"] for entry in result["options"]):
        entries = [entry for entry in result["options"] if entry["balance_s"] == balance_s]
        ends = dict.fromkeys((_KILLED, _CHILDREN, *(end(run) for entry in entries for run in entry["runs"])))
        told = [f"{_ENDS.get(word, word)}: {names}" for word in ends if (names := _who(entries, word))]
        sentences.append(f"With {balance_s:g} s of balance {'; '.join(told)}.")
    return " ".join(sentences) or "No run is finished yet."


def end(run: Mapping[str, Any]) -> str:
    """Return how a run ended: its verdict, and of a kill for memory whether the server was among the victims."""
    return run["verdict"] if run["verdict"] != _KILLED or run["server_kills"] else _CHILDREN


def verdicts(entry: Entry, digits: int = 1) -> str:
    """Return how the repetitions ended: `3 of 3 killed after 31.1, 32.2, 30.8 s`, else each end with its count.

    A run whose server outlived the kills of its children is told as such; its time is that of the first of them.
    `digits` are those of the times.
    """
    ends: dict[str, list[float | None]] = {}
    for run in entry["runs"]:
        ends.setdefault(end(run), []).append(run["killed_after_s"])
    parts = []
    for word, times in ends.items():
        after = ", ".join(f"{after_s:.{digits}f}" for after_s in times if after_s is not None)
        told = f" {_AFTER.get(word, 'after')} {after} s" if after else ""
        parts.append(f"{len(times)} of {entry['repetitions']} {_WORDS.get(word, word)}{told}")
    return "; ".join(parts)


def victims(entry: Entry) -> str:
    """Return who was killed over all repetitions: `server 3 of 3; 1 to 9 children`."""
    killed = [run for run in entry["runs"] if run["oom_kills"]]
    if not killed:
        return "nobody"
    servers = sum(bool(run["server_kills"]) for run in killed)
    children = [run["child_kills"] or 0 for run in killed]
    low, high = min(children), max(children)
    told = count(high, "child", "children") if low == high else f"{low} to {high} children"
    others = Counter(
        run["oom_kills"] - (run["server_kills"] or 0) - (run["child_kills"] or 0) for run in killed
    )
    unknown = max(others)
    return "; ".join(
        [
            f"server in {servers} of {entry['repetitions']}",
            told,
            *([f"unknown up to {unknown}"] if unknown > 0 else []),
        ]
    )


def cell(entry: Entry, name: str, unit: str = "", digits: int = 0) -> str:
    """Return a figure over the repetitions, lowest to highest; a dash where nobody measured it."""
    spread: Spread | None = entry["figures"].get(name)
    if spread is None:
        return NONE
    low, high = (number(spread[end], digits=digits) for end in ("low", "high"))
    told = low if low == high else f"{low} to {high}"
    return f"{told} {unit}" if unit else told


def notes(result: Mapping[str, Any]) -> list[str]:
    """Return what must stand beside the tables: vCPUs that could not burst, and what is missing."""
    lines = []
    starred = [entry for entry in result["options"] if entry["more_vcpus_than_cores"]]
    if starred:
        lines.append(BURST.format(vcpus=starred[0]["vm_vcpus"], cores=result["machine"]["cpus"]))
    if missing := result["missing"]:
        total = len(missing) + sum(e["repetitions"] for e in (*result["options"], *result["heap_captures"]))
        lines.append(f"{len(missing)} of {total} runs are missing: {_told_missing(missing)}.")
    return lines


def _told_missing(missing: Sequence[Mapping[str, str]]) -> str:
    """Each folder that lacks runs, with their numbers, and why where they were begun."""
    numbers: dict[str, list[str]] = {}
    for item in missing:
        option, _, number = item["run"].rpartition("-")
        why = "" if item["why"] == NOT_MADE else f" ({item['why']})"
        numbers.setdefault(option, []).append(number + why)
    return "; ".join(f"{option} {', '.join(which)}" for option, which in numbers.items())


def _who(entries: Sequence[Entry], word: str) -> str:
    counts = {named(entry): (sum(end(run) == word for run in entry["runs"]), entry) for entry in entries}
    return ", ".join(f"{name} ({n} of {entry['repetitions']})" for name, (n, entry) in counts.items() if n)
