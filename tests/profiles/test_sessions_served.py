"""How much was served by a moment, by the best that a run folder tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from profiles.run_folder import RunFolder
from profiles.sessions_served import served_of

READERS = {"kind": "readers", "readers": 10, "pace": 5.0, "session_s": 600.0}


def run_folder(
    path: Path,
    requests: Sequence[str] = (),
    generator: Sequence[str] = (),
    load: dict[str, object] | None = None,
    ended: float = 220.0,
) -> RunFolder:
    """A made-up run whose load lasts from 100 on."""
    (path / "run.json").write_text(json.dumps({"scenario": {"load": load or {"kind": "command"}}}))
    events = [{"t": 100, "event": "load_started"}, {"t": ended, "event": "load_ended"}]
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (path / "requests.csv").write_text("\n".join(["t,kind,status,latency_s", *requests]) + "\n")
    if generator:
        (path / "generator.csv").write_text("\n".join(["t,process,readers", *generator]) + "\n")
    return RunFolder(path)


def test_sessions_that_ended_are_counted(tmp_path: Path) -> None:
    """GIVEN rows of kind session THEN each counts from its end on, in whatever order they came."""
    served = served_of(run_folder(tmp_path, ["130,session,200,", "110,session,200,", "105,work,200,0.1"]))
    assert (served.over, served.last_t) == ("sessions", 130.0)
    assert [served.by(t) for t in (100, 109.9, 110, 129, 130, 500)] == [0, 0, 1, 1, 2, 2]


def test_without_sessions_requests_are_counted_when_they_end(tmp_path: Path) -> None:
    """GIVEN requests alone THEN each counts once it was answered."""
    served = served_of(run_folder(tmp_path, ["100,work,200,5", "101,work,0,1"]))
    assert served.over == "requests"
    assert [served.by(t) for t in (101.9, 102, 105)] == [0, 1, 2]


def test_readers_play_session_time(tmp_path: Path) -> None:
    """GIVEN ten readers of whom five come later THEN session time is theirs, in sessions of 120 s by the clock."""
    rows = ["100,0,5", "112,0,10", "124,0,0", "130,0,0"]
    served = served_of(run_folder(tmp_path, generator=rows, load=READERS))
    assert served.over == "session time"
    assert [served.by(t) for t in (100, 112, 118, 124)] == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert served.last_t == 124.0


def test_readers_of_all_processes_are_added_up(tmp_path: Path) -> None:
    """GIVEN two processes whose rows come one after the other THEN both count at each moment."""
    rows = ["100,0,5", "112,0,5", "100,1,5", "112,1,5"]
    served = served_of(run_folder(tmp_path, generator=rows, load=READERS))
    assert served.by(112) == pytest.approx(1.0)


def test_an_old_run_says_only_how_many_read(tmp_path: Path) -> None:
    """GIVEN no generator.csv THEN all read from the load's start to their sessions' end."""
    served = served_of(run_folder(tmp_path, load=READERS, ended=300.0))
    assert [served.by(t) for t in (100, 160, 220, 300)] == pytest.approx([0.0, 5.0, 10.0, 10.0])
    assert served.last_t == 220.0


def test_without_anything_there_is_time(tmp_path: Path) -> None:
    """GIVEN neither sessions nor requests THEN seconds are counted, and the load lasts for ever."""
    served = served_of(run_folder(tmp_path))
    assert (served.over, served.by(123.0), served.last_t) == ("time", 123.0, float("inf"))


def test_an_empty_folder_has_time_too(tmp_path: Path) -> None:
    """GIVEN no file at all THEN nothing breaks."""
    assert served_of(RunFolder(tmp_path)).over == "time"
