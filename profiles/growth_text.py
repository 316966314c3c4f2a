"""What a report says of growth: a word in the table, a line beside the evidence."""

from __future__ import annotations

from profiles.report_text import NONE, number
from profiles.verdict_record import VerdictRecord

_KIB = 1024


def growth_cell(outcome: VerdictRecord) -> str:
    """Return the word, of a leak with its slope; a dash for what was judged before there was one."""
    if outcome.growth != "leak" or outcome.growth_mb_per_hour is None:
        return outcome.growth or NONE
    return f"leak, {number(outcome.growth_mb_per_hour)} MB/h"


def growth_lines(outcome: VerdictRecord) -> list[str]:
    """Return what memory did and why that is said, in one line; none where nothing is known."""
    if outcome.growth is None:
        return []
    parts = [f"growth: {outcome.growth} ({outcome.growth_reason})"]
    if outcome.growth == "leak":
        parts += [*_slope(outcome), *_hours(outcome)]
    if outcome.growth == "retention":
        parts.append(f"the trim was {outcome.trim}")
    elif outcome.returned_on_trim_mb is not None:
        parts.append(f"a trim ({outcome.trim}) gave back {number(outcome.returned_on_trim_mb, 'MB', 1)}")
    elif outcome.growth == "leak" and outcome.trim is not None:
        parts.append(f"trim: {outcome.trim}, so it may be memory that the allocator keeps")
    return ["; ".join(parts)]


def _slope(outcome: VerdictRecord) -> list[str]:
    per_session = _interval(
        outcome.growth_bytes_per_session,
        outcome.growth_bytes_per_session_low,
        outcome.growth_bytes_per_session_high,
        1 / _KIB,
    )
    per_hour = _interval(
        outcome.growth_mb_per_hour, outcome.growth_mb_per_hour_low, outcome.growth_mb_per_hour_high, 1
    )
    units = (("KB a session", per_session), ("MB an hour", per_hour))
    return [text.format(unit) for unit, text in units if text]


def _hours(outcome: VerdictRecord) -> list[str]:
    hours = _interval(outcome.hours_to_limit, outcome.hours_to_limit_low, outcome.hours_to_limit_high, 1)
    return [f"the limit is reached after {hours.format('hours')} at this pace"] if hours else []


def _interval(value: float | None, low: float | None, high: float | None, factor: float) -> str:
    """Return the value with a place for its unit, and its interval; empty where it is not known."""
    if value is None:
        return ""
    digits = 0 if value * factor >= 10 else 2
    text = f"{number(value * factor, digits=digits)} {{}}"
    if low is None or high is None:
        return text
    return f"{text} ({number(low * factor, digits=digits)} to {number(high * factor, digits=digits)})"
