from pathlib import Path

import pytest

from profiles.proc_files import TICKS_PER_S
from profiles.witness import Witness

STAT = "cpu  100 10 50 9000 800 7 3 30 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine that waited for memory and used 200 ticks of CPU."""
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "memory").write_text("some avg10=3.50 total=1\nfull avg10=1.25 total=1\n")
    (tmp_path / "stat").write_text(STAT)
    return tmp_path


def test_the_machine_and_the_watcher_are_told(proc: Path) -> None:
    """GIVEN a machine THEN its pressure, its busy time and what watching costs are known."""
    witness = Witness(proc)
    values = witness.values()
    assert (values["host_psi_some"], values["host_psi_full"]) == (3.5, 1.25)
    assert (values["recorder_cpu_s"] or 0) > 0
    assert (values["recorder_rss_bytes"] or 0) > 2**20
    assert witness.machine_cpu_s() == 200 / TICKS_PER_S
    assert witness.why == {}


def test_waiting_for_a_disk_is_no_work(proc: Path) -> None:
    """GIVEN more idle time and more waiting THEN the machine was no busier."""
    (proc / "stat").write_text(STAT.replace("9000 800", "19000 1800"))
    assert Witness(proc).machine_cpu_s() == 200 / TICKS_PER_S


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "cpu a b c d e f g h\n"])
def test_half_a_line_of_cpu_times_is_unknown(proc: Path, text: str) -> None:
    """GIVEN a line that is cut off THEN the time is None, and never the sum of what is left."""
    (proc / "stat").write_text(text)
    witness = Witness(proc)
    assert witness.machine_cpu_s() is None
    assert witness.why == {"machine_cpu_s": f"{proc}/stat: does not say"}


def test_a_kernel_without_pressure_says_why(tmp_path: Path) -> None:
    """GIVEN no files at all THEN each column is empty with its reason, and our own cost is known still."""
    witness = Witness(tmp_path)
    values = witness.values()
    assert values["host_psi_some"] is None
    assert values["recorder_rss_bytes"]
    assert witness.machine_cpu_s() is None
    assert witness.why == {
        "host_psi_some": f"{tmp_path}/pressure/memory: No such file or directory",
        "host_psi_full": f"{tmp_path}/pressure/memory: No such file or directory",
        "machine_cpu_s": f"{tmp_path}/stat: No such file or directory",
    }
