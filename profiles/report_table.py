"""The rows of a report: one measure each, a cell for every scenario, every number with its unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from profiles.comparison import Comparison
from profiles.growth_text import growth_cell
from profiles.report_text import NONE, expectation, number, verdict_text
from profiles.verdict_record import VerdictRecord

Row = tuple[str, tuple[str, ...]]


Measures = Sequence[tuple[str, Callable[[VerdictRecord], str]]]


def table_rows(comparison: Comparison) -> list[Row]:
    """Return label and cells of every measure, in the order a reader asks."""
    return rows_of(_MEASURES, comparison.outcomes)


def rows_of(measures: Measures, outcomes: Sequence[VerdictRecord]) -> list[Row]:
    """Return label and cells of these measures."""
    return [(label, tuple(cell(outcome) for outcome in outcomes)) for label, cell in measures]


def pair(low: float | None, high: float | None, unit: str) -> str:
    """Return two numbers of one unit, such as a median and a 95th percentile; a dash without either."""
    return NONE if low is None and high is None else f"{number(low)}/{number(high)} {unit}"


def _met(outcome: VerdictRecord) -> str:
    wanted = expectation(outcome.expected)
    return {True: "yes", False: f"NO: {wanted}", None: NONE}[outcome.met]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _cores(share: float | None) -> str:
    return NONE if share is None else f"{share:.2f} cores"


_MEASURES: Measures = (
    ("verdict", verdict_text),
    ("as expected", _met),
    ("first kill at", lambda o: number(o.first_kill_s, "s", 1)),
    ("server killed at", lambda o: number(o.killed_after_s if o.server_kills else None, "s", 1)),
    ("server kills", lambda o: number(o.server_kills)),
    ("child kills", lambda o: number(o.child_kills)),
    ("peak VM memory", lambda o: number(o.peak_vm_mb, "MB")),
    ("kernel's VM peak", lambda o: number(o.kernel_peak_vm_mb, "MB")),
    ("peak anonymous", lambda o: number(o.peak_anon_mb, "MB")),
    ("peak tree RSS", lambda o: number(o.peak_tree_rss_mb, "MB")),
    ("growth", growth_cell),
    ("peak server RSS", lambda o: number(o.peak_server_rss_mb, "MB")),
    ("tree RSS/reader", lambda o: number(o.vm_mb_per_reader, "MB", 2)),
    ("peak children", lambda o: number(o.peak_children, "at once")),
    ("chunk p50/p95", lambda o: pair(o.chunk_p50_ms, o.chunk_p95_ms, "ms")),
    ("tts p50/p95", lambda o: pair(o.tts_p50_ms, o.tts_p95_ms, "ms")),
    ("requests", lambda o: number(o.requests)),
    ("requests/reader", lambda o: number(o.requests_per_reader)),
    ("failures", lambda o: number(o.failures)),
    ("not in the store", lambda o: number(o.fallbacks)),
    ("timings refused", lambda o: number(o.timings_refused)),
    ("VM CPU used", lambda o: number(o.cpu_s, "s", 1)),
    ("VM throttled", lambda o: number(o.throttled_s, "s", 1)),
    ("CPU balance left", lambda o: number(o.balance_left_s, "s", 1)),
    ("read from files", lambda o: number(o.server_read_mb, "MB")),
    ("from page cache", lambda o: number(_percent(o.page_cache_share), "%", 1)),
    ("load generator", lambda o: _cores(o.load_cpu_share)),
    ("its busiest 10 s", lambda o: _cores(o.load_processes_cpu_share_max)),
    ("load late p99", lambda o: number(o.load_late_p99_ms, "ms")),
    ("load lag p99", lambda o: number(o.load_loop_lag_p99_ms, "ms")),
    ("load RSS/reader", lambda o: number(o.load_mb_per_reader, "MB", 2)),
    ("upstream late", lambda o: number(o.upstream_late)),
)
