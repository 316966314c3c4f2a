"""docs/reference/baselines.md says what a baseline holds: no more, no less; and what it holds is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from profiles.gate.baseline_record import SCHEMA_VERSION, Baseline, BaselineRun
from profiles.gate.conditions import Conditions
from profiles.gate.metrics import METRICS
from profiles.gate.strict_json import Part, mistake

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "baselines.md"
UNITS = {"_mb": "MB", "_gb": "GB", "_s": "s", "_version": "number"}


def documented(heading: str) -> dict[str, str]:
    """The first two columns of the table below a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]*)` \| ([^|]*?) \|", section, flags=re.MULTILINE))


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The fields of a part of the file, dotted; a scenario's own tables are described on a page of theirs."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, Part) and kind is not Conditions:
            yield from fields(kind, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.parametrize(
    ("heading", "model"), [("The file", Baseline), ("Conditions", Conditions), ("Runs", BaselineRun)]
)
def test_every_field_is_documented_and_no_other(heading: str, model: type[BaseModel]) -> None:
    """GIVEN the model THEN the table lists its fields in their order, each with a unit."""
    rows = documented(heading)
    assert list(rows) == list(fields(model))
    assert all(rows.values())
    for name, unit in rows.items():
        ending = next((ending for ending in UNITS if name.endswith(ending)), None)
        assert ending is None or unit == UNITS[ending], name


def test_every_metric_is_documented_with_its_unit() -> None:
    """GIVEN the gate's metrics THEN the table lists them, each with the unit that a baseline has it in."""
    assert documented("Figures") == {metric.name: metric.unit for metric in METRICS}


def test_the_page_names_the_version_of_the_format() -> None:
    """A reader of an old file can tell whether the page is about it."""
    assert f"version of this format: {SCHEMA_VERSION} |" in PAGE.read_text(encoding="utf-8")


def test_an_unknown_metric_is_named_with_the_known_ones() -> None:
    """GIVEN a figure of another oomproof THEN the line names it and every metric there is."""
    with pytest.raises(ValidationError) as caught:
        BaselineRun(started_at="", verdict="survived", figures={"peak_rss_mb": 1.0})
    known = ", ".join(metric.name for metric in METRICS)
    assert mistake(caught.value) == f"figures: no metric is called 'peak_rss_mb'. Known are {known}"
