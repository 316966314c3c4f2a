"""What a memory budget has to say: what was allowed, what was measured, when, and who held it."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.memory_budget_growth import Growth
from profiles.memory_budget_limits import Limits
from profiles.memory_budget_tree import Held
from profiles.memory_budget_watch import Watch
from profiles.vm_size import MIB

_MOST_SHOWN = 8


def peak_line(watch: Watch) -> str:
    """Return the peak of one watch, in one line."""
    return (
        f"peak RSS {watch.peak_rss_mb:.1f} MB, at most {watch.peak.children} below it, of process {watch.pid} "
        f"({watch.command}): {watch.samples} samples in {watch.seconds:.1f} s"
    )


def growth_line(growth: Growth) -> str:
    """Return the growth with its interval, in one line."""
    return (
        f"growth {growth.kib_per_call:.2f} KiB a call (95 %: {growth.low_kib:.2f} to {growth.high_kib:.2f}), "
        f"over {growth.times} calls after {growth.warmup}"
    )


def broken_by_peak(watch: Watch, limits: Limits) -> list[str]:
    """Return what the peak breaks of the limits, a text each; none where it keeps them."""
    texts, peak = [], watch.peak
    of = f"of process {watch.pid} ({watch.command}) and all below it"
    if limits.rss_mb is not None and peak.rss_bytes > limits.rss_mb * MIB:
        rows = [("allowed", f"{limits.rss_mb:g} MB"), *_measured(watch)]
        texts.append("\n".join([f"peak RSS {of}", *_table(rows), *_who(peak.held)]))
    if limits.children is not None and peak.children > limits.children:
        seen = f"{peak.children} at once, {peak.children_at_s:.1f} s after the watch began"
        rows = [("allowed", str(limits.children)), ("measured", seen)]
        texts.append("\n".join([f"processes below process {watch.pid} ({watch.command})", *_table(rows)]))
    return texts


def broken_by_growth(watch: Watch, growth: Growth, limits: Limits) -> list[str]:
    """Return what the growth breaks of the limits; nothing unless all of its interval lies above what is allowed."""
    allowed = limits.growth_kib_per_call
    if allowed is None or growth.low_kib <= allowed:
        return []
    rows = [
        ("allowed", f"{allowed:g} KiB"),
        ("measured", f"{growth.kib_per_call:.2f} KiB, surely more than {growth.low_kib:.2f} (95 % interval)"),
        ("over", f"{growth.times} calls in {growth.seconds:.1f} s, after {growth.warmup} of warm-up"),
    ]
    of = f"of process {watch.pid} ({watch.command}) and all below it"
    return ["\n".join([f"growth of RSS with each call, {of}", *_table(rows), *_who_grew(growth)])]


def _measured(watch: Watch) -> list[tuple[str, str]]:
    peak = watch.peak
    rows = [("measured", f"{peak.sampled_bytes / MIB:.1f} MB, {peak.at_s:.1f} s after the watch began")]
    if peak.mark is not None and peak.mark.rss_bytes > peak.sampled_bytes:
        size = f"{peak.mark.rss_bytes / MIB:.1f} MB"
        rows.append(("between", f"{size} in process {peak.mark.pid} alone, by the kernel's own mark"))
    return rows


def _who(held: Iterable[Held]) -> list[str]:
    rows = [(f"{process.rss_bytes / MIB:.1f} MB", process) for process in held]
    return _processes("held by", rows)


def _who_grew(growth: Growth) -> list[str]:
    before = {process.pid: process.rss_bytes for process in growth.before}
    grown = [(process.rss_bytes - before.get(process.pid, 0), process) for process in growth.after]
    grown.sort(key=lambda pair: -pair[0])
    return _processes("grew", [(f"{size / MIB:+.1f} MB", process) for size, process in grown])


def _processes(title: str, rows: list[tuple[str, Held]]) -> list[str]:
    shown = [f"{size:>11}  {process.pid} {process.command}" for size, process in rows[:_MOST_SHOWN]]
    rest = [f"{'':>11}  and {len(rows) - _MOST_SHOWN} more"] if len(rows) > _MOST_SHOWN else []
    return [f"  {title}", *shown, *rest]


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {name:<9} {text}" for name, text in rows]
