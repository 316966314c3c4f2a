import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from profiles.proc_files import ProcessFiles
from profiles.vm_size import MIB

HOLDER = """
import os, sys, threading
held, given_back = bytearray(b"x") * (20 * 1048576), bytearray(b"x") * (20 * 1048576)
files = [open("/dev/null") for _ in range(5)]
threading.Thread(target=sys.stdin.read, daemon=True).start()
del given_back
print(len(os.listdir("/proc/self/fd")) - 1, flush=True)
threading.Event().wait()
"""


def lies_in_memory(folder: Path) -> bool:
    """Whether the folder is in a tmpfs, which has no storage to fetch from."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(m[1]), m[2]) for m in mounts if str(folder).startswith(m[1])]
    return max(holding)[1] in {"tmpfs", "ramfs"}


@pytest.fixture
def holder() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that held 40 MB, holds 20 and has two threads; with the number of files that it has open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
        process.kill()


def test_what_a_process_holds_is_what_the_kernel_says(holder: tuple[subprocess.Popen[bytes], int]) -> None:
    """GIVEN a process THEN its memory, its peak, its own part, its files and its threads are read, the unit bytes."""
    process, open_files = holder
    files = ProcessFiles(process.pid)
    rss_bytes, peak_bytes = files.rss_bytes(), files.peak_rss_bytes()
    assert rss_bytes > 20 * MIB
    assert rss_bytes == pytest.approx(psutil.Process(process.pid).memory_info().rss, abs=MIB)
    assert peak_bytes is not None
    assert peak_bytes >= rss_bytes + 19 * MIB
    own = files.proportional()
    assert 20 * MIB < own.uss_bytes <= own.pss_bytes <= rss_bytes + MIB
    assert files.fds() == open_files
    assert files.threads() == 2
    assert files.command_line()[:2] == [sys.executable, "-c"]
    assert 0 < files.cpu_s() < 10


READER = """
import os, socket, sys
ours, theirs = socket.socketpair()
for line in sys.stdin:
    with open(sys.argv[1], "rb") as file:
        if line == "cold\\n":
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        sent = 0
        while sent < 4194304:
            sent += os.sendfile(ours.fileno(), file.fileno(), sent, 65536)
            theirs.recv(65536)
        file.seek(4194304)
        file.read(4194304)
    print("read", flush=True)
"""


def test_what_is_read_and_sent_is_counted_and_what_came_from_storage(tmp_path: Path) -> None:
    """GIVEN 8 MB, half of them sent with sendfile WHEN they are cached or not THEN the kernel says so."""
    path = tmp_path / "chunk"
    with path.open("wb") as file:
        file.write(os.urandom(8 * MIB))
        os.fsync(file.fileno())
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        files = ProcessFiles(reader.pid)
        seen = []
        for line in (b"warm\n", b"warm\n", b"cold\n"):
            reader.stdin.write(line)
            assert reader.stdout.readline() == b"read\n"
            seen.append(files.file_traffic())
        reader.stdin.close()
    (warm_bytes, cold_bytes) = (after.read_bytes - before.read_bytes for before, after in pairwise(seen))
    assert 8 * MIB <= warm_bytes < 8.5 * MIB
    assert 8 * MIB <= cold_bytes < 8.5 * MIB
    assert seen[1].storage_bytes == seen[0].storage_bytes
    if not lies_in_memory(tmp_path):
        assert seen[2].storage_bytes - seen[1].storage_bytes >= 8 * MIB


def test_a_process_that_has_ended_is_gone_and_its_files_are_nobody_elses(
    holder: tuple[subprocess.Popen[bytes], int],
) -> None:
    """GIVEN files that were open WHEN the process ends THEN each says so, whoever has its number by then."""
    process, _ = holder
    files = ProcessFiles(process.pid)
    files.rss_bytes()
    files.cpu_s()
    process.kill()
    process.wait()
    for read in (
        files.rss_bytes, files.cpu_s, files.peak_rss_bytes, files.threads, files.fds, files.command_line,
        files.children, files.proportional,
    ):  # fmt: skip
        with pytest.raises(ProcessLookupError):
            read()
    with pytest.raises(ProcessLookupError):
        ProcessFiles(process.pid)


def test_a_process_that_waits_to_be_reaped_holds_nothing() -> None:
    """GIVEN a process that has ended and is not yet waited for THEN it is gone too."""
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ProcessLookupError):
        ProcessFiles(process.pid).rss_bytes()
    process.wait()


def test_closed_files_are_nobodys(holder: tuple[subprocess.Popen[bytes], int]) -> None:
    """GIVEN files that were closed THEN no file number of theirs is used again, though the process lives."""
    files = ProcessFiles(holder[0].pid)
    files.rss_bytes()
    files.close()
    with pytest.raises(ProcessLookupError):
        files.rss_bytes()
    with pytest.raises(ProcessLookupError):
        files.fds()


@pytest.fixture
def fake(tmp_path: Path) -> ProcessFiles:
    """Process 7 of a kernel that has no smaps_rollup, counts no files and keeps no list of children."""
    folder = tmp_path / "7"
    (folder / "fd").mkdir(parents=True)
    for number in range(3):
        (folder / "fd" / f"{number}").touch()
    (folder / "stat").write_text("7 (a) b) S 1 7 7 0 -1 4 0 0 0 0 150 50 0 0 20 0 1 0 9 0 0\n")
    (folder / "statm").write_text("300 20 10 1 0 40 0\n")
    (folder / "status").write_text("Name:\ta\nThreads:\t1\n")
    return ProcessFiles(7, tmp_path)


def test_a_missing_file_of_a_living_process_is_told_from_its_death(fake: ProcessFiles) -> None:
    """GIVEN a kernel without the file THEN that is an error of the file's, and not the end of the process."""
    with pytest.raises(FileNotFoundError):
        fake.proportional()
    with pytest.raises(FileNotFoundError):
        fake.children()
    assert fake.peak_rss_bytes() is None


def test_a_name_with_brackets_shifts_no_field(fake: ProcessFiles) -> None:
    """GIVEN a process called `a) b` THEN its CPU time is 200 ticks."""
    assert fake.cpu_s() == 200 / os.sysconf("SC_CLK_TCK")
    assert fake.rss_bytes() == 20 * os.sysconf("SC_PAGE_SIZE")


def test_files_are_counted_where_the_kernel_does_not(tmp_path: Path, fake: ProcessFiles) -> None:
    """GIVEN a folder of files whose size is no count (Linux before 6.2) THEN they are counted."""
    (tmp_path / "7" / "fd").stat()
    assert fake._count("fd") == 3


def test_a_process_that_may_not_be_looked_into_says_so(
    fake: ProcessFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another user's process THEN what it holds for itself is a matter of permission, not of its death."""

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        fake.proportional()


@pytest.mark.parametrize("text", ["", "300", "300 x 1", "\n"])
def test_half_a_line_is_an_error_and_no_number(tmp_path: Path, fake: ProcessFiles, text: str) -> None:
    """GIVEN a statm that is cut off THEN it says nothing, which is neither zero nor the end of the process."""
    (tmp_path / "7" / "statm").write_text(text)
    with pytest.raises(OSError, match="does not say") as raised:
        fake.rss_bytes()
    assert not isinstance(raised.value, ProcessLookupError)


@pytest.mark.parametrize("name", ["stat", "status", "smaps_rollup"])
def test_a_file_of_nonsense_is_an_error_too(tmp_path: Path, fake: ProcessFiles, name: str) -> None:
    """GIVEN files without what is looked for THEN each reading says so."""
    (tmp_path / "7" / name).write_text("7 (x) S 1\nVmHWM:\tmuch\n")
    read = {"stat": fake.cpu_s, "status": fake.peak_rss_bytes, "smaps_rollup": fake.proportional}[name]
    with pytest.raises(OSError, match="does not say"):
        read()


def test_a_process_that_is_hidden_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a /proc that shows us no other user's process THEN one that lives is forbidden, and not ended."""

    def hidden(*_: object, **__: object) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "open", hidden)
    with pytest.raises(PermissionError, match="hidepid"):
        ProcessFiles(os.getpid())
