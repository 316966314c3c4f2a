"""The recorder on real VMs: what is lost when somebody dies, or the disk is full; and whether its peaks are true."""

import http.client
import itertools
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles import processes
from profiles.backends import best_backend, walls_of
from profiles.errors import RunError
from profiles.event_log import EventLog
from profiles.run_folder import RunFolder, Sample
from profiles.target import Server
from profiles.vm import Vm, open_vm
from profiles.vm_size import MIB, VmSize
from profiles.walls import NAME_PREFIX

pytestmark = pytest.mark.kernel

CONTROL = Path(__file__).parents[1] / "controls" / "server.py"
SMALL = VmSize(256, 2, 2.0)
INTERVAL_S = 0.1
MB_PER_S = 60
NOISE_BYTES = 2 * MIB
"""The ramp goes by whole MB, and the server does a little besides."""


@pytest.fixture
def control(tmp_path: Path) -> Iterator[tuple[Vm, Server]]:
    """A control server in a real VM of 256 MB."""
    events, port = EventLog(tmp_path), processes.free_port()
    command = [sys.executable, str(CONTROL), str(port)]
    with open_vm(tmp_path, SMALL, 500.0) as vm:
        server = Server(vm, command, port, tmp_path / "server.log", {}, events)
        server.start()
        yield vm, server
    events.close()


def ask(server: Server, path: str) -> bool:
    """Ask the control server for something; return whether it lived to answer."""
    try:
        with urllib.request.urlopen(f"{server.url}{path}", timeout=60):  # noqa: S310  # loopback
            return True
    except (OSError, http.client.HTTPException):
        return False


def await_samples(folder: Path, more: int) -> None:
    """Return once there are so many samples more, or fail."""
    wanted, deadline = len(RunFolder(folder).samples) + more, time.monotonic() + 30
    while len(RunFolder(folder).samples) < wanted:
        assert time.monotonic() < deadline, "no samples any more"
        time.sleep(0.02)


def around_death(folder: Path) -> tuple[Sample, Sample]:
    """The last sample that saw the server, and the first that did not."""
    samples = RunFolder(folder).samples
    seen = [index for index, sample in enumerate(samples) if sample.server_rss_bytes is not None]
    return samples[seen[-1]], samples[seen[-1] + 1]


def unseen_s(before: Sample, after: Sample) -> float:
    """How long nobody looked between two samples: an interval, and what the recorder says that it was late."""
    return INTERVAL_S + (after.late_s or 0.0) + 0.01


def test_a_killed_server_costs_at_most_one_interval_of_samples(
    control: tuple[Vm, Server], tmp_path: Path
) -> None:
    """GIVEN a server that SIGKILL ends THEN the sample before is an interval old at most, and samples go on."""
    server = control[1]
    await_samples(tmp_path, 3)
    assert server.process is not None
    killed_t = time.monotonic()
    server.process.kill()
    server.process.wait()
    reaped_t = time.monotonic()
    await_samples(tmp_path, 5)
    before, after = around_death(tmp_path)
    assert before.t <= reaped_t
    assert after.t >= killed_t
    assert killed_t - before.t <= unseen_s(before, after)
    assert after.processes == 0
    assert after.children_rss_bytes == 0


def test_a_steady_climb_into_the_limit_is_seen_to_within_a_sample(
    control: tuple[Vm, Server], tmp_path: Path
) -> None:
    """GIVEN 60 MB a second up to the kernel's kill THEN the highest sample misses at most a sample's growth."""
    vm, server = control
    assert not ask(server, f"/ramp?mb_per_s={MB_PER_S}&s=20")
    await_samples(tmp_path, 3)
    peak_bytes = vm.walls.read().peak_vm_bytes
    before, after = around_death(tmp_path)
    (kill,) = RunFolder(tmp_path).named("oom_kill")
    assert kill.t - before.t <= unseen_s(before, after) + float(kill.text("t_within_s"))
    assert peak_bytes is not None
    held = [sample.vm_bytes or 0.0 for sample in RunFolder(tmp_path).samples]
    growth_bytes = MB_PER_S * MIB * unseen_s(before, after)
    # A server that was starved makes up for it: then its steepest sample tells how much one may miss.
    steepest_bytes = max(after - before for before, after in itertools.pairwise(held))
    assert 0 <= peak_bytes - max(held) <= max(growth_bytes, steepest_bytes) + NOISE_BYTES


def test_peaks_of_a_climb_are_the_kernels_own(control: tuple[Vm, Server], tmp_path: Path) -> None:
    """GIVEN a steady climb that ends in time THEN VM and server peak where the kernel says, to a sample's growth."""
    vm, server = control
    assert ask(server, f"/ramp?mb_per_s={MB_PER_S}&s=2")
    await_samples(tmp_path, 2)
    vm.checkpoint("after")
    folder = RunFolder(tmp_path)
    (checkpoint,) = folder.named("checkpoint")
    climbing = [b.server_rss_bytes - a.server_rss_bytes for a, b in itertools.pairwise(folder.samples)
                if a.server_rss_bytes is not None and b.server_rss_bytes is not None]  # fmt: skip
    a_sample = max(climbing) + NOISE_BYTES
    kernel_rss_bytes = float(checkpoint.text("server_peak_rss_bytes"))
    assert kernel_rss_bytes > MB_PER_S * MIB  # half of the climb: a slow machine does not come to its end
    assert abs(kernel_rss_bytes - max(s.server_rss_bytes or 0 for s in folder.samples)) <= a_sample
    assert (
        abs((vm.walls.read().peak_vm_bytes or 0) - max(s.vm_bytes or 0 for s in folder.samples)) <= a_sample
    )
    held = float(checkpoint.text("server_uss_bytes"))
    assert 0.8 * kernel_rss_bytes < held <= float(checkpoint.text("server_pss_bytes")) <= kernel_rss_bytes


def test_a_killed_recorder_leaves_every_sample_that_it_wrote(tmp_path: Path) -> None:
    """GIVEN samples that were read WHEN SIGKILL ends the recorder THEN they are there, whole, and the owner knows."""
    with pytest.raises(RunError, match="recorder"), open_vm(tmp_path, SMALL, 500.0, sample_hz=50) as vm:  # noqa: PT012
        await_samples(tmp_path, 20)
        seen = (tmp_path / "samples.csv").read_bytes()
        os.kill(vm._recorder.pid, signal.SIGKILL)
        vm._recorder.wait()
        vm.check_recorder()
    left = (tmp_path / "samples.csv").read_bytes()
    assert left.startswith(seen)
    assert left.endswith(b"\n")
    assert len(RunFolder(tmp_path).samples) == left.count(b"\n") - 1
    assert (tmp_path / "events.jsonl").read_bytes().endswith(b"}\n")


def test_an_owner_that_dies_before_the_recorder_speaks_leaves_no_vm(tmp_path: Path) -> None:
    """GIVEN a VM whose owner is gone by the time that the recorder is ready THEN the recorder still removes it."""
    walls = walls_of(best_backend(), f"{NAME_PREFIX}{os.getpid()}-{time.monotonic_ns()}", tmp_path)
    walls.create(SMALL)
    inside = processes.start(["sleep", "60"], tmp_path / "log", in_child=walls.join)
    try:
        size = ["--memory-mb", "256", "--cpus", "2", "--share-of-core", "2", "--balance-s", "500"]
        command = processes.python_module("profiles.recorder", tmp_path, walls.name)
        buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        recorder = processes.start(
            [*command, "--backend", walls.backend, *size],
            tmp_path / "log",
            environment=buffered,
            pipes=True,
        )
        for pipe in (recorder.stdin, recorder.stdout):
            assert pipe is not None
            pipe.close()
        assert recorder.wait(30) == 0
        assert inside.poll() == -signal.SIGKILL
        assert walls.read().vm_bytes is None, "it is still there"
        assert RunFolder(tmp_path).named("recorded")[0].facts["owner_gone"] is True
    finally:
        walls.destroy()
        inside.wait()


FULL_DISK = """
import sys, time
from pathlib import Path
from profiles.run_folder import RunFolder
from profiles.vm import open_vm
from profiles.vm_size import VmSize
folder = Path(sys.argv[1])
def await_samples(more):
    wanted, deadline = len(RunFolder(folder).samples) + more, time.monotonic() + 30
    while len(RunFolder(folder).samples) < wanted and time.monotonic() < deadline:
        time.sleep(0.02)
with open_vm(folder, VmSize(64, 2, 2.0), 500.0, sample_hz=50) as vm:
    await_samples(5)
    filler = folder / "filler"
    try:
        filler.write_bytes(bytes(1 << 20))
    except OSError:
        pass
    before = -1
    while before < len(RunFolder(folder).samples):
        before = len(RunFolder(folder).samples)
        time.sleep(0.5)
    filler.unlink()
    await_samples(5)
print((folder / "samples.csv").read_text())
print((folder / "events.jsonl").read_text())
"""


def test_a_full_disk_costs_samples_and_says_how_many(tmp_path: Path) -> None:
    """GIVEN a disk that is full for a while THEN recording goes on, no line is torn, and what is missing is counted."""
    (tmp_path / "disk").mkdir()
    mount = 'mount -t tmpfs -o size=256k oomproof "$1" && exec "$2" -c "$3" "$1"'
    command = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        mount,
        "sh",
        str(tmp_path / "disk"),
        sys.executable,
        FULL_DISK,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    samples, _, events = told.partition("\n\n")
    (tmp_path / "samples.csv").write_text(samples + "\n")
    (tmp_path / "events.jsonl").write_text(events)
    folder = RunFolder(tmp_path)
    (lost,) = folder.named("samples_lost")
    assert int(lost.text("lost")) > 0
    assert lost.text("reason") == "No space left on device"
    gap = next((a, b) for a, b in itertools.pairwise(folder.samples) if b.t - a.t > 0.4)
    assert gap[0].t < lost.t <= gap[1].t + 0.5
    assert folder.named("recorded")[0].facts["owner_gone"] is False
