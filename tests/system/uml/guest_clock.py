"""Run in a guest only, whose clock may be set: samples and the wall clock."""

import itertools
import sys
import time
from pathlib import Path

from profiles.rules import LONGEST_GAP_S
from profiles.run_folder import RunFolder
from profiles.vm import open_vm
from profiles.vm_size import VmSize

HOUR_S = 3600.0


def set_clock(by_s: float) -> None:
    """Let the wall clock jump."""
    before = time.time() - time.monotonic()
    time.clock_settime(time.CLOCK_REALTIME, time.time() + by_s)
    assert abs(time.time() - time.monotonic() - before - by_s) < 60


def await_samples(folder: Path, more: int) -> None:
    """Return when so many samples more are on disk."""
    wanted = len(RunFolder(folder).samples) + more
    deadline = time.monotonic() + 60
    while len(RunFolder(folder).samples) < wanted:
        assert time.monotonic() < deadline, "no more samples"
        time.sleep(0.05)


def test_samples_stay_in_order_when_the_wall_clock_jumps(tmp_path: Path) -> None:
    """GIVEN a recording WHEN the clock is set an hour on and back THEN no sample is late or out of order."""
    with open_vm(tmp_path, VmSize(128, 1, 1.0), 500.0) as vm:
        vm.start_server([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "server.log", {})
        await_samples(tmp_path, 5)
        set_clock(HOUR_S)
        await_samples(tmp_path, 5)
        set_clock(-2 * HOUR_S)
        await_samples(tmp_path, 5)
        set_clock(HOUR_S)
    times = [sample.t for sample in RunFolder(tmp_path).samples]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) >= 15
    assert min(gaps) > 0
    assert max(gaps) < LONGEST_GAP_S
