"""What head must keep to whatever the baseline says: it survives, the VM has headroom, the tree stays small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from profiles.gate.outcome import BudgetCheck, GateRun
from profiles.gate.sides import MISFORTUNES, valid
from profiles.report_text import count, number
from profiles.verdict import BUDGET_MB

VM_SHARE = 0.9
"""Memory at its peak stays under this share of the VM's: what is left is for the day that is busier than the test."""
TREE_METRIC = "peak_tree_rss_mb"
NOTHING_MEASURED = "nothing measured: head has no valid run"
Check = tuple[bool | None, str]
"""Whether a limit is kept (None: not known), and the line that says so."""


def check_budget(
    head_runs: Sequence[GateRun],
    vm_memory_mb: float,
    budget_mb: float | None = None,
    first_tries: Sequence[GateRun] = (),
) -> BudgetCheck:
    """Return whether every run of head survived, with both peaks (MB) under their limits; a peak at it is over.

    What was not measured is not kept, and a run that is `invalid` leaves it open. A kill for memory breaks it in any
    run, whatever its verdict. `first_tries`, whose places other runs took, break it as runs do, and leave it open only
    where an invalid one was over a limit. `budget_mb` is the limit of the process tree's RSS; without one it is the
    plan's line.
    """
    tries = _Tries(tuple(head_runs), tuple(first_tries))
    vm_limit_mb, tree_limit_mb = VM_SHARE * vm_memory_mb, BUDGET_MB if budget_mb is None else budget_mb
    share = f"{VM_SHARE:.0%} of the VM's {number(vm_memory_mb, 'MB')}"
    peaks = (
        _peak(_vm_title(tries), _vm_mb, tries, vm_limit_mb, share),
        _peak("peak RSS of the process tree", _tree_mb, tries, tree_limit_mb, "the budget"),
    )
    if valid(head_runs):
        checks = [*_killed(tries), _survived(head_runs), *peaks]
    else:
        checks = [*_killed(tries), (None, NOTHING_MEASURED), *(peak for peak in peaks if peak[0] is False)]
    return BudgetCheck(
        kept=all(kept for kept, _ in checks),
        lines=tuple(line for _, line in checks),
        broken=tuple(line for kept, line in checks if kept is False),
        tree_limit_mb=tree_limit_mb,
        vm_memory_mb=vm_memory_mb,
    )


@dataclass(frozen=True)
class _Tries:
    runs: tuple[GateRun, ...]
    first: tuple[GateRun, ...]

    @property
    def every(self) -> tuple[GateRun, ...]:
        return (*self.runs, *self.first)


def _killed(tries: _Tries) -> Iterator[Check]:
    """A line where a kill for memory is no run's verdict, as one before the load: it shows no less for that."""
    found = []
    for runs, one, many in ((tries.runs, "run", "runs"), (tries.first, "first try", "first tries")):
        ends = Counter(run.verdict for run in runs if run.oom_kills and run.verdict != "oom_killed")
        found += [count(times, f"{end} {one}", f"{end} {many}") for end, times in sorted(ends.items())]
    if found:
        yield False, f"processes of head were killed for memory in {' and '.join(found)}: not kept"


def _survived(head_runs: Sequence[GateRun]) -> Check:
    """Whether all lived; None where nobody knows whose fault it is that one did not serve, or measured nothing."""
    runs = valid(head_runs)
    ends = Counter(run.verdict for run in runs)
    survived, invalid = ends.pop("survived", 0), len(head_runs) - len(runs)
    line = f"{survived} of {count(len(runs), 'valid run', 'valid runs')} of head survived"
    if ends:
        line += f" ({', '.join(f'{times} {verdict}' for verdict, times in sorted(ends.items()))})"
    if invalid:
        line += f", and {count(invalid, 'run was', 'runs were')} invalid"
    if not ends.keys() <= MISFORTUNES:
        return False, f"{line}: not kept"
    if ends or invalid:
        return None, f"{line}: not known to be kept"
    return True, f"{line}: kept"


def _vm_mb(run: GateRun) -> float | None:
    """What the VM needed at most: with its page cache in it where nobody knows how much that was."""
    return run.peak_vm_mb if run.peak_vm_kept_mb is None else run.peak_vm_kept_mb


def _tree_mb(run: GateRun) -> float | None:
    return run.figures.get(TREE_METRIC)


def _vm_title(tries: _Tries) -> str:
    """What the VM's peak is called: no more is claimed than all runs know."""
    measured = [run for run in tries.every if _vm_mb(run) is not None]
    told = bool(measured) and all(run.peak_vm_kept_mb is not None for run in measured)
    return f"peak memory of the VM{' without its page cache' if told else ''}"


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _peak(
    what: str, peak_mb: Callable[[GateRun], float | None], tries: _Tries, limit_mb: float, limit_is: str
) -> Check:
    """Whether the highest peak is under the limit; None where a run without a figure or an invalid one leaves it open.

    An invalid run may have had more to do than was asked for, so a peak of it over the limit proves nothing.
    """
    runs = valid(tries.runs)
    lacking = sum(peak_mb(run) is None for run in runs)
    measured = _known(map(peak_mb, valid(tries.every)))
    doubtful = _known(peak_mb(run) for run in tries.every if run.verdict == "invalid")
    limit = f"limit {number(limit_mb, 'MB')} ({limit_is})"
    if not measured:
        return None, f"{what}: not measured in any run; {limit}: not known to be kept"
    highest = f"{what}: {number(max(measured), 'MB', 1)} at most; {limit}"
    if max(measured) >= limit_mb:
        return False, f"{highest}: not kept"
    if lacking:
        return None, f"{highest}, but not measured in {lacking} of {len(runs)} runs: not known to be kept"
    if doubtful and max(doubtful) >= limit_mb:
        over = number(max(doubtful), "MB", 1)
        return None, f"{highest}, but {over} in an invalid run: not known to be kept"
    return True, f"{highest}: kept"
