"""The reader page's figures: how soon it can be used and heard, each against what is promised."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


def markdown(value: Mapping[str, Any]) -> str:
    """Return `result.json` as a page: what it was measured under, and the table."""
    machine = value["machine"]
    conditions = "; ".join(f"{name}: {told}" for name, told in value["conditions"].items())
    hardware = f"{machine['cpus']} cores ({machine['cpu_model']}), {machine['memory_mb']:,} MB"
    software = f"Linux {machine['kernel']}, Python {machine['python']}"
    return f"""# How soon the reader page can be used and heard

Measured {value["created_at"][:10]} by `{value["command"]}` at commit {value["commit"]}, on {hardware}, {software}; \
{conditions}.

| what | times | median, ms | worst, ms | promised, ms |
|---|---|---|---|---|
{"".join(map(_row, value["figures"]))}
*Interactive*: from the navigation, with an empty browser, until the page takes presses. *First audio*: from the press
of play until the audio's clock has moved. *Silence*: between and within the blocks of ten minutes, read eight times as
fast; 250 ms and more are a stall. The worst is held against the promise.
"""


def _row(figure: Mapping[str, Any]) -> str:
    limit = "none" if figure["limit_ms"] is None else f"under {figure['limit_ms']:,.0f}"
    exceeded = "" if figure["kept"] else ", **exceeded**"
    shown = f"{figure['median_ms']:,.0f} | {figure['worst_ms']:,.0f} | {limit}{exceeded}"
    return f"| {figure['name']} | {figure['times']} | {shown} |\n"
