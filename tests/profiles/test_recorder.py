import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from profiles import recorder as module
from profiles.balance import CpuBalance
from profiles.recorder import Recorder, record
from profiles.run_folder import SAMPLE_COLUMNS, RunFolder, Sample
from profiles.vm_size import VmSize
from profiles.walls import Reading

SIZE = VmSize(256, 2, 0.125)
FULL = Reading(
    vm_bytes=1000, peak_vm_bytes=1500, limit_bytes=4096, swap_bytes=0, anon_bytes=700, file_bytes=300, kernel_bytes=0,
    cpu_s=2.5, throttled_s=0.0, oom_kills=0, limit_hits=7, psi_some=1.5, psi_full=0.25,
)  # fmt: skip


class FakeWalls:
    """Walls that say what they are told to."""

    name = "oomproof-1-1"
    backend = "cgroup v2"
    emulated = False
    limits_cpu = True

    def __init__(self) -> None:
        self.reading = FULL
        self.inside: list[int] = []
        self.cpus: list[float] = []
        self.broken: OSError | None = None

    def read(self) -> Reading:
        """Read the counters."""
        return self.reading

    def pids(self) -> list[int]:
        """The processes inside."""
        return self._unless_broken(self.inside)

    def set_cpus(self, cpus: float) -> None:
        """Note what the VM may use."""
        self._unless_broken(self.inside)
        self.cpus.append(cpus)

    def _unless_broken(self, value: list[int]) -> list[int]:
        if self.broken is not None:
            raise self.broken
        return value

    def create(self, size: VmSize) -> None:
        """Nothing is built."""

    def join(self) -> None:
        """Nobody enters."""

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Nobody is there."""
        return True

    def destroy(self) -> None:
        """Nothing is removed."""


@pytest.fixture
def walls() -> FakeWalls:
    """A VM of which everything is known, and which is empty."""
    return FakeWalls()


@pytest.fixture
def recorder(tmp_path: Path, walls: FakeWalls) -> Recorder:
    """A recorder of that VM, with a balance of 500 s."""
    return Recorder(tmp_path, walls, CpuBalance(SIZE, 500.0))


@pytest.fixture
def server() -> Iterator[subprocess.Popen[bytes]]:
    """A process to be the server."""
    command = [sys.executable, "-c", "input(1)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"1"
        yield process
        process.kill()


def last(folder: Path) -> Sample:
    """The last sample written."""
    return RunFolder(folder).samples[-1]


def test_every_column_of_a_vm_with_a_server_is_measured(
    recorder: Recorder, walls: FakeWalls, server: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """GIVEN walls that tell all, a server and a load THEN no column is empty and none is unmeasured."""
    walls.inside = [server.pid]
    recorder.command(f"server {server.pid}")
    recorder.command(f"load {server.pid}")
    recorder.sample(0.0)
    sample = last(tmp_path)
    assert [column for column in SAMPLE_COLUMNS if getattr(sample, column) is None] == []
    assert (sample.vm_limit_bytes, sample.limit_hits, sample.vm_psi_some) == (4096, 7, 1.5)
    assert RunFolder(tmp_path).named("unmeasured") == []


def test_a_vm_without_a_server_has_no_server_of_zero_bytes(recorder: Recorder, tmp_path: Path) -> None:
    """GIVEN an empty VM THEN the server is unknown; that there are no children is known."""
    recorder.sample(0.0)
    sample = last(tmp_path)
    assert (sample.server_rss_bytes, sample.server_fds, sample.server_threads) == (None, None, None)
    assert (sample.children_rss_bytes, sample.children_fds, sample.processes) == (0, 0, 0)
    assert RunFolder(tmp_path).named("unmeasured") == []


def test_a_vm_that_is_gone_is_unknown_and_the_run_says_why(
    recorder: Recorder, walls: FakeWalls, tmp_path: Path
) -> None:
    """GIVEN walls that cannot be read THEN nothing of theirs is zero, and each column is told once."""
    walls.reading = Reading(why={"vm_bytes": "memory.current: No such device"})
    recorder.sample(0.0)
    recorder.sample(0.0)
    sample = last(tmp_path)
    assert (sample.vm_bytes, sample.children_rss_bytes, sample.processes, sample.oom_kills) == (None,) * 4
    told = RunFolder(tmp_path).named("unmeasured")
    columns = [str(column) for event in told for column in list(event.facts["columns"])]  # type: ignore[call-overload]
    assert sorted(columns) == sorted(set(columns))
    assert {"vm_bytes", "children_rss_bytes", "vm_psi_full", "swap_bytes"} < set(columns)
    assert {event.text("reason") for event in told} == {
        "memory.current: No such device",
        "cgroup v2 does not say",
    }


def test_processes_that_cannot_be_listed_are_unknown(
    recorder: Recorder, walls: FakeWalls, tmp_path: Path
) -> None:
    """GIVEN a list that may not be read THEN children are unknown, not none, and the reason is the kernel's."""
    walls.broken = OSError(95, "Operation not supported")
    recorder.sample(0.0)
    sample = last(tmp_path)
    assert (sample.children_rss_bytes, sample.processes, sample.children_threads) == (None, None, None)
    assert "Operation not supported" in RunFolder(tmp_path).named("unmeasured")[0].text("reason")


def test_a_share_that_cannot_be_set_is_no_reason_to_stop(
    recorder: Recorder, walls: FakeWalls, tmp_path: Path
) -> None:
    """GIVEN a quota that the kernel refuses WHEN the balance is spent THEN samples go on, and nothing is throttled."""
    recorder.sample(0.0)
    walls.broken = OSError(16, "Device or resource busy")
    walls.reading = Reading(vm_bytes=1000, cpu_s=2000.0)
    recorder.sample(0.0)
    assert len(RunFolder(tmp_path).samples) == 2
    assert RunFolder(tmp_path).named("throttled") == []
    reasons = [event.text("reason") for event in RunFolder(tmp_path).named("unmeasured")]
    assert "the VM's CPU share cannot be set: Device or resource busy" in reasons


def test_a_spent_balance_holds_the_vm_to_its_share(
    recorder: Recorder, walls: FakeWalls, tmp_path: Path
) -> None:
    """GIVEN more CPU used than was saved THEN the VM is held to its share, and the run says when."""
    recorder.sample(0.0)
    walls.reading = Reading(vm_bytes=1000, cpu_s=2000.0)
    recorder.sample(0.0)
    assert walls.cpus == [0.125]
    assert RunFolder(tmp_path).named("throttled")[0].facts["cpus"] == 0.125


def test_a_backend_that_limits_no_cpu_has_no_balance(tmp_path: Path, walls: FakeWalls) -> None:
    """GIVEN walls without a CPU share THEN the balance is unknown, and never acted upon."""
    walls.limits_cpu = False
    recorder = Recorder(tmp_path, walls, CpuBalance(SIZE, 0.0))
    recorder.sample(0.0)
    assert last(tmp_path).balance_s is None
    assert walls.cpus == []
    assert any("balance_s" in str(event.facts) for event in RunFolder(tmp_path).named("unmeasured"))


def test_slow_columns_are_read_once_a_second(recorder: Recorder, tmp_path: Path) -> None:
    """GIVEN two samples within a second THEN files, threads and the machine's CPU stand in the first alone."""
    recorder.sample(0.0)
    recorder.sample(0.0)
    first, second = RunFolder(tmp_path).samples
    assert (first.children_fds, second.children_fds) == (0, None)
    assert first.machine_cpu_s is not None
    assert second.machine_cpu_s is None
    assert second.recorder_rss_bytes is not None


@pytest.mark.parametrize(
    "line", ["", "server", "server x", "load -1", "server 1 2", "what", "\x00\xff", "load 0"]
)
def test_a_line_that_makes_no_sense_is_passed_over(recorder: Recorder, tmp_path: Path, line: str) -> None:
    """GIVEN anything but a command THEN recording goes on."""
    assert recorder.command(line)
    recorder.sample(0.0)
    assert last(tmp_path).load_cpu_s is None


class Owner:
    """Who started the recorder: what it says on its end of the pipe, until it dies."""

    def __init__(self) -> None:
        read_fd, write_fd = os.pipe()
        self.heard, self._said = os.fdopen(read_fd), os.fdopen(write_fd, "wb", buffering=0)

    def say(self, text: str) -> None:
        """Send the recorder something."""
        self._said.write(text.encode())

    def die(self) -> None:
        """Leave without a word."""
        self._said.close()


@pytest.fixture
def owner() -> Iterator[Owner]:
    """The owner, who is gone after the test."""
    owner = Owner()
    yield owner
    owner.die()
    owner.heard.close()


def test_it_ends_when_told_and_has_the_checkpoint_by_then(
    recorder: Recorder,
    owner: Owner,
    server: subprocess.Popen[bytes],
    walls: FakeWalls,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """GIVEN a checkpoint and the end in one breath THEN both are obeyed, and the owner hears of the first."""
    walls.inside = [server.pid]
    owner.say(f"server {server.pid}\ncheckpoint before\nend\n")
    assert record(recorder, owner.heard, 0.01)
    recorder.finish(owner_gone=False)
    (checkpoint,) = RunFolder(tmp_path).named("checkpoint")
    assert checkpoint.text("label") == "before"
    assert float(checkpoint.text("server_uss_bytes")) > 2**20
    assert capsys.readouterr().out == "checkpoint before\n"
    (recorded,) = RunFolder(tmp_path).named("recorded")
    assert recorded.facts["owner_gone"] is False
    assert recorded.facts["peak_vm_bytes"] == 1500
    assert recorded.facts["server_peak_rss_bytes"] == checkpoint.facts["server_peak_rss_bytes"]


def test_it_hears_its_owner_however_late_it_is(recorder: Recorder, owner: Owner, tmp_path: Path) -> None:
    """GIVEN an interval that no sample can keep THEN the end is heard all the same."""
    owner.say("end\n")
    assert record(recorder, owner.heard, 0.0)
    assert len(RunFolder(tmp_path).samples) == 2


def test_it_notices_when_nobody_is_left_to_end_it(recorder: Recorder, owner: Owner) -> None:
    """GIVEN an owner who dies without a word THEN recording ends and says so."""
    owner.say("checkpoint bef")
    owner.die()
    assert not record(recorder, owner.heard, 0.01)


def test_a_stopped_recorder_takes_up_its_pace_and_owns_its_lateness(
    recorder: Recorder,
    owner: Owner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN a second in which nothing ran THEN one late sample follows, and then the old pace."""
    now = 100.0

    def wait(readers: list[TextIO], _w: object, _x: object, wait_s: float) -> tuple[list[TextIO], int, int]:
        nonlocal now
        count = len(RunFolder(tmp_path).samples)
        now += wait_s + (1.0 if count == 2 else 0.0)
        if count == 6:
            owner.say("end\n")
        return (readers if count == 6 else []), 0, 0

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("select.select", wait)
    assert record(recorder, owner.heard, 0.1)
    samples = RunFolder(tmp_path).samples
    assert [round(sample.late_s or 0.0, 3) for sample in samples] == [0, 0, 1.0, 0, 0, 0, 0]
    assert [round(sample.t, 3) for sample in samples] == [100, 100.1, 101.2, 101.3, 101.4, 101.5, 101.6]


def test_nothing_here_looks_at_the_wall_clock() -> None:
    """GIVEN every module that the recorder consists of THEN none asks for a time that can be set."""
    names = (
        "recorder", "process_table", "proc_files", "counter_files", "load_processes", "witness", "checkpoints",
        "sample_writer", "unmeasured", "line_file", "event_log", "balance",
    )  # fmt: skip
    for name in names:
        tree = ast.parse((Path(module.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        asked = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        of_time = {text for text in asked if text.startswith(("time.", "datetime."))}
        assert of_time <= {"time.monotonic", "time.process_time"}, name
