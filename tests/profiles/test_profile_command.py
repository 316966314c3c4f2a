"""`oomproof profile` says whose mistake it was in a line, and ends with what it found."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from profiles import cli, profile_command
from profiles.heap_record import HeapRecord, Held, save_heap
from profiles.verdict_record import VerdictRecord

SITE = Held(
    file="app.py", line=3, function="keep", origin="own", innermost="app.py:3 keep", bytes=2**20, count=1
)
WAVES: dict[str, Any] = {
    "sessions": [4, 4], "t_s": [0, 1, 2], "heap_bytes": [1, 2, 3], "quiet": [True, False], "sites": [],
}  # fmt: skip


def told(record: VerdictRecord, folder: Path) -> tuple[int, str]:
    """The exit code and what a person reads, in one line."""
    out = io.StringIO()
    code = profile_command._tell(record, folder, Console(file=out, width=80))
    return code, " ".join(out.getvalue().split())


def heap(**values: Any) -> HeapRecord:
    """A heap of one line."""
    given = {"peak_bytes": 2**20, "sites": [SITE], **values}
    return HeapRecord.model_validate({"scenario": "live", "capture": "heap.bin", **given})


@pytest.mark.parametrize(
    ("verdict", "values", "code"),
    [
        ("survived", {}, 0),
        ("oom_killed", {}, 0),
        ("invalid", {"waves": WAVES}, 0),
        ("invalid", {}, 4),
        ("survived", {"sites": [], "peak_bytes": None}, 4),
    ],
)
def test_the_exit_code_is_about_the_capture(
    tmp_path: Path, verdict: str, values: dict[str, Any], code: int
) -> None:
    """GIVEN a verdict and what was captured THEN a busy machine does not spoil a heap, and nothing is nothing."""
    save_heap(heap(**values), tmp_path)
    assert told(VerdictRecord(scenario="live", verdict=verdict), tmp_path)[0] == code


def test_what_a_person_must_know_is_told(tmp_path: Path) -> None:
    """GIVEN notes, a restless server and a line THEN all three are read on the terminal."""
    save_heap(heap(waves=WAVES, notes=["heap.bin: cut short."]), tmp_path)
    _, text = told(VerdictRecord(scenario="live", verdict="survived"), tmp_path)
    for part in (
        "heap.bin: cut short.",
        "did not come to rest after wave 2",
        "app.py:3 keep",
        "1.0 MB",
        "Report: ",
    ):
        assert part in text, part


def test_a_run_that_left_no_heap_says_so(tmp_path: Path) -> None:
    """GIVEN a run without a capture THEN it is told, with exit code 4."""
    code, text = told(
        VerdictRecord(scenario="live", verdict="invalid", evidence=("upstream: gone",)), tmp_path
    )
    assert code == 4
    assert "upstream: gone" in text
    assert "No heap was captured" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["profile"], "no scenario"),
        (["profile", "--again", "nowhere"], "--again nowhere: no heap.bin in it"),
        (["profile", "live", "--command", "sleep 9", "--load", "true"], "'sleep': is no Python program"),
        (["profile", "no-such-scenario"], "scenario 'no-such-scenario': unknown"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN wrong use THEN exit code 2 and one line, before anything starts."""
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_old_capture_that_is_damaged_is_told_and_nothing_breaks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a damaged heap.bin WHEN it is read again THEN its note is told, and the exit code is 4."""
    (tmp_path / "run.json").write_text(json.dumps({"scenario": {"name": "live"}}))
    (tmp_path / "heap.bin").write_bytes(b"no capture")
    assert cli.main(["profile", "--again", str(tmp_path)]) == 4
    assert "cannot be read to its end" in " ".join(capsys.readouterr().out.split())
    assert "Nothing is known" in (tmp_path / "heap.md").read_text()
