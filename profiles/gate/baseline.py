"""Baselines: what a scenario's runs showed at one commit, in a file that is measured and never edited."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from profiles.errors import OomproofError, RunError
from profiles.gate.baseline_record import SCHEMA_VERSION, Baseline
from profiles.gate.conditions import Conditions
from profiles.gate.gate_run import rounded, tenth
from profiles.gate.metrics import BY_NAME
from profiles.gate.outcome import GateRun
from profiles.gate.sides import unmet
from profiles.gate.strict_json import mistake, parse, to_text
from profiles.gate.tree_state import TreeState

__all__ = [
    "BASELINE_FOLDER",
    "Baseline",
    "baseline_of",
    "baseline_path",
    "check_committed",
    "check_worth_keeping",
    "read_baseline",
    "to_gate_runs",
    "write_baseline",
]

BASELINE_FOLDER = Path("reports", "baselines")
"""Where the repository keeps them."""
SURVIVED = "survived"


def check_committed(state: TreeState) -> None:
    """Refuse to make a baseline of what nobody could measure again.

    Raises:
        OomproofError: the tree has changes that are not committed, or its commit is not known.
    """
    if state.commit is None or state.dirty:
        raise OomproofError(
            f"baseline of {state.described}: nobody could measure it again. Commit what it is made of, or give "
            "--allow-dirty."
        )


def check_worth_keeping(runs: Sequence[GateRun]) -> None:
    """Refuse to make a baseline of runs that did not all survive, or did something else than their scenario expects.

    Raises:
        RunError: there are no runs, or one of them is not worth keeping.
    """
    if not runs:
        raise RunError("baseline: there are no runs. Measure some first.")
    for number, run in enumerate(runs, start=1):
        if run.verdict != SURVIVED:
            why = f" ({run.evidence[0]})" if run.evidence else ""
            raise RunError(
                f"baseline: run {number} of {len(runs)} was {run.verdict}{why}. A baseline is of runs that all "
                "survived: mend what ended it, and measure again."
            )
        if run.met is False:
            why = f" ({'; '.join(unmet(run))})" if unmet(run) else ""
            raise RunError(
                f"baseline: run {number} of {len(runs)} did not show what its scenario expects{why}. Mend that, or "
                "change what the scenario expects, and measure again."
            )


def baseline_of(
    scenario: str, runs: Sequence[GateRun], conditions: Conditions, *, commit: str | None, dirty: bool
) -> Baseline:
    """Return the baseline that runs make, with figures to a tenth of their unit; see `check_worth_keeping` first.

    Raises:
        RunError: there are no runs, they are of a profiled server, or a figure is no finite number.
    """
    if conditions.profiled:
        raise RunError(
            f"baseline of {scenario}: its server ran under memray. Measure again without --memray."
        )
    try:
        return Baseline.model_validate(
            {
                "schema_version": SCHEMA_VERSION,
                "scenario": scenario,
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "commit": commit,
                "dirty": dirty,
                "conditions": conditions,
                "runs": tuple(_remembered(run) for run in runs),
            }
        )
    except ValidationError as error:
        raise RunError(f"baseline of {scenario}: {mistake(error)}. Measure again.") from None


def to_gate_runs(baseline: Baseline) -> tuple[GateRun, ...]:
    """Return its runs as the gate takes them: every metric has a value, or None where it was not measured."""
    return tuple(
        GateRun(
            verdict=run.verdict,
            figures={name: run.figures.get(name) for name in BY_NAME},
            met=run.met,
            evidence=run.evidence or (),
            started_at=run.started_at,
            duration_s=run.duration_s,
            peak_vm_mb=run.peak_vm_mb,
            peak_vm_kept_mb=run.peak_vm_kept_mb,
            host_psi_some=run.host_psi_some,
            curve=run.curve,
        )
        for run in baseline.runs
    )


def baseline_path(folder: Path, scenario: str) -> Path:
    """Return where the baseline of a scenario lies in a folder of baselines."""
    return folder / f"{scenario}.json"


def read_baseline(path: Path) -> Baseline:
    """Return the baseline in a file.

    Raises:
        OomproofError: it is missing or damaged in any way; names path, place and the way out.
    """
    name = shlex.quote(path.stem)
    anew = f"Take it from version control, or write it anew with: oomproof baseline {name} --replace"
    try:
        text = path.read_text(encoding="utf-8")
        _check_schema(parse(text))
        baseline = Baseline.model_validate_json(text, by_name=True)
    except FileNotFoundError:
        raise OomproofError(
            f"{path}: there is no such baseline. Make one with: oomproof baseline {name}"
        ) from None
    except OSError as error:
        raise OomproofError(f"{path}: {error.strerror}. See to the file, or give another folder.") from None
    except UnicodeDecodeError as error:
        raise OomproofError(f"{path}: byte {error.start}: not UTF-8 text. {anew}") from None
    except ValidationError as error:
        raise OomproofError(f"{path}: {mistake(error)}. {anew}") from None
    except ValueError as error:
        raise OomproofError(f"{path}: {error}. {anew}") from None
    if baseline.scenario != path.stem:
        raise OomproofError(f"{path}: scenario: {baseline.scenario!r} is not what the file is called. {anew}")
    return baseline


def write_baseline(baseline: Baseline, path: Path, *, replace: bool) -> None:
    """Write a baseline, aside and renamed, so that no reader finds half of it.

    Raises:
        OomproofError: there is one already, and nobody asked to replace it.
    """
    if path.exists() and not replace:
        raise OomproofError(
            f"{path}: there is a baseline already. Give --replace to write another in its place."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.tmp")
    try:
        document = baseline.model_dump(mode="json", exclude_none=True)
        aside.write_text(to_text(document) + "\n", encoding="utf-8")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _remembered(run: GateRun) -> dict[str, object]:
    measured = {name: value for name, value in rounded(run.figures).items() if value is not None}
    return {
        "started_at": run.started_at,
        "verdict": run.verdict,
        "met": run.met,
        "duration_s": None if run.duration_s is None else tenth(run.duration_s),
        "peak_vm_mb": None if run.peak_vm_mb is None else tenth(run.peak_vm_mb),
        "peak_vm_kept_mb": None if run.peak_vm_kept_mb is None else tenth(run.peak_vm_kept_mb),
        "host_psi_some": None if run.host_psi_some is None else round(run.host_psi_some, 2),
        "evidence": None if run.verdict == SURVIVED else run.evidence,
        "figures": measured,
        "curve": run.curve,
    }


def _check_schema(found: object) -> None:
    version = found.get("schema_version") if isinstance(found, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version == SCHEMA_VERSION:
        return  # or of a wrong type, which the model tells
    if version > SCHEMA_VERSION:
        raise ValueError(f"schema_version: {version} is of a newer oomproof; {SCHEMA_VERSION} is known here")
    raise ValueError(f"schema_version: {version} is unknown, {SCHEMA_VERSION} is known")
