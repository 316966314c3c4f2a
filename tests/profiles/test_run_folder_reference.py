"""docs/reference/run-folder.md says what the code writes: no more, no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from profiles.listeners import LISTENER_COLUMNS
from profiles.run_folder import REQUEST_COLUMNS, SAMPLE_COLUMNS
from profiles.verdict_record import VerdictRecord

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "run-folder.md"


def documented(heading: str) -> dict[str, str]:
    """The first two columns of the table below a heading."""
    section = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*?) \|", section, flags=re.MULTILINE)
    return {name: unit for names, unit in rows for name in re.findall(r"\w+", names)}


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("samples.csv", SAMPLE_COLUMNS),
        ("requests.csv", REQUEST_COLUMNS),
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
