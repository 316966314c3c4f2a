"""What a gate found: one decision a metric, one a scenario, one in all; everything a report needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from profiles.errors import EXIT_INCONCLUSIVE, EXIT_INVALID, EXIT_NOT_MET, EXIT_OK
from profiles.gate.metrics import Metric

Word = Literal["pass", "regressed", "inconclusive", "invalid"]
MetricWord = Literal["pass", "regressed", "inconclusive", "information", "unmeasured"]
EXIT_CODES: Mapping[Word, int] = {
    "pass": EXIT_OK, "regressed": EXIT_NOT_MET, "inconclusive": EXIT_INCONCLUSIVE, "invalid": EXIT_INVALID,
}  # fmt: skip


@dataclass(frozen=True)
class GateRun:
    """One run's figures, by the metrics' names and in their units, and what is needed to trust them.

    `folder` is where its recording is; None for a run that a baseline remembers. `curve` is the RSS of the process
    tree under load, as (seconds since the load's start, MB), thinned to what a plot needs. `peak_vm_mb` has the
    VM's page cache in it, `peak_vm_kept_mb` has not: the kernel gives that back before it kills. `oom_kills` were for
    the VM's limit; None: nobody knows.
    """

    verdict: str
    figures: Mapping[str, float | None]
    met: bool | None = None
    evidence: tuple[str, ...] = ()
    started_at: str = ""
    duration_s: float | None = None
    peak_vm_mb: float | None = None
    peak_vm_kept_mb: float | None = None
    oom_kills: int | None = None
    host_psi_some: float | None = None
    folder: Path | None = None
    curve: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: a state of the code, measured now, or a stored baseline.

    `name` is `base` or `head`; `described` says which state, such as `a32e9ed with changes not committed`.
    """

    name: str
    described: str


@dataclass(frozen=True)
class MetricDecision:
    """What the runs say of one metric.

    Attributes:
        metric: which.
        word: what it comes to.
        base: its values on that side, one a run.
        head: the same.
        shift: by how much head lies above base (Hodges-Lehmann), in the metric's unit; None where unknown.
        low: the lower end of the shift's interval, at the level that the correction leaves.
        high: the upper end.
        p: of a shift as high by chance alone, corrected for the number of metrics (Holm); None where not tested.
        least: the smallest rise that matters here.
        reason: one sentence in plain words.
    """

    metric: Metric
    word: MetricWord
    base: tuple[float, ...]
    head: tuple[float, ...]
    shift: float | None
    low: float | None
    high: float | None
    p: float | None
    least: float
    reason: str


@dataclass(frozen=True)
class BudgetCheck:
    """Whether head kept to what holds whatever the baseline says; `lines` say each limit and what was measured.

    `broken` are those lines whose limit was seen to be passed. Not kept and none broken: something was not measured,
    which proves nothing. `tree_limit_mb` and `vm_memory_mb` are what a picture draws; None: it draws none.
    """

    kept: bool
    lines: tuple[str, ...]
    broken: tuple[str, ...] = ()
    tree_limit_mb: float | None = None
    vm_memory_mb: float | None = None

    @property
    def unknown(self) -> bool:
        """Whether it is not kept only because something was not measured."""
        return not self.kept and not self.broken


@dataclass(frozen=True)
class ScenarioDecision:
    """What a scenario's runs come to; `notes` say what was left out and why, `ways_out` what to do.

    `base_retried` and `head_retried` are first tries whose places others took; those others are among the runs.
    """

    scenario: str
    word: Word
    reason: str
    metrics: tuple[MetricDecision, ...]
    budget: BudgetCheck
    notes: tuple[str, ...] = ()
    ways_out: tuple[str, ...] = ()
    base_runs: tuple[GateRun, ...] = ()
    head_runs: tuple[GateRun, ...] = ()
    base_retried: tuple[GateRun, ...] = ()
    head_retried: tuple[GateRun, ...] = ()


@dataclass(frozen=True)
class GateOutcome:
    """The whole verdict of a gate, with its conditions (machine, versions, document, VM) for the report."""

    scenarios: tuple[ScenarioDecision, ...]
    base: Side | None
    head: Side
    took_s: float
    created_at: str
    conditions: Mapping[str, object] = field(default_factory=dict)

    @property
    def word(self) -> Word:
        """One proven regression decides; then what could not be measured; then what could not be told."""
        words = {decision.word for decision in self.scenarios}
        order: tuple[Word, ...] = ("regressed", "invalid", "inconclusive", "pass")
        return next((word for word in order if word in words), "invalid")

    @property
    def exit_code(self) -> int:
        """The exit code of `oomproof gate`."""
        return EXIT_CODES[self.word]
