"""What head must keep to whatever the baseline says: it survives, the VM has headroom, the tree stays small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from profiles.gate.outcome import BudgetCheck, GateRun
from profiles.gate.sides import MISFORTUNES, valid
from profiles.report_text import count, number
from profiles.verdict import BUDGET_MB

VM_SHARE = 0.9
"""Memory at its peak stays under this share of the VM's: what is left is for the day that is busier than the test."""
TREE_METRIC = "peak_tree_rss_mb"
NOTHING_MEASURED = "nothing measured: head has no valid run"


def check_budget(
    head_runs: Sequence[GateRun], vm_memory_mb: float, budget_mb: float | None = None
) -> BudgetCheck:
    """Return whether every valid run of head survived, with both peaks (MB) under their limits; a peak at it is over.

    Runs that are `invalid` measured nothing and are not looked at. What was not measured is not kept. `budget_mb` is
    the limit of the process tree's RSS; without one it is the plan's line.
    """
    runs = valid(head_runs)
    vm_limit_mb, tree_limit_mb = VM_SHARE * vm_memory_mb, BUDGET_MB if budget_mb is None else budget_mb
    if not runs:
        return BudgetCheck(
            kept=False, lines=(NOTHING_MEASURED,), tree_limit_mb=tree_limit_mb, vm_memory_mb=vm_memory_mb
        )
    share = f"{VM_SHARE:.0%} of the VM's {number(vm_memory_mb, 'MB')}"
    checks = (
        _survived(runs),
        _peak("peak memory of the VM", [run.peak_vm_mb for run in runs], vm_limit_mb, share),
        _peak(
            "peak RSS of the process tree",
            [run.figures.get(TREE_METRIC) for run in runs],
            tree_limit_mb,
            "the budget",
        ),
    )
    return BudgetCheck(
        kept=all(kept for kept, _ in checks),
        lines=tuple(line for _, line in checks),
        broken=tuple(line for kept, line in checks if kept is False),
        tree_limit_mb=tree_limit_mb,
        vm_memory_mb=vm_memory_mb,
    )


def _survived(runs: Sequence[GateRun]) -> tuple[bool | None, str]:
    """Whether all lived; None where nobody knows whose fault it is that one did not serve, or was killed by hand."""
    ends = Counter(run.verdict for run in runs)
    survived = ends.pop("survived", 0)
    of = f"{survived} of {count(len(runs), 'valid run', 'valid runs')} of head survived"
    if not ends:
        return True, f"{of}: kept"
    others = ", ".join(f"{times} {verdict}" for verdict, times in sorted(ends.items()))
    if not ends.keys() <= MISFORTUNES:
        return False, f"{of} ({others}): not kept"
    return None, f"{of} ({others}): not known to be kept"


def _peak(
    what: str, peaks: Sequence[float | None], limit_mb: float, limit_is: str
) -> tuple[bool | None, str]:
    """Whether the highest peak is under the limit; None where a run without a figure leaves it open."""
    measured = [peak for peak in peaks if peak is not None]
    limit = f"limit {number(limit_mb, 'MB')} ({limit_is})"
    if not measured:
        return None, f"{what}: not measured in any run; {limit}: not known to be kept"
    highest = f"{what}: {number(max(measured), 'MB', 1)} at most; {limit}"
    if max(measured) >= limit_mb:
        return False, f"{highest}: not kept"
    if len(measured) < len(peaks):
        missing = f"not measured in {len(peaks) - len(measured)} of {len(peaks)} runs"
        return None, f"{highest}, but {missing}: not known to be kept"
    return True, f"{highest}: kept"
