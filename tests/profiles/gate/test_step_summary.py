"""The page of a CI run gets the summary, never fails the gate, and is never lost for being too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.gate.step_summary import MOST_BYTES, VARIABLE, add_step_summary


class Told(list[str]):
    """What a person was told."""

    def __call__(self, text: str) -> None:
        """Remember it."""
        self.append(text)


def added(markdown: str, path: Path) -> tuple[bool, Told]:
    """Add a summary to the file; return whether all of it was, and what was told."""
    told = Told()
    return add_step_summary(markdown, told, {VARIABLE: str(path)}), told


@pytest.mark.parametrize("environment", [{}, {VARIABLE: ""}])
def test_elsewhere_than_in_such_a_run_nothing_is_done(environment: dict[str, str]) -> None:
    """GIVEN no such file THEN nothing is written, and nobody is bothered."""
    told = Told()
    assert add_step_summary("x", told, environment) is False
    assert told == []


def test_it_is_appended_to_what_other_commands_said(tmp_path: Path) -> None:
    """GIVEN a summary that another command began THEN it is still there."""
    path = tmp_path / "summary.md"
    path.write_text("before\n", encoding="utf-8")
    assert added("# ✔ pass\n", path) == (True, [])
    assert path.read_text(encoding="utf-8") == "before\n# ✔ pass\n"


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    """GIVEN the name of a file only THEN it is made."""
    assert added("x\n", tmp_path / "new.md") == (True, [])
    assert (tmp_path / "new.md").read_text(encoding="utf-8") == "x\n"


def test_a_file_that_cannot_be_written_is_told_and_fails_nothing(tmp_path: Path) -> None:
    """GIVEN a folder in its place THEN it is said in one line, with the way out."""
    whole, told = added("x\n", tmp_path)
    assert whole is False
    assert told == [
        f"{VARIABLE} {tmp_path}: Is a directory. The summary is not on the run's page; see gate.md."
    ]


@pytest.mark.parametrize(("before", "fits"), [(0, True), (1, False)])
def test_just_1_mib_fits_and_a_byte_more_is_cut(tmp_path: Path, before: int, fits: bool) -> None:  # noqa: FBT001
    """GIVEN a file that would be of just the size that is taken, or a byte larger THEN it is whole, or cut."""
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * before)
    text = ("y" * 1023 + "\n") * 1024
    assert len(text) == MOST_BYTES
    whole, told = added(text, path)
    assert whole is fits
    assert len(told) == (0 if fits else 1)
    assert path.stat().st_size <= MOST_BYTES
    assert path.read_text(encoding="utf-8").endswith("y\n" if fits else "The whole is in gate.md.**\n")


def test_a_cut_is_between_lines_and_not_hidden_in_what_is_folded(tmp_path: Path) -> None:
    """GIVEN a cut in the folded figures, in letters of three bytes THEN the fold is closed, and the remark is seen."""
    path = tmp_path / "summary.md"
    added("first\n<details><summary>x</summary>\n\n" + "日本語\n" * 200_000 + "</details>\n", path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("first\n<details>")
    kept, closed, remark = text.rpartition("</details>")
    assert closed
    assert set(kept.splitlines()[3:-1]) == {"日本語"}
    assert remark.strip() == "**Cut here: a step's summary holds 1 MiB. The whole is in gate.md.**"
    assert MOST_BYTES - 1024 < path.stat().st_size <= MOST_BYTES


def test_a_cut_outside_of_folds_closes_none(tmp_path: Path) -> None:
    """GIVEN a cut where nothing is folded THEN no stray end of a fold is written."""
    path = tmp_path / "summary.md"
    added("<details>\n</details>\n" + "word\n" * 300_000, path)
    assert path.read_text(encoding="utf-8").count("</details>") == 1


def test_a_full_file_is_left_as_it_is(tmp_path: Path) -> None:
    """GIVEN a file without room even for the remark THEN nothing is added, so that GitHub still shows it."""
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (MOST_BYTES - 10))
    whole, told = added("much more than ten bytes\n", path)
    assert (whole, len(told)) == (False, 1)
    assert path.stat().st_size == MOST_BYTES - 10


def test_half_a_pair_is_written_as_its_escape(tmp_path: Path) -> None:
    """GIVEN what no UTF-8 holds THEN it fails nothing."""
    assert added("\udc80\n", tmp_path / "summary.md") == (True, [])
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == "\\udc80\n"
