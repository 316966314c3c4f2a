"""The suite's cases: each is a module that measures."""

import inspect
from pathlib import Path

import pytest

from benchmarks.suite.registry import CASES, measures

README = (Path(__file__).parents[3] / "benchmarks" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_a_case_measures_as_the_suite_asks(name: str) -> None:
    """GIVEN a case's name THEN its module has `measure`, of effort, folder and a way to tell."""
    (measure,) = measures([name]).values()
    assert list(inspect.signature(measure).parameters) == ["effort", "folder", "tell"]


def test_every_case_is_in_the_readme_and_no_other() -> None:
    """GIVEN the README's table of cases THEN it has each, in the suite's order."""
    section = README.partition("## The suite")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]
    assert rows == [f"`{name}`" for name in CASES]
