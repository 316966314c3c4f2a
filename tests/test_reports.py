"""What is published can be judged again, and the docs quote it as it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.run_folder import RunFolder
from profiles.verdict import verdict_of
from profiles.verdict_record import VerdictRecord

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / "reports"
RUNS = sorted(path.parent for path in REPORTS.glob("*/*/run.json") if path.parts[-3] != "runs")


def published(report: str) -> dict[str, dict[str, Any]]:
    """The verdicts of a published report, by scenario."""
    comparison = json.loads((REPORTS / report / "comparison.json").read_text(encoding="utf-8"))
    return {record["scenario"]: record for record in comparison["scenarios"]}


def test_something_is_published() -> None:
    """The comparison at pace 5 and the one at pace 1 are in the repository, with their run folders."""
    assert {run.parent.name for run in RUNS} >= {"compare", "pace-1"}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.parent.name}/{run.name}")
def test_a_published_run_judged_again_has_its_published_verdict(run: Path) -> None:
    """GIVEN a published run's folder THEN its verdict is what was published, but for fields that came later."""
    again = json.loads(verdict_of(RunFolder(run)).model_dump_json())
    was = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    assert {key: again.get(key) for key in was} == was
    assert was == published(run.parent.name)[run.name]


def row(record: VerdictRecord) -> str:
    """One line of the README's table."""
    if record.server_kills:
        end = f"**killed by the kernel** after {record.killed_after_s:.0f} s"
    elif record.oom_kills:
        end = f"**{record.oom_kills} aligners killed by the kernel**"
    else:
        end = record.verdict
    silence = "none" if not record.stalls else f"{record.stalls} stalls"
    return (
        f"| `{record.scenario}` | {end} | {record.peak_anon_mb:,.0f} MB | {record.peak_children} "
        f"| {silence} |"
    )


@pytest.mark.parametrize("report", ["compare", "pace-1"])
def test_the_readme_quotes_the_published_figures(report: str) -> None:
    """GIVEN the published verdicts THEN the README has a line for each, with these figures."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for record in published(report).values():
        assert row(VerdictRecord.model_validate(record)) in readme
