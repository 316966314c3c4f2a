import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from profiles.proc_files import ProcessFiles
from profiles.process_table import MOST_REMEMBERED, ProcessTable, TreeSample, command_name
from profiles.vm_size import MIB

PAGE = os.sysconf("SC_PAGE_SIZE")


def put(proc: Path, pid: int, pages: int, command: str = "python\0-m\0server\0") -> None:
    """A process of a made-up /proc that holds so many pages, with two open files and one thread."""
    folder = proc / str(pid)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "fd").mkdir(parents=True)
    for number in range(2):
        (folder / "fd" / f"{number}").touch()
    (folder / "task" / str(pid)).mkdir(parents=True)
    (folder / "stat").write_text(f"{pid} (x) S 1\n")
    (folder / "statm").write_text(f"{pages + 9} {pages} 0 0 0 0 0\n")
    (folder / "status").write_text(f"Name:\tx\nVmHWM:\t{2 * pages * PAGE // 1024} kB\nThreads:\t1\n")
    (folder / "cmdline").write_text(command)


@pytest.fixture
def table(tmp_path: Path) -> ProcessTable:
    """A server of 100 pages and two children of 10, none seen so far."""
    put(tmp_path, 7, 100)
    put(tmp_path, 8, 10, "/usr/bin/aligner\0-x\0")
    put(tmp_path, 9, 10, "/usr/bin/aligner\0-x\0")
    table = ProcessTable(tmp_path)
    table.name_server(7)
    return table


def test_server_and_children_are_added_up_apart(table: ProcessTable) -> None:
    """GIVEN a server and two children THEN each side has its own sum."""
    assert table.sample([7, 8, 9]) == TreeSample(100 * PAGE, 20 * PAGE, 3)


def test_no_server_is_unknown_and_no_children_are_none(table: ProcessTable) -> None:
    """GIVEN a VM without a server THEN its RSS is empty; GIVEN no children THEN they hold nothing, which is known."""
    assert table.sample([8]) == TreeSample(None, 10 * PAGE, 1)
    assert table.sample([]) == TreeSample(None, 0, 0)


def test_a_process_that_ended_between_the_list_and_its_reading_is_left_out(table: ProcessTable) -> None:
    """GIVEN a pid in the list of which there is no process THEN the others count."""
    assert table.sample([7, 8, 99]) == TreeSample(100 * PAGE, 10 * PAGE, 2)


def test_a_number_that_is_used_again_is_another_process(
    table: ProcessTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a server that died WHEN a child gets its number THEN the child is no server and has its own memory."""
    table.sample([7])
    dead = table._followed[7].files
    put(tmp_path, 7, 5, "sh\0")
    read = ProcessFiles.rss_bytes

    def of_now(files: ProcessFiles) -> int:
        if files is dead:
            raise ProcessLookupError
        return read(files)

    monkeypatch.setattr(ProcessFiles, "rss_bytes", of_now)
    assert table.sample([7]) == TreeSample(None, 5 * PAGE, 1)
    assert table.known_roles[7] == "child"


def test_a_server_that_was_sampled_before_it_was_named_is_the_server_from_then_on(tmp_path: Path) -> None:
    """GIVEN a sample between a server's start and the word of it THEN the next sample knows better."""
    put(tmp_path, 7, 100)
    table = ProcessTable(tmp_path)
    assert table.sample([7]) == TreeSample(None, 100 * PAGE, 1)
    table.name_server(7)
    assert table.sample([7]) == TreeSample(100 * PAGE, 0, 1)


def test_a_sum_without_one_of_its_parts_is_unknown(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN one process that may not be read THEN no sum is given as if it were all, and the reason names it."""
    read = ProcessFiles.rss_bytes

    def refuse(files: ProcessFiles) -> int:
        if files.pid == 9:
            raise PermissionError(13, "Permission denied")
        return read(files)

    monkeypatch.setattr(ProcessFiles, "rss_bytes", refuse)
    sample = table.sample([7, 8, 9])
    assert (sample.server_rss_bytes, sample.children_rss_bytes, sample.processes) == (None, None, 3)
    assert sample.why["children_rss_bytes"].endswith("/9: Permission denied")


def test_a_vm_that_cannot_be_seen_is_unknown(table: ProcessTable) -> None:
    """GIVEN a list of processes that could not be read THEN neither memory nor files nor threads are zero."""
    table.sample([7, 8])
    assert table.unknown("gone")[:3] == (None, None, None)
    assert table.counts()[:4] == (None, None, None, None)
    assert set(table.counts().why.values()) == {"gone"}
    assert table.sample([7]) == TreeSample(100 * PAGE, 0, 1)


def test_files_and_threads_are_counted_for_each_side(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN two open files and a thread each THEN the children's add up, and the server's peak is kept."""
    monkeypatch.setattr(ProcessFiles, "fds", lambda _: 2)
    monkeypatch.setattr(ProcessFiles, "threads", lambda _: 1)
    table.sample([7, 8, 9])
    assert table.counts() == (2, 4, 1, 2, {})
    assert table.server_peak_rss_bytes == 200 * PAGE // 1024 * 1024


def test_files_that_may_not_be_counted_are_unknown(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another user's process THEN its files are unknown with the reason, and its threads are known."""

    def refuse(_: ProcessFiles) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ProcessFiles, "fds", refuse)
    monkeypatch.setattr(ProcessFiles, "threads", lambda _: 1)
    table.sample([7])
    counts = table.counts()
    assert (counts.server_fds, counts.children_fds, counts.server_threads) == (None, None, 1)
    assert counts.why.keys() == {"server_fds", "children_fds"}


def test_the_highest_peak_of_any_server_is_kept(table: ProcessTable) -> None:
    """GIVEN a restarted server that held less THEN the first one's peak stands; nothing is known before any."""
    assert table.server_peak_rss_bytes is None
    table.note_peak(None)
    assert table.server_peak_rss_bytes is None
    table.note_peak(5)
    table.note_peak(3)
    assert table.server_peak_rss_bytes == 5


def test_what_held_the_memory_is_told_by_command(table: ProcessTable, tmp_path: Path) -> None:
    """GIVEN the second sample THEN the children have the name of their program; before it they may be forks."""
    for pid in (8, 9):
        put(tmp_path, pid, 1000, "/usr/bin/aligner\0-x\0")
    table.sample([7, 8, 9])
    assert table.held().keys() == {"server", "just started"}
    table.sample([7, 8, 9])
    assert table.held()["aligner"] == {"processes": 2, "rss_mb": 2 * round(1000 * PAGE / MIB, 1)}


def test_roles_of_the_dead_are_kept_but_not_for_ever(tmp_path: Path) -> None:
    """GIVEN more dead processes than are remembered THEN the oldest is forgotten, and none that lives."""
    put(tmp_path, 7, 1)
    table = ProcessTable(tmp_path)
    table.name_server(7)
    table.sample([7])
    for pid in range(100, 100 + MOST_REMEMBERED + 5):
        table._remember(pid, "child")
    assert len(table.known_roles) == MOST_REMEMBERED
    assert table.known_roles[7] == "server"
    assert 100 not in table.known_roles


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A real process that waits."""
    command = [sys.executable, "-c", "input(1)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"1"
        yield process
        process.kill()


def test_the_files_of_a_process_that_is_gone_are_closed(sleeper: subprocess.Popen[bytes]) -> None:
    """GIVEN a followed process WHEN it is no longer in the list THEN no file of ours is left open on it."""
    before = psutil.Process().num_fds()
    table = ProcessTable()
    assert (table.sample([sleeper.pid]).children_rss_bytes or 0) > MIB
    assert psutil.Process().num_fds() == before + 2
    table.sample([])
    assert psutil.Process().num_fds() == before


def test_a_command_is_named_shortly() -> None:
    """GIVEN a module, a program with a path, and nothing THEN the name is what a person would say."""
    assert command_name(["/usr/bin/python3", "-m", "reference_server", "x"]) == "reference_server"
    assert command_name(["/usr/bin/whisper", "-m"]) == "whisper"
    assert command_name([]) == "ended"
