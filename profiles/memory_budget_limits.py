"""What a test's mark allows: `@pytest.mark.memory_budget(rss_mb=300, growth_kib_per_call=4, children=2)`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

EXAMPLE = "@pytest.mark.memory_budget(rss_mb=300)"


@dataclass(frozen=True)
class Limits:
    """What is allowed; None is not limited.

    Attributes:
        rss_mb: RSS of a process and all below it together, in MB of 1,048,576 bytes.
        growth_kib_per_call: by how much that may grow with each call, in KiB.
        children: how many processes below it there may be at once.
    """

    rss_mb: float | None = None
    growth_kib_per_call: float | None = None
    children: int | None = None

    @property
    def given(self) -> dict[str, float]:
        """The limits that there are, by their names."""
        values = {name: getattr(self, name) for name in NAMES}
        return {name: value for name, value in values.items() if value is not None}


NAMES = tuple(field.name for field in fields(Limits))


def limits_of(args: Sequence[object], kwargs: Mapping[str, object]) -> Limits:
    """Return the limits of a mark's arguments.

    Raises:
        ValueError: one is not known or not possible, or there is none; the message names it and the way out.
    """
    if args:
        raise ValueError(f"{args[0]!r} has no name, so nobody knows what it limits. Such as {EXAMPLE}")
    if unknown := [name for name in kwargs if name not in NAMES]:
        raise ValueError(f"{unknown[0]} is not known. There are {', '.join(NAMES)}.")
    if not kwargs:
        raise ValueError(f"it allows nothing and forbids nothing. Give a limit, such as {EXAMPLE}")
    for name, value in kwargs.items():
        if problem := _problem(name, value):
            raise ValueError(f"{name}={value!r} is {problem}")
    return Limits(**kwargs)  # type: ignore[arg-type]  # looked at above, one by one


def _problem(name: str, value: object) -> str:
    if name == "children":
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return "" if whole else "no number of processes. Give 0 or a whole number above it."
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "no number. Leave it out where there is no limit."
    if value < 0:
        return "below zero."
    return "no memory at all, and a process has some." if name == "rss_mb" and value == 0 else ""
