"""The last lines of a run: what the listeners heard, and what says that the run is no pass."""

from collections.abc import Sequence
from dataclasses import dataclass

from locust.stats import RequestStats

from loadtests.listener_stats import FIRST_AUDIO, LISTENER
from loadtests.tally import STALL_S, Tally

REASONS_SHOWN = 2
_LABEL_WIDTH = 20


@dataclass(frozen=True)
class Closing:
    """How a run ended.

    Attributes:
        invalid: why nothing was measured; None where something was.
        unhealthy: why the server was not well; None where it was.
        summary: what the listeners heard.
    """

    invalid: str | None
    unhealthy: str | None
    summary: tuple[str, ...]

    @property
    def verdict(self) -> str | None:
        """The line that says why the run is no pass; None where it is one."""
        if self.invalid is not None:
            return f"invalid: {self.invalid}"
        return None if self.unhealthy is None else f"unhealthy: {self.unhealthy}"

    @property
    def lines(self) -> tuple[str, ...]:
        """All that is shown."""
        return self.summary if self.verdict is None else (*self.summary, self.verdict)

    def exit_code(self, *, judged_elsewhere: bool) -> int:
        """Returns 1 for an invalid run, and for an unhealthy one unless that is judged elsewhere; else 0."""
        return int(self.invalid is not None or (self.unhealthy is not None and not judged_elsewhere))


def close(tally: Tally, stats: RequestStats, invalid: Sequence[str]) -> Closing:
    """Returns the closing of a run, from its counts, Locust's statistics and what makes it invalid."""
    more = len(invalid) - REASONS_SHOWN
    shown = [*invalid[:REASONS_SHOWN], *([f"{more} more of the kind"] if more > 0 else [])]
    why_invalid = "; ".join(shown) or None
    why_unhealthy = tally.unwell()
    if why_unhealthy is not None:
        why_unhealthy += _most_frequent_error(stats)
    return Closing(why_invalid, why_unhealthy, tuple(_summary(tally, stats)))


def _summary(tally: Tally, stats: RequestStats) -> list[str]:
    played = ", ".join(f"{count} {source}" for source, count in tally.blocks.most_common())
    first_audio = stats.get(FIRST_AUDIO, LISTENER)
    waited = f"{first_audio.median_response_time / 1000:.3g} s (median)" if tally.heard else "never"
    return [
        _line("Readers", f"{tally.readers}, {tally.heard} of them heard something"),
        _line("First audio after", waited),
        _line("Blocks played", f"{tally.blocks.total()}" + (f": {played}" if played else "")),
        _line(f"Stalls over {STALL_S:g} s", f"{tally.stalls}, {tally.silence_s:.1f} s of silence"),
        _line("Word timings", f"too late for {tally.timings_too_late} blocks"),
    ]


def _line(label: str, text: str) -> str:
    return f"{label:{_LABEL_WIDTH}} {text}"


def _most_frequent_error(stats: RequestStats) -> str:
    error = max(stats.errors.values(), key=lambda error: error.occurrences, default=None)
    if error is None:
        return ""
    return f"; most often ({error.occurrences} times) {' '.join(error.to_name().split())}"
