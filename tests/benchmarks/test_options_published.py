"""What is published of the options is what their runs say, and the docs quote it; what they cite exists."""

import ast
import json
import re
from pathlib import Path

import pytest

from benchmarks.options_heap import captured_runs
from benchmarks.options_quote import LATER, PAGES, RESULT, quoted
from benchmarks.options_report import result_of
from benchmarks.options_runs import read_runs
from profiles.run_folder import RunFolder
from profiles.verdict import verdict_of

ROOT = Path(__file__).parents[2]
OUT = RESULT.parent
RUNS = sorted(path.parent for path in OUT.glob("balance-*/*/verdict.json"))
VERIFICATION = ROOT / "docs" / "verification.md"


def test_runs_and_their_report_are_published_together() -> None:
    """GIVEN runs in the repository THEN their report is there, and no report without runs."""
    names = ("options.json", "options.md", "options.html", "peaks.svg", "peaks.png")
    assert [(OUT / name).exists() for name in names] == [bool(RUNS)] * len(names)


@pytest.mark.slow
def test_published_runs_judged_again_have_their_verdicts() -> None:
    """GIVEN the folders of all published runs THEN each one's verdict is what was published, but for later fields."""
    for run in RUNS:
        again = json.loads(verdict_of(RunFolder(run)).model_dump_json())
        was = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
        assert {key: again.get(key) for key in was} == was, run


def test_nothing_published_names_a_folder_of_the_machine() -> None:
    """GIVEN all that is published of the options THEN no path of the machine that measured is in it."""
    folder = re.compile(rb"/(?:tmp|home|root|work)/[\w.-]")
    files = [
        path for path in OUT.rglob("*") if path.is_file() and path.name != "heap.bin"
    ]  # which git ignores
    named = [path for path in files if folder.search(path.read_bytes())]
    assert named == []


@pytest.mark.slow
def test_the_published_figures_are_those_of_the_runs() -> None:
    """GIVEN the published runs THEN `options.json` has their figures and no other."""
    if not RUNS:
        return
    found = read_runs(OUT)
    again = json.loads(json.dumps(result_of(found, captured_runs(found), "any")))
    published = json.loads(RESULT.read_text(encoding="utf-8"))
    assert {**again, "commits": None} == {**published, "commits": None}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_docs_quote_what_is_published(page: Path) -> None:
    """GIVEN a page with quotations THEN each says what `options.json` has, or that it is measured later."""
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    text = page.read_text(encoding="utf-8")
    assert "<!--q " in text
    assert text.count("<!--q ") == text.count("<!--/q-->")
    assert quoted(text, result) == text, "run make options-report"


def test_nothing_is_marked_for_later_but_quotations() -> None:
    """GIVEN the mark of a figure that is yet to come THEN it stands in quotations only, which the command renews."""
    for page in PAGES:
        rest = re.sub(r"<!--q .*?<!--/q-->", "", page.read_text(encoding="utf-8"))
        assert LATER not in rest, page.name


def cited() -> list[str]:
    """Everything in back quotes on the page of the verification."""
    return re.findall(r"`([^`\n]+)`", VERIFICATION.read_text(encoding="utf-8"))


def test_every_test_that_is_cited_exists() -> None:
    """GIVEN `file::test` on the page THEN the file has a test of that name."""
    tests = [name.split("::") for name in cited() if "::" in name]
    assert len(tests) > 20
    for file, name in tests:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{file}::{name}"


def test_every_file_that_is_cited_exists() -> None:
    """GIVEN a path on the page THEN it is there; that of the options' report, as soon as runs are published."""
    paths = [
        name for name in cited() if re.match(r"(tests|docs|reports|benchmarks|loadtests|profiles)/", name)
    ]
    assert paths
    for path in paths:
        file = path.partition("::")[0]
        assert (ROOT / file).exists() or (not RUNS and file.startswith("reports/options/")), file


def test_every_point_of_the_plan_has_evidence() -> None:
    """GIVEN the tables of the plan's four groups THEN every row has an answer, and a test or a command for it."""
    rows = [
        line.strip("|").split("|")
        for line in VERIFICATION.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| asked")
    ]
    assert len(rows) >= 15
    for row in rows:
        assert len(row) == 3, row
        assert re.search(r"`(tests/|make )", row[2]), row[0]
