"""What the page on growth is made of, and how it tells what is not measured."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.store import BYTES_PER_S
from benchmarks.suite import growth_inputs as inputs
from benchmarks.suite.growth_prediction import Cost
from benchmarks.suite.result import Value
from benchmarks.suite.tables import number

LATER = "not measured yet"


@dataclass(frozen=True)
class Known:
    """What the page is made of: a result, where there is one, and the size of a real chunk."""

    value: Value | None
    block_bytes: float

    @property
    def block_s(self) -> float:
        """How long a block plays."""
        return self.block_bytes / BYTES_PER_S

    @property
    def cost(self) -> Cost | None:
        """What a reader takes; None where it is not measured."""
        return None if self.value is None else inputs.cost_of(self.value, self.block_bytes)

    def figure(self, name: inputs.Name) -> float | None:
        """Return a figure of ours; None where it is not measured."""
        return None if self.value is None else inputs.figure(self.value, name)


def told(value: float | None, unit: str) -> str:
    """Return a number with its unit, or that there is none yet."""
    return LATER if value is None else f"{number(value)} {unit}"


def later() -> str:
    """Return what stands where nothing is measured yet."""
    return f"{LATER.capitalize()}."
