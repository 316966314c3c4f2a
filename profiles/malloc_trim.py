"""Calls glibc's `malloc_trim` in another process: `python -m profiles.malloc_trim PID`, on x86-64.

As a debugger does it, but with every register kept that this processor has: gdb 13 writes back too few of a
processor with AMX, and what it was attached to dies. The first thread is stopped for it, in a system call in which
it waits and is not inside the allocator itself. A call that does not return, since another thread keeps
the allocator's lock, is given up, and the thread goes on as if nothing had been.
A process of its own, since who traces a child of ours would take its exit status from us.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import time
from pathlib import Path

LIBC_NAMES = ("libc.so.6", "libc-2.")
CALLED_WITHIN_S = 20.0
CONT, POKEDATA, GETREGS, SETREGS, DETACH = 7, 5, 12, 13, 17
GETREGSET, SETREGSET, SEIZE, INTERRUPT = 0x4204, 0x4205, 0x4206, 0x4207
X86_XSTATE = 0x202
WALL = 0x40000000
"""Of <sys/ptrace.h>, <elf.h> and <sys/wait.h>; Python has no names for them."""
REGISTERS = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
    "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip
NO_CALL = 2**64 - 1
"""In `orig_rax`: the thread is in no system call."""
WAITING_CALLS = frozenset(
    {0, 7, 23, 34, 35, 43, 45, 47, 61, 128, 130, 202, 208, 219, 230, 232, 247, 270, 271, 281, 288, 426, 441}
)
"""System calls in which a thread waits: read, poll, select, epoll, futex, sleep, accept, receive, wait and their
kin (arch/x86/entry/syscalls/syscall_64.tbl). Who is in another, or in none, may be in the allocator."""
AT_REST_WITHIN_S = 10.0
RED_ZONE_BYTES = 128
"""Below the stack's end the thread may keep what it likes (System V ABI)."""
MOST_STATE_BYTES = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class TrimError(Exception):
    """It could not be called; one clause says why."""


class Registers(ctypes.Structure):
    """The kernel's `user_regs_struct` of x86-64."""

    _fields_ = [(name, ctypes.c_ulong) for name in REGISTERS]


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def malloc_trim(pid: int) -> bool:
    """Call `malloc_trim(0)` in a process; return whether it gave anything back.

    Raises:
        TrimError: it could not be called, or did not return in time; the process goes on as it was.
    """
    if platform.machine() != "x86_64":
        raise TrimError(f"it is written for x86-64 only, and this is {platform.machine()}")
    address = _address(pid)
    _ptrace(SEIZE, pid, 0, 0)
    try:
        return _call(pid, address, _stopped_at_rest(pid)) != 0
    finally:
        _libc.ptrace(DETACH, pid, 0, 0)


def _stopped_at_rest(pid: int) -> Registers:
    """Stop the thread where it waits, and return its registers."""
    registers, deadline = Registers(), time.monotonic() + AT_REST_WITHIN_S
    while time.monotonic() < deadline:
        _ptrace(INTERRUPT, pid, 0, 0)
        passed = _await_stop(pid, CALLED_WITHIN_S)
        _ptrace(GETREGS, pid, 0, ctypes.addressof(registers))
        if passed == signal.SIGTRAP and registers.orig_rax in WAITING_CALLS:
            return registers
        _ptrace(CONT, pid, 0, 0 if passed == signal.SIGTRAP else passed)
        time.sleep(0.01)
    raise TrimError(f"its first thread did not wait for anything within {AT_REST_WITHIN_S:g} s")


def _call(pid: int, address: int, before: Registers) -> int:
    """Let the stopped thread call a function with the argument 0, and put everything back as it was."""
    state = ctypes.create_string_buffer(MOST_STATE_BYTES)
    vector = _Vector(ctypes.addressof(state), MOST_STATE_BYTES)
    _ptrace(GETREGSET, pid, X86_XSTATE, ctypes.addressof(vector))
    calling = Registers.from_buffer_copy(before)
    calling.rsp = ((before.rsp - RED_ZONE_BYTES) & ~15) - 8
    calling.rip, calling.rdi, calling.rax = address, 0, 0
    calling.orig_rax = NO_CALL  # no system call is to be started again meanwhile
    try:
        _ptrace(POKEDATA, pid, calling.rsp, 0)  # it returns to address 0, which stops it
        _ptrace(SETREGS, pid, 0, ctypes.addressof(calling))
        return _result(pid)
    finally:
        _ptrace(SETREGSET, pid, X86_XSTATE, ctypes.addressof(vector))
        _ptrace(SETREGS, pid, 0, ctypes.addressof(before))


def _result(pid: int) -> int:
    after, deadline, passed = Registers(), time.monotonic() + CALLED_WITHIN_S, 0
    while True:
        _ptrace(CONT, pid, 0, passed)
        try:
            passed = _await_stop(pid, deadline - time.monotonic())
        except TimeoutError:
            _ptrace(INTERRUPT, pid, 0, 0)
            _await_stop(pid, CALLED_WITHIN_S)
            raise TrimError(f"malloc_trim did not return within {CALLED_WITHIN_S:g} s") from None
        _ptrace(GETREGS, pid, 0, ctypes.addressof(after))
        if passed == signal.SIGSEGV and after.rip == 0:
            return int(after.rax)
        if passed == signal.SIGTRAP:
            passed = 0


def _await_stop(pid: int, within_s: float) -> int:
    """Return the signal with which the thread stopped; raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while True:
        found, status = os.waitpid(pid, os.WNOHANG | WALL)
        if found and os.WIFSTOPPED(status):
            return os.WSTOPSIG(status)
        if found:
            raise TrimError("it ended meanwhile")
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.002)


def _ptrace(request: int, pid: int, address: int, data: int) -> None:
    if _libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        hint = ". Run as root, or with CAP_SYS_PTRACE" if number == 1 else ""
        raise TrimError(f"{os.strerror(number)}{hint}")


def _address(pid: int) -> int:
    """Return where `malloc_trim` is in a process that has the C library that we have."""
    theirs, ours = _libc_at(pid), _libc_at(os.getpid())
    if theirs is None or ours is None:
        raise TrimError("it has no glibc")
    if theirs[1] != ours[1]:
        raise TrimError("its C library is not this machine's")
    address = ctypes.cast(_libc.malloc_trim, ctypes.c_void_p).value
    assert address is not None
    return theirs[0] + address - ours[0]


def _libc_at(pid: int) -> tuple[int, str] | None:
    """Return where a process has its C library, and which file that is (device and number)."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise TrimError(f"/proc/{pid}/maps: {error.strerror}") from None
    for line in lines:
        span, _, _, device, number, *path = line.split(maxsplit=5)
        if path and Path(path[0]).name.startswith(LIBC_NAMES):
            return int(span.partition("-")[0], 16), f"{device} {number}"
    return None


def main() -> int:
    """Trim one process, and say on one line what went wrong."""
    try:
        malloc_trim(int(sys.argv[1]))
    except (TrimError, TimeoutError) as error:
        print(str(error) or "it did not stop in time", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
