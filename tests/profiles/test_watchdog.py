import os
import time
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.vm_size import VmSize
from profiles.walls import Reading
from profiles.watchdog import STALE_S, WatchdogWalls, offer
from profiles.watchdog_files import FOLDER, State, StateWriter, read_cpus

SMALL = VmSize(256, 2, 0.125)


@pytest.fixture
def walls(tmp_path: Path) -> WatchdogWalls:
    """Walls as the recorder opens them: somebody else keeps them."""
    (tmp_path / FOLDER).mkdir()
    return WatchdogWalls("oomproof-1-1", tmp_path)


def write(walls: WatchdogWalls, *, age_s: float) -> None:
    """The watchdog's last word, so many seconds old."""
    StateWriter(walls._files).write(State(time.monotonic() - age_s, 1000, 2000, 3, 4.25, 0.5))


def test_what_the_watchdog_last_saw_is_the_reading(walls: WatchdogWalls) -> None:
    """GIVEN a fresh state THEN its counters are read, and what no program can count is unknown, with the reason."""
    write(walls, age_s=0.0)
    reading = walls.read()
    assert reading == Reading(
        vm_bytes=1000, anon_bytes=1000, limit_bytes=2000, oom_kills=3, cpu_s=4.25, throttled_s=0.5
    )
    assert "watchdog" in reading.why["file_bytes"]


def test_an_old_state_is_no_reading(walls: WatchdogWalls) -> None:
    """GIVEN a watchdog that is silent, or none THEN everything is unknown, never the last figures nor zero."""
    assert walls.read() == Reading()
    write(walls, age_s=STALE_S + 0.1)
    assert walls.read() == Reading()
    assert "has written nothing" in walls.read().why["oom_kills"]


def test_the_share_reaches_the_watchdog(walls: WatchdogWalls) -> None:
    """GIVEN a share THEN it is where the watchdog looks; walls that are gone raise OSError."""
    walls.set_cpus(0.125)
    assert read_cpus(walls._files) == 0.125
    with pytest.raises(OSError, match="No such file"):
        WatchdogWalls("oomproof-1-1", walls._files / "none").set_cpus(1.0)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """GIVEN no run folder THEN creating says so, and nothing was started."""
    walls = WatchdogWalls("oomproof-1-1", tmp_path / "none")
    with pytest.raises(OomproofError, match="needs a run folder"):
        walls.create(SMALL)
    walls.destroy()


def test_a_watchdog_that_does_not_start_is_one_line(tmp_path: Path) -> None:
    """GIVEN a state file that cannot be written THEN creating says what the watchdog said, and leaves nothing."""
    (tmp_path / FOLDER / "state").mkdir(parents=True)
    walls = WatchdogWalls("oomproof-1-1", tmp_path)
    with pytest.raises(OomproofError, match=r"watchdog: did not start: .*Is a directory"):
        walls.create(SMALL)
    assert not (tmp_path / FOLDER).exists()
    assert walls.pids() == []


def test_where_processes_do_not_say_what_they_hold_there_is_none(tmp_path: Path) -> None:
    """GIVEN no /proc, or one of an old kernel THEN it is not offered, and says so; here it is, as emulated."""
    refused = offer(tmp_path)
    assert (refused.available, refused.emulated) == (False, True)
    (tmp_path / str(os.getpid())).mkdir()
    (tmp_path / str(os.getpid()) / "status").write_text("Name:\tx\nVmRSS:\t7 kB\n")
    assert "anonymous" in offer(tmp_path).reason
    here = offer()
    assert (here.available, here.emulated, here.best) == (True, True, True)
