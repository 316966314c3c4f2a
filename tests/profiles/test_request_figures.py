from __future__ import annotations

from pathlib import Path

import pytest

from profiles.request_figures import failed, request_figures
from profiles.run_folder import REQUEST_COLUMNS, Request, RunFolder


@pytest.mark.parametrize(
    ("kind", "status", "source", "is_failure"),
    [
        ("chunk", 200, "needed", False),
        ("chunk", 404, "needed", False),
        ("timings", 404, "first", False),
        ("tts", 404, "needed", True),
        ("whisper", 503, "first", False),
        ("tts", 503, "needed", True),
        ("tts", 499, "needed", False),
        ("tts", 0, "needed", True),
        ("tts", 200, "needed:2:unplayable", True),
        ("tts", 202, "needed:unplayable", True),
        ("tts", 201, "needed", False),
        ("preprocess", 202, "page:3", False),
        ("preprocess", 503, "page:3", True),
    ],
)
def test_what_is_a_failure(kind: str, status: int, source: str, is_failure: bool) -> None:  # noqa: FBT001
    """An absent chunk, a bounded aligner and a reader who leaves are none; an answer that is no speech is one."""
    assert failed(Request(1.0, "0", kind, status, 5, 0.1, 0.0, source)) == is_failure


def test_what_listeners_felt_is_no_request(tmp_path: Path) -> None:
    """GIVEN plays and blocks without highlighting THEN neither is counted, failed, late, or fast."""
    rows = [
        "1,0,chunk,200,5,0.010,0.001,needed",
        "1,0,play,0,0,,90,first:never",
        "1,0,unhighlighted,0,0,,50,",
    ]
    (tmp_path / "requests.csv").write_text("\n".join([",".join(REQUEST_COLUMNS), *rows]) + "\n")
    found = request_figures(RunFolder(tmp_path))
    assert (found["requests"], found["failures"], found["audio_requests"]) == (1, 0, 1)
    assert (found["chunk_p50_ms"], found["chunk_p99_ms"], found["tts_p50_ms"]) == (10.0, 10.0, None)
    assert found["load_late_p99_ms"] == 1.0


def test_of_a_load_of_one_s_own_only_what_its_rows_say_is_known(tmp_path: Path) -> None:
    """GIVEN rows with no more than t, kind and status THEN requests and failures; without any, nothing."""
    path = tmp_path / "requests.csv"
    assert set(request_figures(RunFolder(tmp_path), reading=False).values()) == {None}
    path.write_text("t,kind,status\n1,get,200\n2,get,500\n3,get,0\n4,get,500\n5,session,\n")
    found = request_figures(RunFolder(tmp_path), reading=False)
    assert (found["requests"], found["failures"]) == (4, 3)
    assert found["failures_by_status"] == {"500": 2, "0": 1}
    assert (found["audio_requests"], found["fallbacks"], found["load_late_p99_ms"]) == (None, None, None)
