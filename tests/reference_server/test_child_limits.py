"""A confined process cannot take more than it was given."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CONFINED = """
from pathlib import Path
from reference_server.child_limits import confine
confine(memory_bytes=100_000_000, cpu_s=1, file_bytes=1000)
"""


def _run(code: str, before: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + CONFINED + code]
    # Coverage could not write its own file, and would complain in the place of what is awaited.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)


def test_memory_has_an_end() -> None:
    """GIVEN 100 MB WHEN more is taken THEN it is a MemoryError and no growth; half of it is fine."""
    result = _run("bytearray(50_000_000)\nbytearray(100_000_000)")
    assert result.returncode == 1
    assert result.stderr.strip().endswith("MemoryError")


def test_what_is_written_has_an_end(tmp_path: Path) -> None:
    """GIVEN a limit of a file's size WHEN one byte more is written THEN it is an error, and the rest is there."""
    path = tmp_path / "file"
    assert _run(f"Path({str(path)!r}).write_bytes(bytes(1000))").returncode == 0
    result = _run(f"Path({str(path)!r}).write_bytes(bytes(1001))")
    assert "File too large" in result.stderr
    assert path.stat().st_size <= 1000


@pytest.mark.slow
def test_cpu_time_has_an_end() -> None:
    """GIVEN a second of CPU WHEN it computes for ever THEN SIGXCPU ends it."""
    assert _run("while True: pass").returncode == -signal.SIGXCPU


def test_the_kernel_is_offered_it_first() -> None:
    """GIVEN a confined process WHEN the kernel looks for a victim THEN it has the highest score, and no core."""
    code = "import resource\nprint(Path('/proc/self/oom_score_adj').read_text().strip(), end=' ')\n"
    result = _run(code + "print(resource.getrlimit(resource.RLIMIT_CORE)[0])")
    assert result.stdout.split() == ["1000", "0"]


def test_a_lower_limit_of_the_system_stays() -> None:
    """GIVEN a hard limit below ours WHEN the process is confined THEN that counts, and nothing is raised."""
    lower = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    assert _run("print(resource.getrlimit(resource.RLIMIT_FSIZE))", lower).stdout.strip() == "(10, 10)"
