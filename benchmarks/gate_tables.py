"""The tables of the gate's operating characteristic: a heading, sentences, a head, and rows of words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import gate_words as said
from benchmarks.gate_required import between, one, percent
from profiles.gate.metrics import BY_NAME
from profiles.report_text import NONE, number

Value = Mapping[str, Any]
"""The value of `characteristic.json`."""


@dataclass(frozen=True)
class Table:
    """A part of the page; `above` is read before its rows, `below` after."""

    title: str
    above: Sequence[str]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    below: Sequence[str] = ()


def required(value: Value) -> Table:
    """What was asked for, and whether it is shown."""
    rows = [[row["what"], row["asked"], row["found"], row["met"]] for row in value["required"]]
    return Table("What was asked for", [said.REQUIRED], ["", "asked", "found", "met"], rows)


def tables(value: Value) -> list[Table]:
    """Return all other tables that have something to tell."""
    made = (real, false_alarms, power, power_by_runs, effects_found, spread, busy)
    return [table for table in (make(value) for make in made) if table.rows]


def real(value: Value) -> Table:
    """The verdicts of the identical pairs, just as measured."""
    head = ["pairs", "pass", "regressed", "inconclusive", "invalid", "false alarms", "at most"]
    rows = []
    for kind, found in value["real"].items():
        alarms = found["regressed"]
        words = (str(found[word]["hits"]) for word in head[1:5])
        rows.append([kind, *words, between([alarms["low"], alarms["high"]]), percent(alarms["at_most"])])
    above = said.REAL.format(runs=value["runs_a_side"])
    below = [*_whole_gates(value), *_not_passed(value)]
    return Table("Identical pairs, as measured", [above], head, rows, below)


def _whole_gates(value: Value) -> Iterator[str]:
    if gates := value["whole_gates"]:
        words = ", ".join(
            f"{times} {word}" for word, times in Counter(gate["word"] for gate in gates).items()
        )
        took_s = sorted(gate["took_s"] for gate in gates)
        yield said.WHOLE_GATES.format(gates=len(gates), words=words, usual=median(took_s), most=took_s[-1])


def _not_passed(value: Value) -> Iterator[str]:
    for pair in value["pairs"]:
        if pair["word"] != "pass":
            psi = f" (waited for memory: {number(pair['psi_some'], '%')})" if pair["psi_some"] else ""
            yield f"{pair['name']}{psi}: {pair['word']}: {' '.join(pair['why'])}"


def false_alarms(value: Value) -> Table:
    """What gates on equal sides say, put together of runs that were measured once."""
    head = ["sides", "runs a side", "regressed", "pairs drawn again", "of it, budget", "inconclusive", "pass"]
    rows = []
    for row in value["equal_sides"]:
        others = (row["causes"]["budget broken"], row["inconclusive"]["share"], row["pass"]["share"])
        sides = [said.WAYS[row["way"]], str(row["runs"])]
        rows.append([*sides, bounded(row["regressed"]), _redrawn(row), *map(percent, others)])
    above = [said.FALSE_ALARMS, said.FALSE_ALARM_INTERVALS]
    return Table("False alarms, simulated", above, head, rows, [said.TOO_FEW, *_causes(value)])


def _causes(value: Value) -> Iterator[str]:
    """What kept gates of the usual number of runs from passing, the most frequent first."""
    for row in value["equal_sides"]:
        causes = {cause: share for cause, share in row["causes"].items() if share}
        if row["runs"] == value["runs_a_side"] and causes:
            told = (
                f"{cause} {percent(causes[cause])}"
                for cause in sorted(causes, key=lambda cause: -causes[cause])
            )
            yield f"{said.WAYS[row['way']]}, {row['runs']} a side, not passed for: {', '.join(told)}."


def power(value: Value) -> Table:
    """What gates of the usual number of runs say of each effect, and what they say of the runs as they came."""
    runs = value["runs_a_side"]
    head = ["effect", "regressed", "runs drawn again", "inconclusive", "pass", "as they came"]
    rows = []
    for row in value["power"]:
        if row["runs"] == runs:
            others = map(percent, (row["inconclusive"]["share"], row["pass"]["share"]))
            came = _as_came(value, row["effect"])
            rows.append([row["effect"], bounded(row["regressed"]), _redrawn(row), *others, came])
    return Table(f"Power, simulated, {runs} runs a side", [said.POWER], head, rows, [said.HALF])


def power_by_runs(value: Value) -> Table:
    """The share regressed of each effect by the number of runs."""
    counts = sorted({row["runs"] for row in value["power"]})
    rows = []
    for effect in dict.fromkeys(row["effect"] for row in value["power"]):
        found = [one(value["power"], effect=effect, runs=runs) for runs in counts]
        rows.append([effect, *(percent(row["regressed"]["share"]) if row else NONE for row in found)])
    head = ["effect", *(f"{runs} a side" for runs in counts)]
    return Table("Power by the number of runs", [said.BY_RUNS], head, rows)


def effects_found(value: Value) -> Table:
    """How true the size of an effect is measured."""
    rows = []
    for row in value["effects_found"]:
        metric = BY_NAME[row["metric"]]
        injected, found, low, high = (
            number(row[key], metric.unit, 1) for key in ("injected", "shift", "low", "high")
        )
        runs = f"{row['runs']} and {row['base_runs']}"
        rows.append([row["effect"], metric.title, injected, found, f"{low} to {high}", runs])
    head = ["effect", "metric", "injected", "found", "interval", "runs"]
    return Table("How true an effect's size is measured", [said.FOUND], head, rows)


def spread(value: Value) -> Table:
    """How runs of one state differ."""
    rows = []
    for row in value["spreads"]:
        metric = BY_NAME[row["metric"]]
        usual, low, high, shift = (
            number(row[key], digits=1) for key in ("median", "low", "high", "worst_shift")
        )
        within, among = (number(row[key], digits=2) for key in ("sd_within", "sd_between"))
        together = number(row["together"], digits=2)
        least = number(row["least"], digits=1) if row["least"] else NONE
        scatter = [within, among, shift, together]
        rows.append([f"{metric.title}, {metric.unit}", usual, f"{low} to {high}", *scatter, least])
    head = [
        "metric", "median", "lowest to highest", "SD in a pair", "SD between pairs", "largest shift in a pair",
        "in the same minute", "smallest effect",
    ]  # fmt: skip
    runs = max((row["runs"] for row in value["spreads"]), default=0)
    return Table("How runs of one state differ", [said.SPREAD.format(runs=runs)], head, rows)


def busy(value: Value) -> Table:
    """The same runs by how busy the machine was."""
    names = [row["metric"] for row in value["spreads"]]
    rows = []
    for sign in value["busy"]:
        of, unit = said.SIGNS[sign["sign"]]
        rows += [
            [f"{of} {part['low']:g} to {part['high']:g} {unit}", str(part["runs"]), *_levels(part, names)]
            for part in sign["parts"]
        ]
        ranks = (number(sign["correlations"].get(name), digits=2) for name in names)
        rows.append([f"{of}: rank correlation", "", *ranks])
    head = ["runs with", "runs", *(f"{BY_NAME[name].title}, {BY_NAME[name].unit}" for name in names)]
    return Table("A busy machine", [said.BUSY], head, rows)


def _levels(part: Value, names: Sequence[str]) -> list[str]:
    medians, sds = ([number(part[key].get(name), digits=1) for name in names] for key in ("medians", "sds"))
    return [f"{level} ± {sd}" for level, sd in zip(medians, sds, strict=True)]


def bounded(share: Value) -> str:
    """Return a share with its exact bounds: `0.31 % (0.24 % to 0.4 %)`."""
    return f"{percent(share['share'])} ({between([share['low'], share['high']])})"


def _redrawn(row: Value) -> str:
    return between(row["bounds"]) if row["bounds"] else NONE


def _as_came(value: Value, effect: str) -> str:
    found = one(value["effect_verdicts"], effect=effect)
    return ", ".join(f"{times} {word}" for word, times in (found["words"] if found else {}).items()) or NONE
