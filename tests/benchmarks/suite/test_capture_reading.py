"""Captures, read by us and by memray."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import capture_reading
from benchmarks.suite.measured import Effort
from benchmarks.suite.rounds import Rounds

PROGRAM = "held = [bytearray(1_000_000) for _ in range(50)]"
SERVER = "a server"


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A real capture of a program that takes 50 MB, a million bytes at a time."""
    path = tmp_path / "heap.bin"
    command = [sys.executable, "-m", "memray", "run", "-q", "-o", str(path), "-c", PROGRAM]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return path


@pytest.mark.slow
def test_a_capture_is_read_by_each_reader(capture: Path, tmp_path: Path) -> None:
    """GIVEN a real capture WHEN it is read THEN each reader took CPU and memory, and it holds what was allocated."""
    rounds = Rounds()
    capture_reading.measure_reading({SERVER: capture}, Effort(full=False), tmp_path, rounds, lambda _: None)
    found = {(figure.subject, figure.quantity): figure.median for figure in rounds.figures()}
    for reader in (capture_reading.OURS, capture_reading.FLAME, capture_reading.STATS):
        assert found[reader, capture_reading.CPU] > 0
        assert found[reader, capture_reading.RSS] > 1
    assert found[SERVER, capture_reading.ALLOCATIONS] >= 50
    assert found[SERVER, capture_reading.CAPTURE] == pytest.approx(capture.stat().st_size / 1e6)
    ratios = list(capture_reading.reading_ratios(rounds.figures()))
    assert {ratio.peer for ratio in ratios} == {capture_reading.FLAME, capture_reading.STATS}
    assert {ratio.subject for ratio in ratios} == {capture_reading.OURS}


@pytest.mark.slow
def test_a_file_that_is_no_capture_is_told(tmp_path: Path) -> None:
    """GIVEN a file of nothing that memray writes THEN the error names the log."""
    (tmp_path / "heap.bin").write_bytes(b"no capture")
    with pytest.raises(BenchmarkError, match=r"reading\.log: status 1"):
        capture_reading.measure_reading(
            {SERVER: tmp_path / "heap.bin"}, Effort(full=False), tmp_path, Rounds(), lambda _: None
        )
