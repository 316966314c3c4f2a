"""A call in another process: it gives memory back, changes nothing else, and every failure is a clause."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles import malloc_trim
from profiles.trim import trim_process

KEEPER = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.mallopt(-8, 1), libc.mallopt(-3, 1 << 25)
pairs = [(libc.malloc(1 << 16), libc.malloc(2048)) for _ in range(500)]
for block, _ in pairs:
    ctypes.memset(block, 1, 1 << 16)
    libc.free(block)
print("kept", flush=True)
for line in sys.stdin:
    print(sum(float(word) for word in line.split()), flush=True)
"""
BUSY = "print('busy', flush=True)\nwhile True: pass"

YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
MAY_TRACE = os.geteuid() == 0 or not YAMA.exists() or YAMA.read_text().strip() == "0"

pytestmark = [
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the call is written for x86-64"),
    pytest.mark.skipif(not MAY_TRACE, reason="kernel.yama.ptrace_scope is on: run as root"),
]


def rss_mb(pid: int) -> float:
    """What a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def started(program: str) -> subprocess.Popen[str]:
    """A Python that runs a program, once it has said something."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.fixture
def keeper() -> Iterator[subprocess.Popen[str]]:
    """A process that freed 31 MB, which glibc keeps, and adds up what it is sent."""
    process = started(KEEPER)
    yield process
    process.kill()
    process.communicate()


def test_what_was_kept_comes_back_and_the_process_goes_on(keeper: subprocess.Popen[str]) -> None:
    """GIVEN 31 MB that glibc keeps WHEN it is trimmed, also again THEN they are back, and it still reckons right."""
    kept = rss_mb(keeper.pid)
    assert trim_process(keeper.pid) is None
    assert kept - rss_mb(keeper.pid) > 20
    for _ in range(5):
        assert trim_process(keeper.pid) is None
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    keeper.stdin.write("0.5 2.25\n")
    keeper.stdin.flush()
    assert keeper.stdout.readline() == "2.75\n"


def test_who_never_waits_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a thread that may be in the allocator at any moment THEN nothing is called in it, and it goes on."""
    monkeypatch.setattr(malloc_trim, "AT_REST_WITHIN_S", 0.2)
    process = started(BUSY)
    try:
        with pytest.raises(malloc_trim.TrimError, match="did not wait for anything"):
            malloc_trim.malloc_trim(process.pid)
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_nobody_there_is_a_clause() -> None:
    """GIVEN a pid that is gone THEN one clause says so."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    said = trim_process(ended.pid)
    assert said is not None
    assert "No such file" in said


def test_a_process_without_glibc_is_a_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process in whose maps no glibc is THEN it is not touched."""
    monkeypatch.setattr(malloc_trim, "LIBC_NAMES", ("no-such-libc",))
    with pytest.raises(malloc_trim.TrimError, match="no glibc"):
        malloc_trim.malloc_trim(os.getpid())


def test_another_processor_is_a_clause(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a processor whose registers are others THEN nothing is tried."""
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(malloc_trim.TrimError, match="this is aarch64"):
        malloc_trim.malloc_trim(os.getpid())
