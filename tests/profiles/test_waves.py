"""A load is played in waves, each settled before the next, and ends as a load should."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from profiles import waves
from profiles.processes import python_module
from profiles.run_folder import RunFolder, Sample


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "QUIET_S", 0.0)
    monkeypatch.setattr(waves, "_LOOK_EVERY_S", 0.01)


def command(program: str) -> list[str]:
    """A load that is this Python."""
    return [sys.executable, "-c", program]


def told(folder: Path) -> list[str]:
    """The events of the waves, in words."""
    events = RunFolder(folder).events
    return [f"{event.event.removeprefix('wave_')} {event.text('wave')}" for event in events]


def test_the_waves_are_told_as_they_begin_end_and_settle(tmp_path: Path) -> None:
    """GIVEN a load that ends THEN it is played twice, one after the other."""
    assert waves.play(command("print('played')"), tmp_path, 2) == 0
    assert told(tmp_path) == ["started 1", "ended 1", "settled 1", "started 2", "ended 2", "settled 2"]
    assert (tmp_path / "load.log").read_text().split() == ["played", "played"]


def test_a_wave_that_fails_is_the_last(tmp_path: Path) -> None:
    """GIVEN a load that ends with a status THEN that is the status of all, and no second wave is played."""
    assert waves.play(command("raise SystemExit(3)"), tmp_path, 2) == 3
    assert told(tmp_path) == ["started 1", "ended 1"]


def test_the_rows_of_both_waves_are_kept_whatever_the_load_does_to_its_file(tmp_path: Path) -> None:
    """GIVEN a load that begins its file anew THEN the run's file has one head and the rows of both waves."""
    program = "import os; open(os.environ['OOMPROOF_REQUESTS'], 'w').write('t,kind\\n7,x\\n')"
    waves.play(command(program), tmp_path, 2)
    with (tmp_path / "requests.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["t", "kind"], ["7", "x"], ["7", "x"]]
    assert not list(tmp_path.glob("requests-*"))


def test_the_end_of_the_waves_is_the_end_of_their_load(tmp_path: Path) -> None:
    """GIVEN SIGTERM in a wave THEN the load at hand is ended, and its rows are kept."""
    program = (
        "import os, time; open(os.environ['OOMPROOF_REQUESTS'], 'w').write('t,kind\\n1,x\\n');"
        "open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
    )
    played = subprocess.Popen(
        python_module("profiles.waves", tmp_path, "--", *command(program)),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    played.send_signal(signal.SIGTERM)
    assert played.wait(30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert RunFolder(tmp_path).requests[0].kind == "x"


def series(cpu_s: Sequence[float | None], processes: Sequence[float | None]) -> list[Sample]:
    """Samples a second apart, the last one now (100)."""
    return [
        Sample(t=100.0 - len(cpu_s) + 1 + index, cpu_s=used, processes=count)
        for index, (used, count) in enumerate(zip(cpu_s, processes, strict=True))
    ]


@pytest.mark.parametrize(
    ("cpu_s", "processes", "quiet"),
    [
        ([5.0, 5.0, 5.01, 5.01], [1, 1, 1, 1], True),
        ([5.0, 5.5, 6.0, 6.5], [1, 1, 1, 1], False),
        ([5.0, 5.0, 5.01, 5.01], [1, 1, 1, 9], False),
        ([None, None, None, None], [1, 1, 1, 1], True),
        ([None, None, None, None], [None, None, None, None], True),
        ([5.0, 5.0, 5.01, 5.01], [None, None, None, None], True),
        ([5.0, 9.0, 9.0, 9.0, 9.0, 9.0], [3, 3, 1, 1, 1, 1], True),
    ],
)
def test_a_vm_is_quiet_when_it_rests_and_what_it_started_has_gone(
    monkeypatch: pytest.MonkeyPatch, cpu_s: list[float | None], processes: list[float | None], *, quiet: bool
) -> None:
    """GIVEN the last seconds THEN CPU and processes decide, each where it was measured."""
    monkeypatch.setattr(waves, "QUIET_S", 3.0)
    assert waves.is_quiet(series(cpu_s, processes), 100.0, 1.0) is quiet


def test_waves_may_take_as_long_as_their_load_and_their_rest() -> None:
    """One wave takes what a load may; each further one is given its rest too."""
    assert waves.longest_s(100.0, 1) == 100.0
    assert waves.longest_s(100.0, 2) == 2 * (100.0 + waves.QUIET_WITHIN_S)


def test_a_recorder_that_lags_behind_tells_no_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN samples, but none of the last seconds THEN the VM is not taken as quiet; without any it is."""
    monkeypatch.setattr(waves, "QUIET_S", 3.0)
    assert not waves.is_quiet(series([5.0, 5.0], [1, 1]), 200.0, 1.0)
    assert waves.is_quiet([], 200.0, 1.0)
