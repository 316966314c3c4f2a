"""`comparison.json`: the verdicts of several runs side by side, with the conditions of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from profiles.errors import OomproofError
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord


class ComparisonError(OomproofError):
    """A verdict or comparison file that cannot be reported; the message names file, key and value."""


@dataclass(frozen=True)
class Comparison:
    """VerdictRecords in the order they are shown; `runs` holds the `run.json` of each, in the same order."""

    created_at: str
    outcomes: tuple[VerdictRecord, ...]
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


def _outcome(verdict: Mapping[str, object], path: Path) -> VerdictRecord:
    try:
        return VerdictRecord.model_validate(verdict)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ComparisonError(f"{path}: {key}: {first['msg']}. Judge the run again.") from None
