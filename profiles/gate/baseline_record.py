"""What a baseline's file holds: a scenario's runs at one commit, and their conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from profiles.gate.conditions import Conditions
from profiles.gate.metrics import BY_NAME
from profiles.gate.strict_json import Part
from profiles.gate.tree_state import TreeState
from profiles.scenario import Verdict

SCHEMA_VERSION = 1


class BaselineRun(Part):
    """One run that a baseline remembers, in the metrics' units, MB (MiB), seconds and percent.

    Figures that were not measured are left out. `evidence` is kept of a run that did not survive.
    """

    started_at: str
    verdict: Verdict
    met: bool | None = None
    duration_s: float | None = None
    peak_vm_mb: float | None = None
    peak_vm_kept_mb: float | None = None
    host_psi_some: float | None = None
    evidence: tuple[str, ...] | None = None
    figures: dict[str, float]
    curve: tuple[tuple[float, float], ...] = ()

    @field_validator("figures")
    @classmethod
    def _are_known(cls, figures: Mapping[str, float]) -> Mapping[str, float]:
        if unknown := figures.keys() - BY_NAME.keys():
            raise ValueError(f"no metric is called {min(unknown)!r}. Known are {', '.join(BY_NAME)}")
        return figures


class Baseline(Part):
    """What a gate compares with: a scenario's runs at one commit, and their conditions.

    `dirty`: the tree had changes that were not committed, so `commit` (None: not known) does not tell all.
    """

    schema_version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    scenario: str
    created_at: str
    commit: str | None = None
    dirty: bool
    conditions: Conditions
    runs: Annotated[tuple[BaselineRun, ...], Field(min_length=1)]

    @property
    def described(self) -> str:
        """Which state of the code was measured, in words."""
        return TreeState(self.commit, dirty=self.dirty).described
