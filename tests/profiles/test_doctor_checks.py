import importlib.util
import os
import resource
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from profiles import doctor_checks
from profiles.doctor_checks import Place
from profiles.vm_size import VmSize

VM = VmSize(4096, 2, 0.125)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A machine whose files are made up, one after the other."""
    proc, dev, sys, runs = (tmp_path / name for name in ("proc", "dev", "sys", "runs"))
    return Place(proc, dev, sys, runs, finds=lambda name: f"/bin/{name}")


def write(path: Path, text: str = "") -> None:
    """Make a file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_kernel_log_that_can_be_read_is_ok(place: Place) -> None:
    """GIVEN /dev/kmsg THEN it is ok; without it the way out is another than without the right to it."""
    assert "/dev/kmsg" in doctor_checks.kernel_log(place).way_out
    write(place.dev / "kmsg")
    assert doctor_checks.kernel_log(place).mark == "ok"


def test_a_kernel_log_that_may_not_be_read_says_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN dmesg_restrict and no right THEN the check says so, and how to get it."""
    write(place.dev / "kmsg")
    write(place.proc / "sys/kernel/dmesg_restrict", "1\n")

    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        check = doctor_checks.kernel_log(place)
    assert check.mark == "better"
    assert "dmesg_restrict is 1" in check.says
    assert "CAP_SYSLOG" in check.way_out


def test_pressure(place: Place) -> None:
    """GIVEN a kernel that tells memory pressure THEN it is ok, and whose it is depends on the backend."""
    assert doctor_checks.pressure(place, "cgroup v2").mark == "better"
    write(place.proc / "pressure/memory", "some avg10=0.00")
    assert "the VM's own too" in doctor_checks.pressure(place, "cgroup v2").says
    assert "not the VM's own" in doctor_checks.pressure(place, "cgroup v1").says


SWAPS = "Filename Type Size Used Priority\n"


@pytest.mark.parametrize(
    ("text", "mark", "says"),
    [
        (SWAPS, "ok", "off"),
        (f"{SWAPS}/dev/sda2 partition 2097148 0 -2\n", "better", "on (2,047 MB)"),
        (f"{SWAPS}/swap\\040file\n", "better", "on (0 MB)"),
    ],
)
def test_swap(place: Place, text: str, mark: str, says: str) -> None:
    """GIVEN swap areas THEN swap is on, with their size; a half-written line is no crash."""
    assert "cannot be read" in doctor_checks.swap(place).says
    write(place.proc / "swaps", text)
    check = doctor_checks.swap(place)
    assert (check.mark, says in check.says) == (mark, True)


@pytest.mark.parametrize(
    ("total_mb", "free_mb", "mark"),
    [(4096, 4096, "ok"), (4096, 4095, "better"), (4095, 4095, "missing"), (24_000, 20_000, "ok")],
)
def test_memory(place: Place, total_mb: int, free_mb: int, mark: str) -> None:
    """GIVEN the machine's memory THEN a VM of 4,096 MB fits into what is there and free, to the MB."""
    write(place.proc / "meminfo", f"MemTotal: {total_mb * 1024} kB\nMemAvailable: {free_mb * 1024} kB\n")
    assert doctor_checks.memory(place, VM).mark == mark
    assert doctor_checks.memory(place, None).mark == "better"


def test_memory_that_nobody_tells_is_no_crash(place: Place) -> None:
    """GIVEN a half-written meminfo THEN memory is unknown, and not zero."""
    write(place.proc / "meminfo", "MemTotal:\nMemAvail")
    check = doctor_checks.memory(place, VM)
    assert (check.mark, "does not tell" in check.says) == ("better", True)


@pytest.mark.parametrize(
    ("load", "mark"), [("0.50 0.1 0.1 1/9 7", "ok"), ("0.51 9 9", "better"), ("", "better"), ("x", "better")]
)
def test_cores(place: Place, monkeypatch: pytest.MonkeyPatch, load: str, mark: str) -> None:
    """GIVEN two cores THEN up to a quarter of them may be at work for others; an unknown load is no quiet."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    write(place.proc / "loadavg", load)
    assert doctor_checks.cores(place, VM).mark == mark
    assert "4 in the VM" in doctor_checks.cores(place, VmSize(256, 4, 0.25)).says


@pytest.mark.parametrize(
    ("most", "mark"), [(1024, "better"), (4095, "better"), (4096, "ok"), (resource.RLIM_INFINITY, "ok")]
)
def test_open_files(monkeypatch: pytest.MonkeyPatch, most: int, mark: str) -> None:
    """GIVEN the hard limit THEN thousands of readers have their connections, or are told that they have not."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, most))
    assert doctor_checks.open_files().mark == mark


@pytest.mark.parametrize(("free_mb", "mark"), [(1024, "ok"), (1023, "missing")])
def test_disk(place: Place, monkeypatch: pytest.MonkeyPatch, free_mb: int, mark: str) -> None:
    """GIVEN a folder that is not there yet THEN the room where it will be is told."""
    usage = SimpleNamespace(free=free_mb * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert doctor_checks.disk(place).mark == mark


def test_a_folder_that_cannot_be_written_has_no_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN results that this user may not write THEN it is missing, however much is free."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    check = doctor_checks.disk(place)
    assert (check.mark, "cannot be written" in check.says) == ("missing", True)


@pytest.mark.parametrize(
    ("source", "mark"), [("tsc\n", "ok"), ("kvm-clock\n", "ok"), ("hpet\n", "better"), ("jiffies", "better")]
)
def test_clock(place: Place, source: str, mark: str) -> None:
    """GIVEN the clock source THEN one that is read from a slow device is told."""
    assert doctor_checks.clock(place).mark == "better"
    write(place.sys / "devices/system/clocksource/clocksource0/current_clocksource", source)
    assert doctor_checks.clock(place).mark == mark


def test_trim(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN x86-64 THEN our server can be trimmed, unless nobody may trace it; root may."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert doctor_checks.trim(place).mark == "ok"
    write(place.proc / "sys/kernel/yama/ptrace_scope", "1\n")
    assert "ptrace_scope" in doctor_checks.trim(place).says
    assert doctor_checks.trim(Place(place.proc, is_root=True)).mark == "ok"
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert "path" in doctor_checks.trim(place).way_out


def test_memray(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a Python without memray THEN no heap can be captured."""
    assert doctor_checks.memray().mark == "ok"
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert doctor_checks.memray().mark == "better"


def test_guest(place: Place) -> None:
    """GIVEN what a guest needs THEN it is ok; else what is lacking is named as its package."""
    assert doctor_checks.guest(place).mark == "ok"
    bare = Place(finds=lambda name: "/bin/cc" if name == "cc" else None)
    assert doctor_checks.guest(bare).way_out == "Install: apt-get install user-mode-linux."
