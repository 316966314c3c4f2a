"""What an hour's soak leaves to be published."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from tests.fly.hour import PUBLISHED

REPORT = Path(__file__).parents[2] / "reports" / "compare" / "report.md"
"""Made by the same hand as a soak's."""


def test_what_a_report_leads_to_comes_along() -> None:
    """GIVEN the files beside it that a report leads to THEN each is published with it."""
    files = set(re.findall(r"\]\(([\w.-]+)\)", REPORT.read_text("utf-8")))
    assert {"comparison.json", "memory.svg"} <= files
    assert [name for name in files if not any(fnmatch(name, wanted) for wanted in PUBLISHED)] == []
