"""Invented outcomes of a gate: believable, and wholly made up. No figure in them was measured."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from profiles.gate.metrics import BY_NAME, METRICS
from profiles.gate.outcome import (
    BudgetCheck,
    GateOutcome,
    GateRun,
    MetricDecision,
    MetricWord,
    ScenarioDecision,
    Side,
    Word,
)

RUNS = 6
BASE = Side("base", "a32e9ed")
HEAD = Side("head", "fc060ac with changes not committed")
USUAL = {
    "peak_tree_rss_mb": 81.4,
    "steady_rss_mb": 80.9,
    "peak_anon_mb": 73.2,
    "growth_bytes_per_session": 3.1,
    "chunk_p95_ms": 19.4,
}
CONDITIONS: dict[str, object] = {
    "machine": {"cpu_model": "Invented CPU", "cpus": 2, "memory_mb": 24105},
    "vm_memory_mb": 4096,
    "vm_backend": "cgroup v1",
    "budget_mb": 2048,
    "document_sha256": "5e" * 32,
    "runs": RUNS,
    "alpha": 0.01,
}
KEPT = BudgetCheck(
    kept=True,
    lines=(
        "6 of 6 valid runs of head survived: kept",
        (
            "peak memory of the VM without its page cache: 130.5 MB at most; "
            "limit 3,686 MB (90% of the VM's 4,096 MB): kept"
        ),
        "peak RSS of the process tree: 93.5 MB at most; limit 2,048 MB (the budget): kept",
    ),
)


def curve(top_mb: float, seed: int, length_s: float = 60.0) -> tuple[tuple[float, float], ...]:
    """The RSS of a tree that climbs to `top_mb` in its first seconds, and wanders a little there."""
    chance = random.Random(seed)
    return tuple(
        (t / 2, round(top_mb - 10 * math.exp(-t / 12) + chance.gauss(0, 0.25), 2))
        for t in range(int(2 * length_s) + 1)
    )


def run(side: str, number: int, more_mb: float = 0.0, **changes: Any) -> GateRun:
    """One run of a side, `more_mb` above what is usual."""
    seed = number + (100 if side == "head" else 0)
    chance = random.Random(seed)
    figures: dict[str, float | None] = {
        name: round(usual + (more_mb if name.endswith("_mb") else 0) + chance.gauss(0, usual / 200), 2)
        for name, usual in USUAL.items()
    }
    peak_mb = figures["peak_tree_rss_mb"] or 0.0
    given: dict[str, Any] = {
        "verdict": "survived", "figures": figures, "met": True, "evidence": ("no kill in the kernel log",),
        "started_at": f"2026-11-23T11:{10 + number:02}:00+00:00", "duration_s": 60.2,
        "peak_vm_mb": 1310.5, "peak_vm_kept_mb": 130.5, "oom_kills": 0,
        "host_psi_some": 0.02, "folder": Path(f"/invented/gate/gate-cached/{side}-{number}"),
        "curve": curve(peak_mb, seed),
    }  # fmt: skip
    return GateRun(**{**given, **changes})


def runs(side: str, more_mb: float = 0.0, **changes: Any) -> tuple[GateRun, ...]:
    """All runs of a side."""
    return tuple(run(side, number, more_mb, **changes) for number in range(1, RUNS + 1))


def metric(name: str, word: MetricWord = "pass", rise: float = 0.1, **changes: Any) -> MetricDecision:
    """A decision on six values a side, of which head's lie `rise` higher."""
    about, usual = BY_NAME[name], USUAL[name]
    base = tuple(round(usual + (number - 3.5) / 10, 1) for number in range(RUNS))
    head = tuple(round(value + rise, 1) for value in base)
    reasons = {
        "pass": "pass, no rise of the 8 MB that matter",
        "regressed": "regressed, a rise of 8 MB matters",
        "inconclusive": "inconclusive, a rise of the 8 MB that matter may be there or not",
        "information": "for information",
        "unmeasured": "not measured in any run of base and head",
    }
    given: dict[str, Any] = {
        "metric": about, "word": word, "base": base, "head": head, "shift": rise, "low": rise - 0.4,
        "high": rise + 0.4, "p": 0.0043 if word == "regressed" else 0.62, "least": about.smallest_effect(median(base)),
        "reason": f"{about.title}: {reasons[word]}",
    }  # fmt: skip
    if word == "unmeasured":
        given |= {"base": (), "head": (), "shift": None, "low": None, "high": None, "p": None}
    return MetricDecision(**{**given, **changes})


def metrics(**words: MetricWord) -> tuple[MetricDecision, ...]:
    """A decision for each metric; what is not named passes, or informs."""
    rise = {"regressed": 11.9, "inconclusive": 5.0}
    return tuple(
        metric(about.name, word, rise.get(word, 0.1))
        for about in METRICS
        for word in [words.get(about.name, "pass" if about.judged else "information")]
    )


def scenario(word: Word = "pass", **changes: Any) -> ScenarioDecision:
    """A scenario that came to this word, as it usually does."""
    reasons = {
        "pass": "no metric rose by as much as matters, and the budget is kept",
        "regressed": "peak RSS of the process tree rose by 11.9 MB",
        "inconclusive": "a rise that matters may be there or not: steady RSS of the process tree",
        "invalid": "nothing measured: head has no valid run",
    }
    decided = {
        "pass": metrics(),
        "regressed": metrics(peak_tree_rss_mb="regressed", steady_rss_mb="regressed"),
        "inconclusive": metrics(steady_rss_mb="inconclusive"),
        "invalid": tuple(metric(about.name, "unmeasured") for about in METRICS),
    }
    given: dict[str, Any] = {
        "scenario": "gate-cached", "word": word, "reason": reasons[word], "metrics": decided[word], "budget": KEPT,
        "base_runs": runs("base"), "head_runs": runs("head", 11.9 if word == "regressed" else 0.1),
    }  # fmt: skip
    if word == "inconclusive":
        given["ways_out"] = (
            "`--runs 12`: about as many would tell, if runs go on to differ as these do.",
            "A quieter machine, or longer sessions: runs that differ less tell more.",
        )
    if word == "invalid":
        nothing = runs("head", verdict="invalid", figures={}, met=None, curve=())
        given |= {
            "budget": BudgetCheck(kept=False, lines=("nothing measured: head has no valid run",)),
            "head_runs": nothing,
        }
        given["notes"] = (
            "head: 6 of 6 runs are invalid and not compared (recorder: ended before the load did)",
        )
    return ScenarioDecision(**{**given, **changes})


def outcome(*scenarios: ScenarioDecision, **changes: Any) -> GateOutcome:
    """The outcome of a gate with these scenarios, else with one that passes."""
    given: dict[str, Any] = {
        "scenarios": scenarios or (scenario(),), "base": BASE, "head": HEAD, "took_s": 912.4,
        "created_at": "2026-11-23T11:40:00+00:00", "conditions": CONDITIONS,
    }  # fmt: skip
    return GateOutcome(**{**given, **changes})


def died() -> ScenarioDecision:
    """A scenario in which head's server was killed in two of six runs."""
    head = runs("head")
    log = ("Memory cgroup out of memory: Killed process 4242",)
    lost = tuple(
        replace(one, verdict="oom_killed", met=False, evidence=log, curve=one.curve[:40]) for one in head[:2]
    )
    lines = ("4 of 6 valid runs of head survived (2 oom_killed): not kept", *KEPT.lines[1:])
    return scenario(
        "regressed",
        metrics=metrics(),
        reason="budget not kept: 4 of 6 valid runs of head survived (2 oom_killed)",
        budget=BudgetCheck(kept=False, lines=lines, broken=lines[:1]),
        head_runs=(*lost, *head[2:]),
    )


def without_base() -> GateOutcome:
    """An outcome where no baseline could be used: the budget alone was checked."""
    lacking: dict[str, Any] = {"base": (), "shift": None, "low": None, "high": None, "p": None}
    alone = tuple(
        replace(
            found,
            word="information",
            reason=f"{found.metric.title}: 80.9 MB (median of 6 runs), not compared",
            **lacking,
        )
        for found in metrics()
    )
    why = "nothing was compared: the baseline was made on another machine (CPU model: Other CPU)"
    return outcome(
        scenario(metrics=alone, base_runs=(), notes=(why,), reason=f"{why}; the budget is kept"), base=None
    )


def everything() -> GateOutcome:
    """An outcome with a scenario of each word, each with a name of its own."""
    words: tuple[Word, ...] = ("regressed", "invalid", "inconclusive", "pass")
    return outcome(*(scenario(word, scenario=f"gate-{word}") for word in words))
