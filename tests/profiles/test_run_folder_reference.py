"""docs/reference/run-folder.md says what the code writes: no more, no less."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests import watch
from profiles.capacity import AIM_KEY
from profiles.listeners import LISTENER_COLUMNS
from profiles.run_folder import REQUEST_COLUMNS, SAMPLE_COLUMNS
from profiles.verdict_record import VerdictRecord

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "run-folder.md"
SOURCES = [ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "profiles").glob("*.py"))]
PUBLISHED = sorted((ROOT / "reports").glob("[!r]*/*/run.json"))


def section(heading: str) -> str:
    """What stands below a heading."""
    return PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]


def documented(heading: str) -> dict[str, str]:
    """The first two columns of the table below a heading."""
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*?) \|", section(heading), flags=re.MULTILINE)
    return {name: unit for names, unit in rows for name in re.findall(r"\w+", names)}


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("samples.csv", SAMPLE_COLUMNS),
        ("requests.csv", REQUEST_COLUMNS),
        ("generator.csv", watch.COLUMNS),
        ("verdict.json", tuple(VerdictRecord.model_fields)),
        ("listeners.csv", LISTENER_COLUMNS),
    ],
)
def test_every_column_is_documented(heading: str, written: tuple[str, ...]) -> None:
    """Columns and fields stand on the page under their names, each with a unit."""
    rows = documented(heading)
    assert set(rows) == set(written)
    assert all(rows.values())


def test_a_unit_in_a_name_is_the_unit_on_the_page() -> None:
    """A name that ends in a unit is documented with that unit."""
    units = {"_bytes": "bytes", "_mb": "MB", "_ms": "ms", "_s": "s", "_mb_per_hour": "MB per hour"}
    for heading in ("samples.csv", "requests.csv", "verdict.json", "listeners.csv"):
        for name, unit in documented(heading).items():
            ending = max((end for end in units if name.endswith(end)), key=len, default=None)
            assert ending is None or unit == units[ending], name


def written_events() -> Iterator[str]:
    """The events that the code writes by name: the first argument of `events.write`, where it is a text or two."""
    calls = (node for source in SOURCES for node in ast.walk(source) if isinstance(node, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Attribute) and re.search(r"events\.write$", ast.unparse(call.func)):
            yield from (str(part.value) for part in ast.walk(call.args[0]) if isinstance(part, ast.Constant))


def test_every_event_is_documented() -> None:
    """GIVEN the events that the code writes THEN the page names each, and none that no module knows."""
    table = section("events.jsonl").split("\n### ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
        for name in re.findall(r"\w+", row)
    }
    assert "oom_kill" in named
    assert set(written_events()) - named == set()
    every_text = {
        node.value for source in SOURCES for node in ast.walk(source) if isinstance(node, ast.Constant)
    }
    assert named - every_text == set()


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: f"{path.parts[-3]}/{path.parts[-2]}")
def test_every_condition_of_a_run_is_documented(path: Path) -> None:
    """GIVEN a published run's conditions THEN the page names each, and what VM and machine were."""
    run: dict[str, Any] = json.loads(path.read_text("utf-8"))
    named = set(re.findall(r"`(\w+)`", section("run.json")))
    assert {*run, *run["vm"], *run["machine"], AIM_KEY} - named == set()
