import json
from pathlib import Path

import pytest

from profiles import event_log
from profiles.event_log import EventLog
from profiles.line_file import LineFile
from profiles.run_folder import RunFolder


class FullDisk:
    """A disk that refuses every line until there is room."""

    def __init__(self) -> None:
        self.full = True
        self._append = LineFile.append

    def append(self, file: LineFile, line: bytes) -> str | None:
        """Refuse the line, or write it."""
        return "No space left on device" if self.full else self._append(file, line)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """The disk of every event log."""
    disk = FullDisk()

    def append(file: LineFile, line: bytes) -> str | None:
        return disk.append(file, line)

    monkeypatch.setattr(LineFile, "append", append)
    return disk


def test_an_event_is_a_line_with_its_time(tmp_path: Path) -> None:
    """GIVEN an event with facts THEN it is one line of JSON, at the time given."""
    log = EventLog(tmp_path)
    log.write("ready", t=12.5, path="/ü")
    log.close()
    assert json.loads((tmp_path / "events.jsonl").read_text()) == {"t": 12.5, "event": "ready", "path": "/ü"}


def test_events_wait_for_room_and_come_in_their_order(tmp_path: Path, disk: FullDisk) -> None:
    """GIVEN a full disk WHEN there is room again THEN no event is lost, nor told late by its own clock."""
    log = EventLog(tmp_path)
    log.write("oom_kill", t=1.0)
    log.write("exited", t=2.0)
    assert RunFolder(tmp_path).events == ()
    disk.full = False
    log.write("restarted", t=3.0)
    found = [(event.event, event.t) for event in RunFolder(tmp_path).events]
    assert found == [("oom_kill", 1.0), ("exited", 2.0), ("restarted", 3.0)]


def test_what_still_waits_is_written_at_the_end(tmp_path: Path, disk: FullDisk) -> None:
    """GIVEN room that comes only at the end THEN closing is enough."""
    log = EventLog(tmp_path)
    log.write("ready", t=1.0)
    disk.full = False
    log.close()
    assert [event.event for event in RunFolder(tmp_path).events] == ["ready"]


def test_the_memory_that_events_wait_in_is_bounded(
    tmp_path: Path, disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN more events than may wait THEN the last ones are kept."""
    monkeypatch.setattr(event_log, "MOST_WAITING", 3)
    log = EventLog(tmp_path)
    for t in range(5):
        log.write("tick", t=t)
    disk.full = False
    log.close()
    assert [event.t for event in RunFolder(tmp_path).events] == [2, 3, 4]
