"""How the quantities of a case stand in its picture: panels side by side, in strips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.suite.result import Value
from benchmarks.suite.settings import counted
from benchmarks.suite.tables import named

COLUMNS = 3
_TALL, _ROW = 1.7, 0.2  # inches


@dataclass(frozen=True)
class Strip:
    """Panels side by side: of quantities, with the settings that they share, or over a number."""

    quantities: tuple[str, ...]
    settings: tuple[str, ...]
    counted: str | None

    @property
    def height(self) -> float:
        """Inches of the panels."""
        return _TALL if self.counted else max(3, len(self.settings)) * _ROW


def strips(figures: Sequence[Value]) -> list[Strip]:
    """Return the figures' quantities in strips of panels, in their order."""
    settings: dict[str, dict[str, None]] = {}
    for one in figures:
        settings.setdefault(called(one), {})[one["setting"]] = None
    groups: dict[tuple[tuple[str, ...], str | None], list[str]] = {}
    for quantity, found in settings.items():
        names = tuple(found)
        word = _counted_word(names)
        groups.setdefault(((), word) if word else (names, None), []).append(quantity)
    return [
        Strip(tuple(quantities[at : at + COLUMNS]), names, word)
        for (names, word), quantities in groups.items()
        for at in range(0, len(quantities), COLUMNS)
    ]


def called(one: Value) -> str:
    """Return what a figure's panel is called."""
    return named(one["quantity"], one["unit"])


def _counted_word(settings: Iterable[str]) -> str | None:
    """The word that all settings count by, where there are several."""
    found = [counted(setting) for setting in settings]
    words = {one[1] if one else None for one in found}
    return words.pop() if len(found) > 1 and len(words) == 1 else None
