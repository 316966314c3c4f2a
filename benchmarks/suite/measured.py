"""What a case of the suite measured: figures of subjects side by side, ratios within pairs, and promises.

Machines drift, so a case takes its subjects by turns, round after round, and one round's figures are one pair: only
within a round are subjects compared. What is told is the median over the rounds, with the smallest and the largest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

Tell = Callable[[str], None]
"""Tells the person who waits, in one line, what is being done."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Effort:
    """How much is put into a case: the short form shows in minutes that it works, the full one is for publishing."""

    full: bool

    def of(self, short: _T, full: _T) -> _T:
        """Return what fits the form: a number of rounds, a duration, a size."""
        return full if self.full else short


@dataclass(frozen=True)
class Figure:
    """One quantity of one subject, once a round.

    Attributes:
        subject: whose: `oomproof`, `nginx`, `FileResponse` …
        setting: under what: `16 connections, keep-alive`, `1,000 readers` …
        quantity: of what: `requests/s`, `CPU a request`, `RSS a stream` …
        unit: `1/s`, `us`, `ms`, `kB`, `MB`, `1`.
        values: one of each round, in their order.
    """

    subject: str
    setting: str
    quantity: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(self.values)


@dataclass(frozen=True)
class Ratio:
    """One quantity of a subject over that of a peer, within each round."""

    quantity: str
    setting: str
    subject: str
    peer: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The ratio in the middle."""
        return median(self.values)


@dataclass(frozen=True)
class Promise:
    """Something that must hold.

    Attributes:
        text: what was promised, as a sentence with its number.
        measured: what was measured, in words with its number.
        holds: whether it does; None where this run could not tell (the short form, a peer that was not to be had).
    """

    text: str
    measured: str
    holds: bool | None


@dataclass(frozen=True)
class Measured:
    """All that a case has to say.

    Attributes:
        title: its heading.
        figures: of each subject and setting.
        ratios: of ours to each peer.
        promises: what must hold in it.
        notes: conditions, stand-ins, what was not measured and why; one sentence each.
        versions: of the peers' programs.
    """

    title: str
    figures: tuple[Figure, ...]
    ratios: tuple[Ratio, ...] = ()
    promises: tuple[Promise, ...] = ()
    notes: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


Measure = Callable[[Effort, Path, Tell], Measured]
"""A case: measures with this effort, keeps its files in the folder (empty, its own), and tells what it does.

Raises `BenchmarkError` where it cannot be measured here.
"""


def ratio_of(figures: Sequence[Figure], quantity: str, setting: str, subject: str, peer: str) -> Ratio:
    """Return a quantity of the subject over the peer's in each round, both under the same setting.

    Raises:
        KeyError: one of them was not measured.
        ValueError: they were not measured in the same rounds.
    """
    ours, theirs = (_find(figures, quantity, setting, name).values for name in (subject, peer))
    values = tuple(a / b for a, b in zip(ours, theirs, strict=True))
    return Ratio(quantity, setting, subject, peer, values)


def _find(figures: Sequence[Figure], quantity: str, setting: str, subject: str) -> Figure:
    for figure in figures:
        if (figure.quantity, figure.setting, figure.subject) == (quantity, setting, subject):
            return figure
    raise KeyError(f"{quantity} of {subject}, {setting}: not measured")
