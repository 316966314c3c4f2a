"""What the gate was to be, and whether the figures show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.gate import RUNS
from profiles.errors import EXIT_OK
from profiles.gate.decision import ALPHA
from profiles.gate.metrics import BY_NAME

POWER = 0.95
Met = Literal["yes", "no", "not shown", "not measured"]
Value = Mapping[str, Any]
"""What `characteristic` returns."""


@dataclass(frozen=True)
class Requirement:
    """A value that was asked for: what, how much, what was found, and whether that shows it."""

    what: str
    asked: str
    found: str
    met: Met


def requirements(value: Value) -> list[Requirement]:
    """Return all of them, in the order in which they are read."""
    found = [_no_alarm(value), _all_pass(value), _whole_gates(value), _alarm_rate(value)]
    return [*found, *(_power(value, name, what) for name, what in required_effects(value).items())]


def required_effects(value: Value) -> dict[str, str]:
    """Return which effects must be found, and how they are called: those of the smallest size that matters."""
    least = {spread["metric"]: spread["least"] for spread in value["spreads"]}
    steady, growth = (BY_NAME[name] for name in ("steady_rss_mb", "growth_bytes_per_session"))
    hold, leak = least.get(steady.name, steady.least), least.get(growth.name, growth.least)
    return {
        f"hold-{hold:g}": f"{hold:g} MB more from the start",
        f"leak-{leak:g}": f"{leak:g} KiB more a session",
    }


def _no_alarm(value: Value) -> Requirement:
    real = value["real"]["all"]["regressed"]
    return Requirement(
        "false alarms in identical pairs, as measured",
        "none",
        f"{real['hits']} of {real['of']} (at most {percent(real['at_most'])} a gate, one-sided 95 %)",
        "no" if real["hits"] else "yes",
    )


def _all_pass(value: Value) -> Requirement:
    real = value["real"]["all"]["pass"]
    return Requirement(
        "identical pairs that pass, as measured",
        "all",
        f"{real['hits']} of {real['of']}",
        "yes" if real["hits"] == real["of"] else "no",
    )


def _whole_gates(value: Value) -> Requirement:
    gates = value["whole_gates"]
    passed = sum(gate["exit_code"] == EXIT_OK for gate in gates)
    found = f"{passed} of {len(gates)}" if gates else "none was run"
    met: Met = "not measured" if not gates else "yes" if passed == len(gates) else "no"
    return Requirement("whole gates of a revision against itself, exit code 0", "all", found, met)


def _alarm_rate(value: Value) -> Requirement:
    what, asked = f"false alarms a gate, simulated ({RUNS} runs a side)", f"at most {percent(ALPHA)}"
    found = one(value["equal_sides"], way="relabelled", runs=RUNS)
    if found is None:
        return Requirement(what, asked, "no runs", "not measured")
    share, (_, high) = found["regressed"]["share"], widest(found)
    return Requirement(what, asked, simulated(found), _met(share <= ALPHA, shown=high <= ALPHA))


def _power(value: Value, name: str, called: str) -> Requirement:
    what, asked = f"power, simulated: {called}", f"at least {percent(POWER)}"
    found = one(value["power"], effect=name, runs=RUNS)
    if found is None:
        return Requirement(what, asked, f"no runs of {name}", "not measured")
    share, (low, _) = found["regressed"]["share"], widest(found)
    return Requirement(what, asked, simulated(found), _met(share >= POWER, shown=low >= POWER))


def _met(measured: bool, *, shown: bool) -> Met:  # noqa: FBT001 - what is asked
    """A figure on the right side whose bounds reach to the other shows nothing."""
    if not measured:
        return "no"
    return "yes" if shown else "not shown"


def one(rows: Sequence[Mapping[str, Any]], **known: object) -> Mapping[str, Any] | None:
    """Return the first row with these values; None where there is none."""
    return next((row for row in rows if all(row[key] == value for key, value in known.items())), None)


def simulated(row: Value) -> str:
    """Return the share regressed with the widest bounds: `0.31 % (0.2 % to 0.7 %)`."""
    return f"{percent(row['regressed']['share'])} ({between(widest(row))})"


def widest(row: Value) -> tuple[float, float]:
    """Return bounds that hold both intervals of a simulated share: few runs and few gates both make it uncertain."""
    exact = (row["regressed"]["low"], row["regressed"]["high"])
    low, high = row["bounds"] or exact
    return min(low, exact[0]), max(high, exact[1])


def between(bounds: Sequence[float]) -> str:
    """Return bounds: `0.24 % to 0.4 %`."""
    return f"{percent(bounds[0])} to {percent(bounds[1])}"


def percent(share: float) -> str:
    """Return a share in per cent, with as many decimals as tell it from none and from all."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"
