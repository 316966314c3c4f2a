"""The docs quote the gate's operating characteristic as it is published, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gate_characteristic import Gates, as_measured, characteristic, rounded
from benchmarks.gate_markdown import markdown, sentences
from benchmarks.gate_page import DOCS, FOLDER, PAGE_FILE, VALUE_FILE
from benchmarks.gate_quote import LATER, quoted, renew
from benchmarks.gate_runs import read
from profiles.errors import OomproofError
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable

PUBLISHED = (FOLDER / VALUE_FILE).exists()
PART = "Before.\n\n<!--gate {}-->\nOld\nlines.\n<!--/gate-->\n\nAfter.\n"


@pytest.fixture(scope="module")
def value(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Figures of two invented pairs."""
    folder = gate_files.write(tmp_path_factory.mktemp("gate"), list(believable(2, 0)))
    return characteristic(read(folder), Gates(2, 1), workers=0)


def published() -> dict[str, Any] | None:
    """The published figures, where there are any."""
    found: dict[str, Any] | None = None
    if PUBLISHED:
        found = json.loads((FOLDER / VALUE_FILE).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("sentences", "- Of 2 gates on equal states, as measured, 2 passed and 0 said regressed: "),
        ("required", "| false alarms in identical pairs, as measured | none | 0 of 2 "),
        ("conditions", "- VM of 4096 MB, 2 vCPUs of 0.125 of a core each."),
    ],
)
def test_a_quotation_is_what_the_page_says(value: dict[str, Any], what: str, line: str) -> None:
    """GIVEN a quotation THEN what is in it is the page's, what is around it stays, and so it does a second time."""
    text = quoted(PART.format(what), value)
    inside = text.split("-->\n")[1].split("<!--")[0].strip()
    assert line in inside
    assert all(line.removeprefix("- ") in markdown(value) for line in inside.splitlines())
    assert (text.startswith("Before.\n"), text.endswith("After.\n")) == (True, True)
    assert quoted(text, value) == text


def test_without_figures_a_quotation_says_so() -> None:
    """GIVEN nothing measured THEN that is what stands there."""
    assert quoted(PART.format("sentences"), None).split("-->\n")[1].startswith(f"\n{LATER}\n")


def test_a_quotation_of_nothing_there_is_is_refused(value: dict[str, Any]) -> None:
    """GIVEN a slip in a quotation THEN it is named."""
    with pytest.raises(OomproofError, match="quotation sentence: no such part"):
        quoted(PART.format("sentence"), value)


def test_a_page_is_renewed_in_place(value: dict[str, Any], tmp_path: Path) -> None:
    """GIVEN a page of the docs THEN its quotation is written into it."""
    page = tmp_path / "page.md"
    page.write_text(PART.format("sentences"), encoding="utf-8")
    renew(page, value)
    assert sentences(value)[0] in page.read_text(encoding="utf-8")


def test_the_docs_quote_what_is_published() -> None:
    """GIVEN the docs THEN each part is that of the published figures, or says that there are none yet."""
    text = DOCS.read_text(encoding="utf-8")
    assert (
        len(re.findall(r"^<!--gate \w+-->$", text, re.MULTILINE))
        == len(re.findall("<!--/gate-->", text))
        == 3
    )
    assert quoted(text, published()) == text, "run python -m benchmarks.gate_page"


def test_runs_and_their_page_are_published_together() -> None:
    """GIVEN runs in the repository THEN page and picture are too, made of these figures; and none without runs."""
    names = ("runs.jsonl", "conditions.json", PAGE_FILE, "power.svg", "power.png")
    assert [(FOLDER / name).exists() for name in names] == [PUBLISHED] * len(names)
    found = published()
    if found is not None:
        assert (FOLDER / PAGE_FILE).read_text(encoding="utf-8") == markdown(found)


def test_published_figures_are_those_of_the_published_runs() -> None:
    """GIVEN published runs THEN all that is not simulated, computed again, is what was published."""
    found = published()
    if found is not None:
        again = json.loads(json.dumps(rounded(as_measured(read(FOLDER)))))
        assert {key: found[key] for key in again} == again, "run python -m benchmarks.gate_page"
