"""The reader page's figures: how soon it can be used and heard, each against what is promised."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIRST_AUDIO_MS = 200.0
"""From the press of play to the first sound of a block that is in the cache."""
INTERACTIVE_MS = 1000.0
"""From the navigation to a page that takes presses."""


@dataclass(frozen=True)
class Figure:
    """One thing, measured again and again; in milliseconds. Without a limit it is there to compare."""

    name: str
    values_ms: tuple[float, ...]
    limit_ms: float | None = None

    @property
    def median_ms(self) -> float:
        """Half of them took no longer."""
        return statistics.median(self.values_ms)

    @property
    def worst_ms(self) -> float:
        """The longest of them, which is held to the limit."""
        return max(self.values_ms)

    @property
    def is_kept(self) -> bool:
        """Whether every one stayed under the limit."""
        return self.limit_ms is None or self.worst_ms < self.limit_ms

    def to_json(self) -> dict[str, object]:
        """Return all of it."""
        return {
            "name": self.name,
            "times": len(self.values_ms),
            "median_ms": round(self.median_ms, 1),
            "worst_ms": round(self.worst_ms, 1),
            "limit_ms": self.limit_ms,
            "kept": self.is_kept,
            "values_ms": [round(value, 1) for value in self.values_ms],
        }


def markdown(figures: Sequence[Figure], conditions: Mapping[str, object]) -> str:
    """Return the table, and below it what it was measured under."""
    rows = [
        "| what | times | median, ms | worst, ms | limit, ms |",
        "|---|---|---|---|---|",
        *(
            f"| {one.name} | {len(one.values_ms)} | {one.median_ms:,.0f} | {one.worst_ms:,.0f} | {_limit(one)} |"
            for one in figures
        ),
        "",
        "; ".join(f"{name}: {value}" for name, value in conditions.items()),
    ]
    return "\n".join(rows) + "\n"


def _limit(figure: Figure) -> str:
    if figure.limit_ms is None:
        return "none"
    return f"{figure.limit_ms:,.0f}" + ("" if figure.is_kept else ", **exceeded**")
