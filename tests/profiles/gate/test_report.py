"""One call writes a gate's report; pictures are of what does not pass, and none is left of an earlier gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.gate.report import write_gate_report
from tests.profiles.gate import outcomes

ALWAYS = ["gate.json", "gate.md", "junit.xml"]


def names(paths: list[Path]) -> list[str]:
    """The names of files, in order."""
    return sorted(path.name for path in paths)


def test_what_passes_has_no_picture_unless_asked_for(tmp_path: Path) -> None:
    """GIVEN a pass THEN three files; with `always` the picture too."""
    assert names(write_gate_report(outcomes.outcome(), tmp_path / "new" / "out")) == ALWAYS
    drawn = write_gate_report(outcomes.outcome(), tmp_path, always=True)
    assert names(drawn) == [*ALWAYS, "memory-gate-cached.png", "memory-gate-cached.svg"]
    assert all(path.stat().st_size > 0 for path in drawn)
    assert "](memory-gate-cached.svg)" in (tmp_path / "gate.md").read_text(encoding="utf-8")


def test_what_does_not_pass_is_drawn_where_it_can_be(tmp_path: Path) -> None:
    """GIVEN a scenario of each word THEN pictures of those that do not pass."""
    paths = write_gate_report(outcomes.everything(), tmp_path)
    assert [name for name in names(paths) if name.endswith(".svg")] == [
        "memory-gate-inconclusive.svg",
        "memory-gate-invalid.svg",
        "memory-gate-regressed.svg",
    ]


def test_an_earlier_reports_pictures_do_not_stay(tmp_path: Path) -> None:
    """GIVEN a report with pictures WHEN the next gate passes, or has no curves THEN they are gone."""
    for later in (outcomes.scenario(), outcomes.scenario("invalid", base_runs=(), head_runs=())):
        write_gate_report(outcomes.outcome(outcomes.scenario("regressed")), tmp_path)
        write_gate_report(outcomes.outcome(later), tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ALWAYS
        assert "![" not in (tmp_path / "gate.md").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    """GIVEN a file in the folder's place, or a folder in a file's THEN the error names it and the way out."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OomproofError, match=r"file: File exists\. Give a folder that can be written\."):
        write_gate_report(outcomes.outcome(), tmp_path / "file")
    (tmp_path / "junit.xml").mkdir()
    with pytest.raises(OomproofError, match=r"junit\.xml: Is a directory\. Give a folder"):
        write_gate_report(outcomes.outcome(), tmp_path)
    assert json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))["word"] == "pass"


def test_text_that_no_utf8_holds_fails_no_report(tmp_path: Path) -> None:
    """GIVEN half of a surrogate pair in a note THEN all files are written."""
    noted = outcomes.scenario("inconclusive", notes=("\udc80",), head_runs=(), base_runs=())
    assert names(write_gate_report(outcomes.outcome(noted), tmp_path)) == ALWAYS
