"""The readers' process: started with what it needs and no secret, and again when it dies."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.soak.readers import HEADERS_VARIABLE, Readers, load_environment
from tests.profiles.soak.scripted import PAGE


def reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str = "import time; time.sleep(60)"
) -> Readers:
    """Readers whose load is a program of ours."""
    readers = Readers(tmp_path, replace(PAGE, readers=3), {}, next_reader=6)
    monkeypatch.setattr(readers, "_command", lambda first, shift_s: [sys.executable, "-c", program])
    return readers


def test_the_command_goes_on_where_others_read_and_names_no_secret(tmp_path: Path) -> None:
    """GIVEN a load that goes on THEN its numbers and clock, session after session; the header is in its environment."""
    readers = Readers(
        tmp_path, replace(PAGE, readers=3, mode="live", pace=5.0), {"X-Key": "geheim"}, next_reader=6
    )
    command = readers._command(6, -12.5)
    assert "geheim" not in " ".join(command)
    assert command[command.index("--first-reader") + 1] == "6"
    assert "--clock-shift-s=-12.500000" in command
    assert [command[command.index(word) + 1] for word in ("--users", "--mode", "--pace")] == [
        "3",
        "live",
        "5.0",
    ]
    assert int(command[command.index("--sessions") + 1]) > 10**6
    assert load_environment({"X-Key": "geheim"})[HEADERS_VARIABLE] == '{"X-Key": "geheim"}'


def test_what_the_load_does_not_need_is_kept_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a token and a webhook in our environment THEN not in the load's."""
    for name in ("FLY_API_TOKEN", "OOMPROOF_SOAK_HEADERS", "OOMPROOF_SOAK_WEBHOOK"):
        monkeypatch.setenv(name, "geheim")
    assert "geheim" not in load_environment({}).values()


def test_a_load_that_dies_is_told_and_started_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a load that is killed, and again THEN told, started again after 5 s and then 10 s, with other readers."""
    readers = reading(tmp_path, monkeypatch)
    readers.start(0.0, 0.0)
    assert readers.look(1.0, 0.0) == []
    for death_t, delay_s, first in ((10.0, 5.0, 9), (30.0, 10.0, 12)):
        assert readers._process is not None
        os.kill(readers._process.pid, signal.SIGKILL)
        readers._process.wait()
        (end,) = readers.look(death_t, 0.0)
        assert (end.event, end.facts["returncode"]) == ("load_process_ended", -9)
        assert readers.look(death_t + delay_s - 0.1, 0.0) == []
        (start,) = readers.look(death_t + delay_s, 0.0)
        assert (start.event, start.facts["first_reader"]) == ("load_started_again", first)
    assert readers._process is not None
    readers._process.kill()
    readers._process.wait()
    assert len(readers.look(90.0, 0.0)) == 1
    readers.stop()
    assert readers.look(999.0, 0.0) == []


def test_a_load_is_started_again_where_the_axis_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN readers whose machine slept THEN they are started anew at once, with the axis as it is now."""
    readers = reading(tmp_path, monkeypatch)
    readers.start(0.0, -5.0)
    before = readers._process
    assert readers.look(15.0, -5.0) == []
    assert [told.event for told in readers.look(3630.0, 3595.0)] == ["load_started_again"]
    assert before is not None
    assert before.returncode is not None
    assert readers.look(3645.0, 3595.0) == []
    readers.stop()


def test_a_load_that_cannot_be_started_just_now_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN no memory for another process when it is due THEN that is told, and tried again later."""
    readers = reading(tmp_path, monkeypatch, "")
    readers.start(0.0, 0.0)
    assert readers._process is not None
    readers._process.wait()
    readers.look(10.0, 0.0)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    with monkeypatch.context() as full:
        full.setattr("profiles.processes.start", refuse)
        (told,) = readers.look(15.0, 0.0)
    assert (told.event, told.facts["reason"]) == (
        "load_process_ended",
        "could not be started: Cannot allocate memory",
    )
    assert readers.look(24.9, 0.0) == []
    assert [told.event for told in readers.look(25.0, 0.0)] == ["load_started_again"]
    readers.stop()


def test_its_cpu_time_and_memory_are_measured_over_all_its_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a load that worked and died THEN what the next one uses is added."""
    readers = reading(tmp_path, monkeypatch, "while True: pass")
    readers.start(0.0, 0.0)
    deadline = time.monotonic() + 30
    while (readers.usage().get("load_cpu_s") or 0.0) < 0.05 and time.monotonic() < deadline:
        time.sleep(0.01)
    used = readers.usage()
    assert (used["load_rss_bytes"] or 0) > 10**6
    assert readers._process is not None
    os.kill(readers._process.pid, signal.SIGKILL)
    readers._process.wait()
    readers.look(10.0, 0.0)
    assert readers.usage() == {}
    readers.look(15.0, 0.0)
    assert (readers.usage()["load_cpu_s"] or 0.0) >= (used["load_cpu_s"] or 0.0) > 0
    readers.stop()
