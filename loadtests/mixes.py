"""Mixes: what kinds of people read, what each kind does beside listening, and which reader is of which kind.

The rates and ranges are assumptions, not measured on people (docs/reference/readers.md says what each stands for).
``python -m loadtests.mixes steady=3,restless=1`` prints who reads in a mix: 0, or 2 and one line.
"""

import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

Range = tuple[float, float]
"""From and to, in session seconds; every value between is as likely."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What people of one kind do. Rates are per session minute of being there (not paused, not away).

    Attributes:
        pauses_per_min: they pause, and play on after ``pause_s``.
        pause_s: how long a pause lasts.
        skips_forward_per_min: they go to the next block, pressing one to ``most_presses`` times.
        skips_back_per_min: the same, backward.
        most_presses: presses of one skip, each number as likely.
        jumps_per_min: they go to the start of another page of the chapter.
        changes_per_min: they change voice or speed.
        leaves_per_min: they close every tab while speech is on its way, and come back after ``away_s``.
        away_s: how long they stay away.
        tabs_per_min: they pause here and play in the other of two tabs.
        skims_s: how much of each block they hear before they go on; None: all of it.
        skims_a_page: share of skims that go to the next page instead of the next block.
    """

    pauses_per_min: float = 0.0
    pause_s: Range = (2.0, 30.0)
    skips_forward_per_min: float = 0.0
    skips_back_per_min: float = 0.0
    most_presses: int = 3
    jumps_per_min: float = 0.0
    changes_per_min: float = 0.0
    leaves_per_min: float = 0.0
    away_s: Range = (5.0, 60.0)
    tabs_per_min: float = 0.0
    skims_s: Range | None = None
    skims_a_page: float = 0.0


HABITS: dict[str, Habits] = {
    "steady": Habits(),
    "restless": Habits(
        pauses_per_min=0.4,
        skips_forward_per_min=0.5,
        skips_back_per_min=0.3,
        jumps_per_min=0.2,
        changes_per_min=0.1,
        leaves_per_min=0.1,
        tabs_per_min=0.1,
    ),
    "skimming": Habits(skims_s=(3.0, 8.0), skims_a_page=0.2),
    "dialogue": Habits(),
}
"""The habits of each mix. ``dialogue`` is steady: what differs is that its blocks are short."""
MIXES: tuple[str, ...] = tuple(HABITS)

_LONGEST_ROUND = 10_000


class MixError(Exception):
    """A text that names no mix; one line for the user."""


@dataclass(frozen=True)
class Mix:
    """How many readers are of which kind.

    Attributes:
        weights: each kind with its weight, none twice; at least one is above 0.
    """

    weights: tuple[tuple[str, int], ...]

    def of_reader(self, number: int) -> str:
        """Returns the kind of reader ``number``: each in turn is the one that is furthest behind its weight."""
        return self._round[number % len(self._round)][0]

    def rank(self, number: int) -> int:
        """Returns how many of the readers before ``number`` are of its kind.

        Taken for a reader's place in the document, it spreads the readers of each kind over all of it.
        """
        rounds, at = divmod(number, len(self._round))
        kind, rank = self._round[at]
        return rounds * self._in_a_round[kind] + rank

    @cached_property
    def _round(self) -> list[tuple[str, int]]:
        # Once every kind has exactly its weight, it begins anew: after this many readers at the latest.
        total = sum(weight for _, weight in self.weights)
        behind = dict.fromkeys((kind for kind, _ in self.weights), 0)
        ranks: Counter[str] = Counter()
        turns = []
        for _ in range(min(_LONGEST_ROUND, total)):
            for kind, weight in self.weights:
                behind[kind] += weight
            kind = max(behind, key=behind.__getitem__)
            behind[kind] -= total
            turns.append((kind, ranks[kind]))
            ranks[kind] += 1
        return turns

    @cached_property
    def _in_a_round(self) -> Counter[str]:
        return Counter(kind for kind, _ in self._round)


def parse_mix(text: str) -> Mix:
    """Reads a mix such as ``steady`` or ``steady=3,restless=1``; a kind without a weight has weight 1.

    Raises:
        MixError: a kind is unknown or named twice, a weight is no number from 0 up, or all of them are 0.
    """
    weights: dict[str, Fraction] = {}
    for part in text.split(","):
        name, equals, weight = (word.strip() for word in part.partition("="))
        if name not in HABITS:
            raise MixError(
                f"{text!r}: {name!r} is no mix. Use {', '.join(MIXES)}, as in steady=3,restless=1."
            )
        if name in weights:
            raise MixError(f"{text!r}: {name} is named twice. Name each of {', '.join(MIXES)} once at most.")
        weights[name] = _weight(text, weight) if equals else Fraction(1)
    if not any(weights.values()):
        raise MixError(
            f"{text!r}: nobody is left, all weights are 0. Give one of {', '.join(MIXES)} a weight."
        )
    scale = math.lcm(*(weight.denominator for weight in weights.values()))
    whole = {kind: int(weight * scale) for kind, weight in weights.items()}
    return Mix(tuple((kind, weight // math.gcd(*whole.values())) for kind, weight in whole.items()))


def _weight(text: str, weight: str) -> Fraction:
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise MixError(
            f"{text!r}: {weight!r} is no weight for one of {', '.join(MIXES)}. Use a number such as 3."
        )
    return Fraction(repr(value))  # 0.1 is a tenth here, not what binary makes of it


def main(arguments: Sequence[str]) -> int:
    """Prints the kinds of people in the mixes given, one a line; 2 and one line when one is none."""
    try:
        kinds = [kind for text in arguments for kind, weight in parse_mix(text).weights if weight]
    except MixError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(kinds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
