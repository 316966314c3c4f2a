import os
from pathlib import Path

import pytest

from profiles.kernel_log import KernelKill, KernelLog, parse_kill, parse_memcg

MEMCG = (
    "Memory cgroup out of memory: Killed process 7558 (python) total-vm:139840kB, anon-rss:130688kB, "
    "file-rss:6068kB, shmem-rss:0kB, UID:0 pgtables:308kB oom_score_adj:0"
)
WHOLE = "Out of memory: Killed process 680 (next-server (v1) total-vm:22kB, anon-rss:3145728kB, file-rss:0kB"
SHORT = "Out of memory: Killed process 680 (next-server)"


@pytest.mark.parametrize(
    ("line", "kill"),
    [
        (MEMCG, KernelKill(7558, "python", 127.6, whole_machine=False, line=MEMCG)),
        (WHOLE, KernelKill(680, "next-server (v1", 3072.0, whole_machine=True, line=WHOLE)),
        (SHORT, KernelKill(680, "next-server", None, whole_machine=True, line=SHORT)),
    ],
)
def test_a_kill_line_names_its_victim(line: str, kill: KernelKill) -> None:
    """GIVEN a kill line, of a group, of a machine, or cut short THEN victim and size are read."""
    assert parse_kill(line) == kill


@pytest.mark.parametrize(
    "line", ["", "python invoked oom-killer: gfp_mask=0xcc0", "Killed process", MEMCG[:40]]
)
def test_other_lines_are_no_kills(line: str) -> None:
    """GIVEN a line that names no victim THEN nothing is made up."""
    assert parse_kill(line) is None


def test_the_constraint_line_names_the_group_whose_limit_was_hit() -> None:
    """GIVEN the kernel's `oom-kill:` line THEN pid and group are read: another group's kill is not ours."""
    line = (
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
        "oom_memcg=/oomproof-7557,task_memcg=/oomproof-7557/sub,task=python,pid=7558,uid=0"
    )
    assert parse_memcg(line) == (7558, "/oomproof-7557")
    assert parse_memcg(MEMCG) is None


def test_an_unreadable_kernel_log_is_said_and_yields_nothing(tmp_path: Path) -> None:
    """GIVEN no kernel log THEN the reader says so and never fails."""
    log = KernelLog(tmp_path / "kmsg")
    assert not log.readable
    assert log.lines() == []


def test_only_lines_after_the_opening_are_read(tmp_path: Path) -> None:
    """GIVEN a log with history WHEN a line is added THEN only it is read, without its prefix."""
    path = tmp_path / "kmsg"
    path.write_text("6,1,10,-;old\n")
    log = KernelLog(path)
    with path.open("a") as file:
        file.write(f"3,2,20,-;{SHORT}\n SUBSYSTEM=x\n")
        file.flush()
        os.fsync(file.fileno())
    assert log.lines() == [SHORT]
    log.close()
