"""The VM around a target: its walls, the recorder that watches it, and what runs inside."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from profiles import processes
from profiles.backends import best_backend, own_size, remove_stale, walls_of
from profiles.errors import RunError
from profiles.event_log import EventLog
from profiles.machine import check_vm_fits
from profiles.recorder import CHECKPOINT_LINE, READY_LINE, SAMPLE_HZ
from profiles.vm_size import VmSize
from profiles.walls import NAME_PREFIX, Walls

CHECKPOINT_WITHIN_S = 10.0
"""A process of 2 GB takes 22 ms: a VM's all take less than this, and what takes longer is not waited for."""


class Vm:
    """A running VM: starts the server in it, tells the recorder, and empties it as a machine restart does."""

    def __init__(self, walls: Walls, size: VmSize, recorder: subprocess.Popen[bytes]) -> None:
        self.walls = walls
        self.size = size
        self._recorder = recorder
        self._servers: list[subprocess.Popen[bytes]] = []

    @property
    def described(self) -> dict[str, object]:
        """What made it, as the run folder says it."""
        walls = self.walls
        return {"backend": walls.backend, "emulated": walls.emulated, "cpu_limited": walls.limits_cpu}

    def start_server(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start the server inside; its children are inside with it."""
        server = processes.start(command, log, environment=environment, in_child=self.walls.join)
        self._servers.append(server)
        self.tell(f"server {server.pid}")
        return server

    def tell(self, line: str) -> None:
        """Send the recorder a line.

        Raises:
            RunError: the recorder is gone, so nothing is measured any more.
        """
        try:
            assert self._recorder.stdin is not None
            self._recorder.stdin.write(f"{line}\n".encode())
            self._recorder.stdin.flush()
        except OSError:
            raise RunError("recorder: it ended early. See recorder.log in the run folder.") from None

    def checkpoint(self, label: str) -> None:
        """Have the recorder note what each process holds for itself, and wait until it has.

        Raises:
            RunError: the recorder is gone.
        """
        self.tell(f"checkpoint {label}")
        assert self._recorder.stdout is not None
        deadline = time.monotonic() + CHECKPOINT_WITHIN_S
        while select.select([self._recorder.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            said = self._recorder.stdout.readline()
            if not said or said.decode().split() == [CHECKPOINT_LINE, label]:
                return

    def check_recorder(self) -> None:
        """Raise RunError when the recorder is gone."""
        if self._recorder.poll() is not None:
            raise RunError(f"recorder: it ended with status {self._recorder.returncode}. See recorder.log.")

    def reap(self) -> None:
        """Take the exit status of every server that was started; the VM must be empty."""
        for server in self._servers:
            server.wait()

    def empty(self) -> None:
        """Kill everything inside, as a machine restart does: children outlive a killed server otherwise."""
        if not self.walls.kill_all():
            raise RunError(f"{self.walls.name}: processes {self.walls.pids()} would not die within 10 s.")


@contextlib.contextmanager
def open_vm(
    folder: Path,
    size: VmSize,
    balance_s: float,
    backend: str | None = None,
    *,
    sample_hz: float = SAMPLE_HZ,
) -> Iterator[Vm]:
    """Make a VM and its recorder, and leave neither behind, however the block ends.

    `backend` names what builds the walls; None is the best that this machine offers.

    Raises:
        OomproofError: the machine cannot make one.
    """
    check_vm_fits(size)
    remove_stale()
    walls = walls_of(backend or best_backend(), _new_name(), folder)
    try:
        walls.create(size)
        recorder = _start_recorder(folder, walls, size, balance_s, sample_hz)
        vm = Vm(walls, size, recorder)
        try:
            yield vm
            vm.tell("end")
        finally:
            _end_recorder(recorder)
            vm.empty()
            vm.reap()
    except BaseException:
        with contextlib.suppress(RunError):  # what broke says more than what it leaves behind
            _remove(walls, folder)
        raise
    _remove(walls, folder)


def _remove(walls: Walls, folder: Path) -> None:
    try:
        walls.destroy()
    except RunError as error:
        events = EventLog(folder)
        events.write("left_behind", reason=str(error))
        events.close()
        raise


@contextlib.contextmanager
def recording(folder: Path, walls: Walls, size: VmSize, *, sample_hz: float = SAMPLE_HZ) -> Iterator[Vm]:
    """Record what walls hold that are not ours: nothing inside is ended with the block.

    Raises:
        RunError: the recorder does not start.
    """
    recorder = _start_recorder(folder, walls, size, 0.0, sample_hz)
    vm = Vm(walls, size, recorder)
    try:
        yield vm
        vm.tell("end")
    finally:
        _end_recorder(recorder)


def check_privilege(backend: str | None = None) -> None:
    """Make and remove a VM, so that a machine that cannot is found out before anything starts.

    Raises:
        OomproofError: the machine cannot make one; says what is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        chosen = backend or best_backend()
        walls = walls_of(chosen, _new_name(), Path(folder))
        try:
            walls.create(own_size(chosen) or VmSize(memory_mb=16, cpus=1, share_of_core=1.0))
        finally:
            walls.destroy()


def _new_name() -> str:
    return f"{NAME_PREFIX}{os.getpid()}-{time.monotonic_ns()}"


def _start_recorder(
    folder: Path, walls: Walls, size: VmSize, balance_s: float, sample_hz: float = SAMPLE_HZ
) -> subprocess.Popen[bytes]:
    command = processes.python_module("profiles.recorder", folder, walls.name)
    options = {
        "--backend": walls.backend,
        "--memory-mb": size.memory_mb,
        "--cpus": size.cpus,
        "--share-of-core": size.share_of_core,
        "--balance-s": balance_s,
        "--interval-s": 1 / sample_hz,
    }
    command += [str(word) for option in options.items() for word in option]
    log = folder / "recorder.log"
    recorder = processes.start(command, log, pipes=True, outlives_us=True)
    assert recorder.stdout is not None
    ready = select.select([recorder.stdout], [], [], 30.0)[0]
    if not ready or recorder.stdout.readline().strip() != READY_LINE.encode():
        processes.stop(recorder)
        raise RunError(f"recorder: did not start: {processes.last_line(log)}")
    return recorder


def _end_recorder(recorder: subprocess.Popen[bytes]) -> None:
    assert recorder.stdin is not None
    with contextlib.suppress(OSError):
        recorder.stdin.close()  # without an `end` before it, the recorder takes us for dead and clears the VM
    try:
        recorder.wait(15.0)
    except subprocess.TimeoutExpired:
        recorder.kill()
        recorder.wait()
    if recorder.stdout is not None:
        recorder.stdout.close()
