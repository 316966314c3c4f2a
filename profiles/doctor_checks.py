"""What measuring wants of a machine beside a backend: each thing with what it means, and the way to better."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from profiles.vm_size import MIB, VmSize

Mark = Literal["ok", "better", "missing"]
"""`better`: it can be measured without, and would be better with. `missing`: something cannot be done at all."""

MANY_FILES = 4096
"""A reader holds two or three files and sockets open; thousands of readers want as many thousands."""
NEEDED_DISK_MB = 1024
BUSY_SHARE = 0.25
"""A load average above this share of the cores is somebody else's work, which the figures will show."""
EXACT_CLOCKS = (
    "tsc",
    "kvm-clock",
    "xen",
    "hyperv",
    "arch_sys_counter",
    "riscv_clocksource",
    "timebase",
    "tod",
)
"""Clock sources that are read without a call into a slow device; hpet, acpi_pm and jiffies are not."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its mark, what was found and means, and the way to better (empty when ok)."""

    name: str
    mark: Mark
    says: str
    way_out: str = ""


@dataclass(frozen=True)
class Place:
    """Where a machine is looked at; tests give made-up folders."""

    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    sys: Path = Path("/sys")
    results: Path = Path("reports/runs")
    is_root: bool = False
    finds: Callable[[str], str | None] = shutil.which


def checks(place: Place, vm: VmSize | None, backend: str | None) -> list[Check]:
    """Return every check; `vm` is the size asked for, where one is known, `backend` the one that would be used."""
    return [
        kernel_log(place),
        pressure(place, backend),
        swap(place),
        memory(place, vm),
        cores(place, vm),
        open_files(),
        disk(place),
        clock(place),
        trim(place),
        memray(),
        guest(place),
    ]


def kernel_log(place: Place) -> Check:
    """Whether the kernel's lines, which name the victim of a kill, can be read."""
    path = place.dev / "kmsg"
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        restricted = _text(place.proc / "sys/kernel/dmesg_restrict") == "1"
        why = f"{path}: {error.strerror}{', kernel.dmesg_restrict is 1' if restricted else ''}"
        says = f"{why}: kills are counted, but the kernel's words on whom it killed are not seen"
        way = "Run as root, or with CAP_SYSLOG, or: sysctl kernel.dmesg_restrict=0."
        if isinstance(error, FileNotFoundError):
            way = "Run outside the container, or give it /dev/kmsg."
        return Check("kernel log", "better", says, way)
    return Check("kernel log", "ok", f"{path} can be read: a kill names its victim")


def pressure(place: Place, backend: str | None) -> Check:
    """Whether the kernel says how long processes wait for memory."""
    if _text(place.proc / "pressure/memory") is None:
        says = "the kernel does not tell memory pressure: those columns stay empty"
        return Check("pressure", "better", says, "Boot with psi=1 (kernel built with CONFIG_PSI).")
    whose = "the VM's own too" if backend in {"cgroup v2", "systemd scope"} else "not the VM's own"
    return Check("pressure", "ok", f"the machine's is told, {whose}")


def swap(place: Place) -> Check:
    """Whether the machine swaps, which puts off kills and makes times noisy."""
    text = _text(place.proc / "swaps")
    if text is None:
        return Check("swap", "better", f"{place.proc / 'swaps'} cannot be read: nobody knows", "Mount /proc.")
    areas = [line.split() for line in text.splitlines()[1:]]
    total_mb = sum(int(area[2]) for area in areas if len(area) > 2 and area[2].isdecimal()) // 1024
    if not areas:
        return Check("swap", "ok", "off: what is full is killed, as on a Fly machine without swap")
    says = f"on ({total_mb:,} MB): what the VM must not use the machine still may, and that makes times noisy"
    return Check("swap", "better", says, "swapoff -a while you measure.")


def memory(place: Place, vm: VmSize | None) -> Check:
    """Whether the VM fits into this machine's memory, and into what is free of it now."""
    table = _table(place.proc / "meminfo")
    total_kb, free_kb = table.get("MemTotal"), table.get("MemAvailable")
    if total_kb is None or free_kb is None:
        return Check("memory", "better", f"{place.proc / 'meminfo'} does not tell it", "Mount /proc.")
    total_mb, free_mb = total_kb // 1024, free_kb // 1024
    has = f"{total_mb:,} MB, {free_mb:,} free"
    if vm is None:
        return Check("memory", "better", f"{has}; no VM is known to compare", "Give --fly-toml FILE.")
    if total_mb < vm.memory_mb:
        says = f"{has}: a VM of {vm.memory_mb:,} MB does not fit"
        return Check("memory", "missing", says, f"Take --memory {total_mb // 2}MB, or a larger machine.")
    if free_mb < vm.memory_mb:
        says = f"{has}: the machine would be full before a VM of {vm.memory_mb:,} MB is"
        return Check("memory", "better", says, "End what holds the rest.")
    return Check("memory", "ok", f"{has}: a VM of {vm.memory_mb:,} MB fits")


def cores(place: Place, vm: VmSize | None) -> Check:
    """Whether the VM's CPUs are there, and idle."""
    count = os.cpu_count() or 1
    words = (_text(place.proc / "loadavg") or "").split()
    if vm is not None and vm.cpus > count:
        says = f"{count} here, {vm.cpus} in the VM: it can never use them all"
        return Check("CPU", "better", says, "Take a machine with more cores.")
    try:
        load = float(words[0])
    except (IndexError, ValueError):
        return Check(
            "CPU",
            "better",
            f"{count} cores; {place.proc / 'loadavg'} does not tell their load",
            "Mount /proc.",
        )
    has = f"{count} cores, load average {load:.2f}"
    if load > BUSY_SHARE * count:
        return Check("CPU", "better", f"{has}: busy, so times will be noisy", "Wait, or end what runs.")
    return Check("CPU", "ok", f"{has}: quiet")


def open_files() -> Check:
    """Whether thousands of readers may have their connections."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most == resource.RLIM_INFINITY:
        return Check("open files", "ok", "as many as are wanted")
    if most < MANY_FILES:
        says = f"{most:,} at most: about {max(1, most // 3):,} readers in one process"
        return Check("open files", "better", says, f"ulimit -Hn {MANY_FILES * 16}, as root, or limits.conf.")
    return Check("open files", "ok", f"{most:,} at most: about {most // 3:,} readers in one process")


def disk(place: Place) -> Check:
    """Whether there is room for a comparison's results."""
    folder = next(
        path for path in (place.results.absolute(), *place.results.absolute().parents) if path.exists()
    )
    try:
        free_mb = shutil.disk_usage(folder).free // MIB
    except OSError as error:
        return Check("disk", "better", f"{folder}: {error.strerror}", "Give --out FOLDER.")
    if not os.access(folder, os.W_OK):
        return Check("disk", "missing", f"{folder} cannot be written by this user", "Give --out FOLDER.")
    if free_mb < NEEDED_DISK_MB:
        says = f"{free_mb:,} MB free in {place.results}, {NEEDED_DISK_MB:,} MB needed"
        return Check("disk", "missing", says, "Make room, or give --out FOLDER.")
    return Check("disk", "ok", f"{free_mb:,} MB free in {place.results}")


def clock(place: Place) -> Check:
    """Whether the one clock of a run is exact and cheap to read."""
    source = _text(place.sys / "devices/system/clocksource/clocksource0/current_clocksource")
    if source is None:
        return Check("clock", "better", "the kernel does not tell its clock source", "Mount /sys.")
    if not source.startswith(EXACT_CLOCKS):
        says = f"{source}: slow to read, which every sample and request pays"
        return Check("clock", "better", says, "Boot with clocksource=tsc, where the processor's is stable.")
    return Check("clock", "ok", f"{source}: exact, and cheap to read")


def trim(place: Place) -> Check:
    """Whether `--trim malloc_trim` may call into our server, which tells retention from a leak."""
    if platform.machine() != "x86_64":
        says = f"malloc_trim is called on x86-64 only, and this is {platform.machine()}"
        return Check("trim", "better", says, "Give --trim a path of the server's own.")
    if not place.is_root and _text(place.proc / "sys/kernel/yama/ptrace_scope") not in {None, "0"}:
        says = "kernel.yama.ptrace_scope keeps malloc_trim from our server"
        return Check("trim", "better", says, "Run as root, or: sysctl kernel.yama.ptrace_scope=0.")
    return Check("trim", "ok", "malloc_trim can be called in our server, to tell retention from a leak")


def memray() -> Check:
    """Whether the server's heap can be captured."""
    if importlib.util.find_spec("memray") is None:
        says = "not installed for this Python: no heap can be captured"
        return Check("memray", "better", says, "Install the project with its requirements: make compare.")
    return Check("memray", "ok", "installed: a Python server's heap can be captured")


def guest(place: Place) -> Check:
    """Whether a whole VM can be booted as an ordinary process; only tests want it."""
    lacking = [
        package
        for package, names in (("user-mode-linux", ("linux.uml",)), ("gcc", ("cc", "gcc", "clang")))
        if not any(map(place.finds, names))
    ]
    if lacking:
        says = f"no {' and no '.join(lacking)}: no whole VM of its own kernel (optional; tests use it)"
        return Check("guest", "better", says, f"Install: apt-get install {' '.join(lacking)}.")
    return Check("guest", "ok", "user-mode-linux is there: tests boot a whole VM of its own kernel")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _table(path: Path) -> dict[str, int]:
    """Return the `key: number kB` lines."""
    words = (line.replace(":", " ").split() for line in (_text(path) or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) > 1 and pair[1].isdecimal()}
