"""Which runs of a side can be compared, and what is said of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from profiles.gate.metrics import Metric
from profiles.gate.outcome import GateRun
from profiles.report_text import count

MISFORTUNES = frozenset({"invalid", "unhealthy", "killed"})
"""Ends that a busy machine or a stranger can give to any server: a gate tries such a run once more."""
NOT_AS_EXPECTED = "not as expected"
_MISSED = "expected "
_TREE = f"{_MISSED}peak_tree_rss_mb_below ="
"""How a verdict's evidence begins where the process tree grew too large: that is the budget's matter."""


def survivors(runs: Sequence[GateRun]) -> tuple[GateRun, ...]:
    """Return the runs whose figures are those of the whole session that was asked for.

    What died or fell silent had not used all, and what showed something else than the scenario expects did other work.
    """
    return tuple(run for run in runs if run.verdict == "survived" and not did_something_else(run))


def did_something_else(run: GateRun) -> bool:
    """Return whether a run lived and did not show what its scenario expects, but for the size of its process tree."""
    if run.verdict != "survived" or run.met is not False:
        return False
    missed = unmet(run)
    return not missed or any(not line.startswith(_TREE) for line in missed)


def unmet(run: GateRun) -> list[str]:
    """Return the lines of a run's evidence that name an expectation, and what was found."""
    return [line for line in run.evidence if line.startswith(_MISSED)]


def valid(runs: Sequence[GateRun]) -> tuple[GateRun, ...]:
    """Return the runs that showed something, be it a death."""
    return tuple(run for run in runs if run.verdict != "invalid")


def values(runs: Sequence[GateRun], metric: Metric) -> tuple[float, ...]:
    """Return the metric's values, one a run that has it."""
    return tuple(value for run in runs if (value := run.figures.get(metric.name)) is not None)


def left_out(name: str, runs: Sequence[GateRun]) -> Iterator[str]:
    """Yield, for each reason not to compare a run, how many of that side it meets, and what the first one shows."""
    others = [run for run in runs if run.verdict != "survived" or did_something_else(run)]
    for end, ended in _by_end(others):
        of = f"{len(ended)} of {count(len(runs), 'run', 'runs')}"
        yield f"{name}: {of} {_were(ended)} {end} and not compared{_shown(ended)}"


def tried_again(name: str, first_tries: Sequence[GateRun], runs: int) -> Iterator[str]:
    """Yield, for each way in which first tries ended, how many of a side's runs are second ones because of it."""
    for end, ended in _by_end(first_tries):
        of, whose = f"{len(ended)} of {count(runs, 'run', 'runs')}", "its" if len(ended) == 1 else "their"
        yield f"{name}: {of} {_were(ended)} {end} at {whose} first try and tried again{_shown(ended)}"


def partly_measured(name: str, runs: Sequence[GateRun], metrics: Sequence[Metric]) -> Iterator[str]:
    """Yield each judged metric that only some of these runs have."""
    for metric in metrics:
        having = len(values(runs, metric))
        if metric.judged and 0 < having < len(runs):
            yield f"{name}: {metric.title} was measured in {having} of {len(runs)} runs"


def _by_end(runs: Sequence[GateRun]) -> Iterator[tuple[str, list[GateRun]]]:
    by_end = defaultdict[str, list[GateRun]](list)
    for run in runs:
        by_end[NOT_AS_EXPECTED if run.verdict == "survived" else run.verdict].append(run)
    yield from sorted(by_end.items())


def _were(runs: Sequence[GateRun]) -> str:
    return "was" if len(runs) == 1 else "were"


def _shown(runs: Sequence[GateRun]) -> str:
    """What the first run that says anything shows; of one that lived, what was expected of it."""
    said = ((unmet(run) if run.verdict == "survived" else run.evidence) for run in runs)
    return next((f" ({lines[0]})" for lines in said if lines), "")
