import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.chapters import Chapters
from loadtests.probe import different_blocks, main, summary

Stub = Callable[..., Any]


def test_blocks_are_different_and_taken_from_all_chapters(chapters_file: Path) -> None:
    """The first blocks of all chapters come first, and no block twice."""
    blocks = list(different_blocks(Chapters.load(chapters_file)))
    assert [(b.page, b.block_index) for b in blocks[:4]] == [(1, 0), (3, 0), (1, 1), (3, 1)]
    assert len(blocks) == len(set(blocks)) == 8


def test_summary_counts_only_what_can_be_played() -> None:
    """The median is that of playable answers, in milliseconds; failures are counted apart."""
    value = summary("live", [(3.0, True), (0.001, False), (2.0, True), (4.0, True)])
    assert (value["first_audio_p50_ms"], value["failures"], value["count"]) == (3000.0, 1, 4)
    assert summary("live", [(1.0, False)])["first_audio_p50_ms"] is None


@pytest.mark.parametrize(
    ("mode", "path", "kind"), [("live", "/api/tts", "tts"), ("cached", "/api/tts/chunk", "chunk")]
)
def test_a_probe_asks_one_after_another_and_writes_rows(
    stub: Stub,
    chapters_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mode: str,
    path: str,
    kind: str,
) -> None:
    """Each block is asked once on the mode's route; rows and one line of JSON tell how long it took."""
    server, rows_file = stub(), tmp_path / "probe.csv"
    files = ["--chapters-file", str(chapters_file), "--requests-file", str(rows_file)]
    assert main(["--host", server.url, "--mode", mode, "--count", "5", *files]) == 0
    assert len(server.asked(path)) == 5
    with rows_file.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["status"]) for row in rows] == [(kind, "200"), ("play", "200")] * 5
    plays, rows = rows[1::2], rows[::2]
    assert all(float(play["late_s"]) > 0 and play["source"].startswith("first:") for play in plays)
    ends = [float(row["t"]) + float(row["latency_s"]) for row in rows]
    assert all(end <= float(row["t"]) for end, row in zip(ends, rows[1:], strict=False))
    assert json.loads(capsys.readouterr().out)["first_audio_p50_ms"] > 0


def test_failures_are_an_exit_code(
    stub: Stub, chapters_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing chunks exit 1 and are counted; an absent chapters file exits 2."""
    server = stub(missing="1")
    files = ["--requests-file", str(tmp_path / "probe.csv"), "--chapters-file"]
    assert main(["--host", server.url, "--mode", "cached", *files, str(chapters_file)]) == 1
    assert json.loads(capsys.readouterr().out)["failures"] == 2
    assert main(["--host", server.url, "--mode", "cached", *files, str(tmp_path / "absent")]) == 2


def test_blocks_of_no_document_are_probed_live_only(
    stub: Stub, chapters_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chapters of a server without documents have no chunks to ask for: wrong use, before any is."""
    replace(Chapters.load(chapters_file), document_id="").save(chapters_file)
    server, rows = stub(), str(tmp_path / "probe.csv")
    words = ["--host", server.url, "--chapters-file", str(chapters_file), "--requests-file", rows]
    assert main([*words, "--mode", "cached"]) == 2
    assert "Use --mode live." in capsys.readouterr().err
    assert server.asked("/api/tts/chunk") == []
    assert main([*words, "--mode", "live", "--count", "1"]) == 0
