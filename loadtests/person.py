"""A person: what they do beside listening, and when, drawn from a seed.

Draws depend on the seed alone, never on the server's answers: the same person is as restless with a slow server.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from loadtests.mixes import HABITS, Habits

START_SPREAD_S = 5.0
"""Reading begins within this many session seconds."""
PRESS_EVERY_S = 0.4
"""Session seconds between two presses of one skip."""
LEAVES_AFTER_S = (0.1, 1.0)
"""Session seconds from the request for speech that they do not wait for until the tab is closed."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause, and play on after so many session seconds."""

    for_s: float


@dataclass(frozen=True, slots=True)
class Skip:
    """Press skip so many times: ``step`` 1 forward, -1 back."""

    step: int
    presses: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Go to the start of another page: ``far`` from 0, the next, towards 1, all round the chapter."""

    far: float


@dataclass(frozen=True, slots=True)
class Change:
    """Change voice or speed: ``which`` from 0 towards 1, through those that are not in use."""

    which: float


@dataclass(frozen=True, slots=True)
class Leave:
    """Close every tab ``after_s`` after the next request for speech, and come back ``away_s`` later."""

    after_s: float
    away_s: float


@dataclass(frozen=True, slots=True)
class OtherTab:
    """Pause here and play in the other tab, opened at ``where``, from 0 towards 1, through the chapter."""

    where: float


Deed = Pause | Skip | Jump | Change | Leave | OtherTab


class Person:
    """One person's draws.

    Args:
        mix: whose habits they have.
        seed: draws everything.
    """

    def __init__(self, mix: str, seed: str) -> None:
        self._habits = HABITS[mix]
        self._rates = _RATES[mix]
        draws = random.Random(seed)
        self.starts_after_s = draws.uniform(0, START_SPREAD_S)
        """Session seconds until they begin to read."""
        # A stream each, as skims follow the blocks that are heard; 2.5 kB, kept only where more is drawn.
        self._draws = draws if self._rates else None
        self._skims = random.Random(f"{seed}:skims") if self._habits.skims_s else None

    def next_deed(self) -> tuple[float, Deed] | None:
        """Draws what they do next, and how many session seconds after the last deed was over; None: nothing."""
        if self._draws is None:
            return None
        wait_s = self._draws.expovariate(sum(self._rates.values()) / 60)
        (name,) = self._draws.choices(list(self._rates), list(self._rates.values()))
        return wait_s, _DEEDS[name](self._habits, self._draws)

    def next_skim(self) -> tuple[float, Skip | Jump] | None:
        """Draws how much of a block they hear, in session seconds, and how they go on; None: they hear it out."""
        if self._skims is None or self._habits.skims_s is None:
            return None
        heard_s = self._skims.uniform(*self._habits.skims_s)
        turns_page = self._skims.random() < self._habits.skims_a_page
        return heard_s, Jump(0.0) if turns_page else Skip(1, 1)


_DEEDS: dict[str, Callable[[Habits, random.Random], Deed]] = {
    "pauses_per_min": lambda habits, draws: Pause(draws.uniform(*habits.pause_s)),
    "skips_forward_per_min": lambda habits, draws: Skip(1, draws.randint(1, habits.most_presses)),
    "skips_back_per_min": lambda habits, draws: Skip(-1, draws.randint(1, habits.most_presses)),
    "jumps_per_min": lambda habits, draws: Jump(draws.random()),
    "changes_per_min": lambda habits, draws: Change(draws.random()),
    "leaves_per_min": lambda habits, draws: Leave(
        draws.uniform(*LEAVES_AFTER_S), draws.uniform(*habits.away_s)
    ),
    "tabs_per_min": lambda habits, draws: OtherTab(draws.random()),
}
"""How each deed is drawn, under the name of its rate."""

_RATES: dict[str, dict[str, float]] = {
    mix: {name: rate for name in _DEEDS if (rate := getattr(habits, name)) > 0}
    for mix, habits in HABITS.items()
}
