"""What the listeners felt, as the second table of a report: only what somebody felt has a row."""

from __future__ import annotations

from collections.abc import Callable

from profiles.comparison import Comparison
from profiles.report_table import Measures, Row, pair, rows_of
from profiles.report_text import NONE, count, number
from profiles.verdict_record import VerdictRecord

ENDLESS = 0
"""As the number of sessions: they followed each other until a soak was over, each as another reader."""
LISTENERS_TITLE = "What the listeners felt"


def heard_by(comparison: Comparison) -> list[VerdictRecord]:
    """Return the outcomes that had listeners: a pre-generation has none."""
    return [outcome for outcome in comparison.outcomes if outcome.load_kind != "pregenerate"]


def listener_rows(comparison: Comparison) -> list[Row]:
    """Return label and cells of what was felt; a measure that no scenario has is left out."""
    rows = rows_of(_FELT, heard_by(comparison))
    return [(label, cells) for label, cells in rows if any(cell not in (NONE, "0") for cell in cells)]


def _of_readers(readers: int | None, outcome: VerdictRecord) -> str:
    if readers is None or outcome.load_kind != "readers" or outcome.readers is None:
        return NONE
    if outcome.sessions == ENDLESS:
        return count(readers, "session", "sessions")
    return f"{readers:,} of {outcome.readers * (outcome.sessions or 1):,}"


def _blocks(source: str) -> Callable[[VerdictRecord], str]:
    return lambda outcome: number((outcome.blocks_by_source or {}).get(source))


def _stalls(outcome: VerdictRecord) -> str:
    if outcome.stalls is None or not outcome.blocks_played:
        return NONE
    return "none" if not outcome.stalls else f"{outcome.stalls:,}, {number(outcome.stall_s, 's', 1)}"


def _too_late(outcome: VerdictRecord) -> str:
    if outcome.timings_too_late is None:
        return NONE
    return count(outcome.timings_too_late, "block", "blocks")


_FELT: Measures = (
    ("heard something", lambda o: _of_readers(o.readers_heard, o)),
    ("first audio p50/p95", lambda o: pair(o.first_audio_p50_ms, o.first_audio_p95_ms, "ms")),
    ("blocks from chunks", _blocks("chunk")),
    ("blocks live", _blocks("live")),
    ("live, no chunk", _blocks("fallback")),
    ("from their own cache", _blocks("cache")),
    ("stalls", _stalls),
    ("had a stall", lambda o: _of_readers(o.readers_with_stalls, o)),
    ("silence", lambda o: NONE if o.silence_share is None else f"{o.silence_share:.1%} of time"),
    ("worst reader", lambda o: number(o.worst_reader_silence_s, "s silent", 1)),
    ("after a press p50/p95", lambda o: pair(o.asked_wait_p50_ms, o.asked_wait_p95_ms, "ms")),
    ("never highlighted", _too_late),
    ("not highlighted", lambda o: number(o.unhighlighted_s, "s", 1)),
)
