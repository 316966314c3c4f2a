"""What a command took."""

import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.used import run

BUSY = "import time\nend = time.process_time() + 0.2\nheld = b'x' * 60_000_000\nwhile time.process_time() < end: pass"


def test_a_command_that_works_has_used_cpu_and_memory(tmp_path: Path) -> None:
    """GIVEN a command that holds 60 MB and computes for 0.2 s of CPU THEN at least that is told."""
    used = run([sys.executable, "-c", BUSY], tmp_path / "log", 60.0)
    assert 0.2 <= used.cpu_s < 10
    assert used.wall_s >= 0.2
    assert used.rss_mb >= 60


def test_a_command_that_fails_is_told_with_its_last_word(tmp_path: Path) -> None:
    """GIVEN a command that ends with 3 THEN the error says so, and where its words are."""
    with pytest.raises(BenchmarkError, match=r"log: status 3: no such capture"):
        run(["sh", "-c", "echo no such capture; exit 3"], tmp_path / "log", 60.0)


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """GIVEN a command that would never end WHEN its time is up THEN it is ended and the error says after how long."""
    pid = tmp_path / "pid"
    with pytest.raises(BenchmarkError, match=r"not done within 0.5 s"):
        run(["sh", "-c", f"echo $$ > {pid}; exec sleep 600"], tmp_path / "log", 0.5)
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
