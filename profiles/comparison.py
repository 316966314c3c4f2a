"""`comparison.json`: the verdicts of several runs side by side, with the conditions of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from profiles.errors import OomproofError
from profiles.run_folder import RunFolder


class ComparisonError(OomproofError):
    """A verdict or comparison file that cannot be reported; the message names file, key and value."""


class Outcome(BaseModel):
    """One `verdict.json` as a report reads it. None: not measured. Fields unknown here are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    scenario: str
    verdict: str
    load_kind: str = "readers"
    mode: str | None = None
    evidence: tuple[str, ...] = ()
    killed_after_s: float | None = None
    first_kill_s: float | None = None
    victim: str | None = None
    victim_role: str | None = None
    held_at_kill: dict[str, Any] = {}
    server_kills: int = 0
    child_kills: int = 0
    oom_kills: int = 0
    restarts: int = 0
    readers: int | None = None
    pace: float | None = None
    pace1_equivalent_readers: float | None = None
    session_s: float | None = None
    vm_memory_mb: float | None = None
    vm_cpu: float | None = None
    vm_share_of_core: float | None = None
    vm_backend: str | None = None
    budget_mb: float | None = None
    cpu_s: float | None = None
    throttled_s: float | None = None
    balance_left_s: float | None = None
    document_sha256: str | None = None
    document_pages: int | None = None
    peak_vm_mb: float | None = None
    kernel_peak_vm_mb: float | None = None
    peak_anon_mb: float | None = None
    peak_server_rss_mb: float | None = None
    peak_tree_rss_mb: float | None = None
    peak_children: int | None = None
    steady_rss_mb: float | None = None
    growth_mb_per_hour: float | None = None
    chunk_p50_ms: float | None = None
    chunk_p95_ms: float | None = None
    chunk_p99_ms: float | None = None
    tts_p50_ms: float | None = None
    tts_p95_ms: float | None = None
    first_audio_p50_ms: float | None = None
    blocks_played: int | None = None
    stalls: int | None = None
    stall_s: float | None = None
    timings_refused: int | None = None
    requests: int | None = None
    failures: int | None = None
    load_cpu_share: float | None = None
    load_peak_rss_mb: float | None = None
    recorder_cpu_share: float | None = None
    longest_sample_gap_s: float | None = None
    samples: int | None = None
    expected: dict[str, Any] = {}
    met: bool | None = None


@dataclass(frozen=True)
class Comparison:
    """Outcomes in the order they are shown; `runs` holds the `run.json` of each, in the same order."""

    created_at: str
    outcomes: tuple[Outcome, ...]
    runs: tuple[Mapping[str, Any], ...]

    @property
    def machine(self) -> Mapping[str, Any]:
        """The machine of the first run that names one."""
        return next((found for run in self.runs if (found := run.get("machine"))), {})


def compare(folders: Sequence[RunFolder]) -> Comparison:
    """Return the comparison of judged runs, in the order given.

    Raises:
        ComparisonError: a run has no verdict, or one that cannot be read.
    """
    outcomes = []
    for folder in folders:
        if not folder.verdict:
            raise ComparisonError(f"{folder.path}: has no verdict.json. Judge the run before it is reported.")
        outcomes.append(_outcome(folder.verdict, folder.path / "verdict.json"))
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Comparison(created_at, tuple(outcomes), tuple(folder.run for folder in folders))


def save_comparison(comparison: Comparison, path: Path) -> None:
    """Write `comparison.json`, aside and renamed, so that no reader finds half of it."""
    document = {
        "created_at": comparison.created_at,
        "machine": comparison.machine,
        "scenarios": [outcome.model_dump(mode="json", exclude_unset=True) for outcome in comparison.outcomes],
        "runs": comparison.runs,
    }
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)


def load_comparison(path: Path) -> Comparison:
    """Return a comparison that was saved.

    Raises:
        ComparisonError: the file is missing or is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        outcomes = tuple(_outcome(verdict, path) for verdict in document["scenarios"])
        runs = tuple(document.get("runs") or [{} for _ in outcomes])
        return Comparison(str(document["created_at"]), outcomes, runs)
    except OSError as error:
        raise ComparisonError(f"{path}: {error.strerror}. Give the comparison.json of a report.") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ComparisonError(
            f"{path}: is no comparison ({error}). Give the comparison.json of a report."
        ) from None


def _outcome(verdict: Mapping[str, object], path: Path) -> Outcome:
    try:
        return Outcome.model_validate(verdict)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ComparisonError(f"{path}: {key}: {first['msg']}. Judge the run again.") from None
