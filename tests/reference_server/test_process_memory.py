"""What a process and its descendants hold, read from a /proc that is made up, and from the real one."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from reference_server.process_memory import ProcessMemory, read_process_memory

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _process(
    proc: Path, pid: int, parent: int, pages: int, *, name: str = "python", state: str = "S"
) -> None:
    """Put a process there, with as many fields as the kernel writes."""
    (proc / str(pid)).mkdir(parents=True)
    between = " ".join(["7"] * 19)
    after = " ".join(["8"] * 28)
    (proc / str(pid) / "stat").write_bytes(
        f"{pid} ({name}) {state} {parent} {between} {pages} {after}\n".encode("latin-1")
    )


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A server (10) with two children and a grandchild, beside its parent (1) and a stranger (2)."""
    _process(tmp_path, 1, 0, 1_000)
    _process(tmp_path, 2, 1, 2_000)
    _process(tmp_path, 10, 1, 300)
    _process(tmp_path, 11, 10, 40)
    _process(tmp_path, 12, 10, 50)
    _process(tmp_path, 13, 12, 6)
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB")
    (tmp_path / "sys").mkdir()
    return tmp_path


def test_the_server_and_all_below_it_are_told_apart(proc: Path) -> None:
    """GIVEN a tree of processes WHEN it is read THEN grandchildren count, parents and strangers do not."""
    assert read_process_memory(10, proc) == ProcessMemory(300 * PAGE_BYTES, 96 * PAGE_BYTES, 3)
    assert read_process_memory(13, proc) == ProcessMemory(6 * PAGE_BYTES, 0, 0)


@pytest.mark.parametrize("name", ["a b", ") S 1 (", "((", "x) Z 10 5", "\xff"])
def test_a_name_is_only_a_name(proc: Path, name: str) -> None:
    """GIVEN a child whose name looks like fields WHEN it is read THEN its own fields count."""
    _process(proc, 14, 11, 3, name=name)
    assert read_process_memory(10, proc) == ProcessMemory(300 * PAGE_BYTES, 99 * PAGE_BYTES, 4)


@pytest.mark.parametrize("state", ["Z", "X"])
def test_the_dead_are_not_counted(proc: Path, state: str) -> None:
    """GIVEN a child that has ended and waits to be looked at WHEN it is read THEN it is none."""
    _process(proc, 14, 10, 0, state=state)
    assert read_process_memory(10, proc).children == 3


def test_a_process_that_ends_meanwhile_is_left_out(proc: Path) -> None:
    """GIVEN a process whose folder is empty already WHEN it is read THEN the others are there."""
    (proc / "14").mkdir()
    assert read_process_memory(10, proc).children == 3


def test_the_real_tree_is_read() -> None:
    """GIVEN a child of this process and one of its own WHEN they are read THEN their bytes are the kernel's."""
    grandchild = (
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    )
    before = read_process_memory()
    with subprocess.Popen(
        [sys.executable, "-c", grandchild], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"1\n"
        during = read_process_memory()
        family = [psutil.Process(child.pid), *psutil.Process(child.pid).children()]
        held = sum(process.memory_info().rss for process in family)
        child.communicate(b"\n")
    assert len(family) == 2
    assert during.children == before.children + 2
    # Both wait and change nothing; the kernel counts in batches of some pages a core.
    assert during.children_bytes - before.children_bytes == pytest.approx(held, rel=0.2)
    assert during.server_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert read_process_memory().children == before.children
