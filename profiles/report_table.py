"""The rows of a report: one measure each, a cell for every scenario, every number with its unit."""

from __future__ import annotations

from collections.abc import Callable

from profiles.comparison import Comparison
from profiles.report_text import NONE, expectation, number
from profiles.verdict_record import VerdictRecord

Row = tuple[str, tuple[str, ...]]


def table_rows(comparison: Comparison) -> list[Row]:
    """Return label and cells of every measure, in the order a reader asks."""
    return [(label, tuple(cell(outcome) for outcome in comparison.outcomes)) for label, cell in _MEASURES]


def _met(outcome: VerdictRecord) -> str:
    wanted = expectation(outcome.expected)
    return {True: "yes", False: f"NO: {wanted}", None: NONE}[outcome.met]


def _pair(low: float | None, high: float | None, unit: str) -> str:
    return NONE if low is None and high is None else f"{number(low)}/{number(high)} {unit}"


def _stalls(outcome: VerdictRecord) -> str:
    if outcome.stalls is None or not outcome.blocks_played:
        return NONE
    return "none" if not outcome.stalls else f"{outcome.stalls:,}, {number(outcome.stall_s, 's', 1)}"


_MEASURES: tuple[tuple[str, Callable[[VerdictRecord], str]], ...] = (
    ("verdict", lambda o: o.verdict),
    ("as expected", _met),
    ("first kill at", lambda o: number(o.first_kill_s, "s", 1)),
    ("server killed at", lambda o: number(o.killed_after_s if o.server_kills else None, "s", 1)),
    ("server kills", lambda o: number(o.server_kills)),
    ("child kills", lambda o: number(o.child_kills)),
    ("peak VM memory", lambda o: number(o.peak_vm_mb, "MB")),
    ("kernel's VM peak", lambda o: number(o.kernel_peak_vm_mb, "MB")),
    ("peak anonymous", lambda o: number(o.peak_anon_mb, "MB")),
    ("peak tree RSS", lambda o: number(o.peak_tree_rss_mb, "MB")),
    ("peak server RSS", lambda o: number(o.peak_server_rss_mb, "MB")),
    ("peak children", lambda o: number(o.peak_children, "at once")),
    ("chunk p50/p95", lambda o: _pair(o.chunk_p50_ms, o.chunk_p95_ms, "ms")),
    ("tts p50/p95", lambda o: _pair(o.tts_p50_ms, o.tts_p95_ms, "ms")),
    ("first audio p50", lambda o: number(o.first_audio_p50_ms, "ms")),
    ("blocks played", lambda o: number(o.blocks_played)),
    ("stalls, silence", _stalls),
    ("requests", lambda o: number(o.requests)),
    ("failures", lambda o: number(o.failures)),
    ("not in the store", lambda o: number(o.fallbacks)),
    ("timings refused", lambda o: number(o.timings_refused)),
    ("VM CPU used", lambda o: number(o.cpu_s, "s", 1)),
    ("VM throttled", lambda o: number(o.throttled_s, "s", 1)),
    ("CPU balance left", lambda o: number(o.balance_left_s, "s", 1)),
    ("load generator", lambda o: NONE if o.load_cpu_share is None else f"{o.load_cpu_share:.2f} cores"),
    ("load late p99", lambda o: number(o.load_late_p99_ms, "ms")),
    ("upstream late", lambda o: number(o.upstream_late)),
)
