"""The search for the largest number of readers: which number to try next, from the answers that there are.

It doubles from the first number until one fails, or halves it until one is carried, and then halves the gap
between the two on a logarithmic scale: a gap from 4 to 8 and one from 400 to 800 cost the same. Where the load
generator or the machine is the limit, more cannot be known: it ends there, or halves while nothing was carried. There
is no other state than the answers, so a search that broke off is continued, or told, from what it left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Answer = Literal["carried", "failed", "generator", "machine", "broken"]
"""What a number of readers showed; `generator`: the load was the limit, `machine`: this machine's CPU was, and neither
is the VM's; `broken`: nothing valid was measured."""


@dataclass(frozen=True)
class Plan:
    """Where to look: from `first` readers to at most `most`, until the bounds lie `within` a factor."""

    first: int = 4
    most: int = 1024
    within: float = 1.25

    @property
    def most_sizes(self) -> int:
        """How many numbers are tried at most, the steps up (or down) and those that halve the gap."""
        up = math.ceil(math.log2(self.most / self.first)) + 1
        down = math.ceil(math.log2(self.first)) + 1
        # Neighbours end it too, and have a ratio above 1 + 1 / most. Rounding to whole readers costs a step more.
        finest = max(self.within, 1 + 1 / self.most)
        halvings = math.ceil(math.log2(math.log(2) / math.log(finest))) + 1 if finest < 2 else 0
        return max(up, down) + halvings


@dataclass(frozen=True)
class Bounds:
    """What the answers say; None: no number gave that answer.

    Attributes:
        carried: the largest that was carried, where no smaller one failed.
        failed: the smallest that was not.
        odd: the largest that was carried although a smaller one failed: chance, or another aim than when it was run.
        generator: the smallest at which the load was the limit, of those that are neither known to be carried nor not.
        machine: the smallest of them at which this machine's CPU was.
        broken: the smallest at which nothing valid was measured.
    """

    carried: int | None = None
    failed: int | None = None
    generator: int | None = None
    machine: int | None = None
    broken: int | None = None
    odd: int | None = None

    @property
    def open(self) -> int | None:
        """The smallest number that the VM may carry or not: something else was the limit."""
        return min((size for size in (self.generator, self.machine) if size is not None), default=None)


def bounds(answers: Mapping[int, Answer]) -> Bounds:
    """Return what the answers, by number of readers, say."""

    def having(answer: Answer) -> list[int]:
        return [readers for readers, found in answers.items() if found == answer]

    failed = min(having("failed"), default=None)
    below = [readers for readers in having("carried") if failed is None or readers < failed]
    above = [readers for readers in having("carried") if failed is not None and readers > failed]
    carried = max(below, default=None)

    def between(answer: Answer) -> int | None:
        low, high = carried or 0, math.inf if failed is None else failed
        return min((readers for readers in having(answer) if low < readers < high), default=None)

    return Bounds(
        carried=carried,
        failed=failed,
        generator=between("generator"),
        machine=between("machine"),
        broken=min(having("broken"), default=None),
        odd=max(above, default=None),
    )


def next_size(plan: Plan, answers: Mapping[int, Answer]) -> int | None:
    """Return the number of readers to try next; None when the search is over."""
    known = bounds(answers)
    if known.broken is not None:
        return None
    if known.open is not None:
        return None if known.carried is not None else _half(known.open)
    if known.failed is None:
        return _higher(plan, known.carried)
    return _between(plan, known.carried, known.failed)


def _higher(plan: Plan, carried: int | None) -> int | None:
    if carried is None:
        return plan.first
    return None if carried >= plan.most else min(2 * carried, plan.most)


def _between(plan: Plan, carried: int | None, failed: int) -> int | None:
    if carried is None:
        return _half(failed)
    if failed - carried <= 1 or failed <= carried * plan.within:
        return None
    middle = round(math.sqrt(carried * failed))
    return min(max(middle, carried + 1), failed - 1)


def _half(readers: int) -> int | None:
    return (readers + 1) // 2 if readers > 1 else None
