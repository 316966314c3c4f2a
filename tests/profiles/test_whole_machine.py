"""The machine as the VM: its counters, and that nothing but what entered is ever ended."""

import os
import subprocess
from pathlib import Path

import pytest

from profiles.errors import OomproofError, RunError
from profiles.machine import memory_mb
from profiles.machine_counters import MachineCounters, Start
from profiles.vm_size import VmSize
from profiles.walls import Reading
from profiles.whole_machine import SPARED, WholeMachine, machine_size

OWNED = f"oomproof-{os.getpid()}-1"


def proc(folder: Path) -> Path:
    """A made-up /proc of a machine of 512 MB."""
    made = folder / "proc"
    (made / "self").mkdir(parents=True)
    (made / "self" / "oom_score_adj").write_text("0\n")
    (made / "meminfo").write_text(
        "MemTotal:         524288 kB\nMemFree:          124288 kB\nMemAvailable:     300000 kB\n"
        "Buffers:            1000 kB\nCached:            99000 kB\nAnonPages:        250000 kB\n"
        "KernelStack:        1000 kB\nPageTables:         2000 kB\nSlab:              30000 kB\n"
        "SwapTotal:             0 kB\nSwapFree:              0 kB\nHugePages_Total:       0\n"
    )
    ticks = os.sysconf("SC_CLK_TCK")
    (made / "stat").write_text(f"cpu  {8 * ticks} 0 {ticks} 99999 500 0 {ticks} 777 0 0\ncpu0 1 1 1 1\n")
    (made / "vmstat").write_text("nr_free_pages 31072\noom_kill 5\nswap_ra 0\n")
    return made


def test_the_machines_counters_are_the_vms(tmp_path: Path) -> None:
    """Memory is bytes, CPU the time that anybody was busy, and kills count from the VM's beginning."""
    assert MachineCounters(proc(tmp_path)).read(Start(cpu_s=4.0, oom_kills=3)) == Reading(
        vm_bytes=400_000 * 1024, limit_bytes=524_288 * 1024, swap_bytes=0, anon_bytes=250_000 * 1024,
        file_bytes=100_000 * 1024, kernel_bytes=33_000 * 1024, cpu_s=6.0, oom_kills=2,
    )  # fmt: skip


def test_what_the_machine_does_not_say_is_unknown_and_has_a_reason(tmp_path: Path) -> None:
    """GIVEN no /proc, or half of it, or no beginning THEN the fields are None and each says why."""
    found = MachineCounters(tmp_path / "none").read(Start(0.0, 0))
    assert found == Reading()
    assert set(found.why) >= {"vm_bytes", "limit_bytes", "anon_bytes", "cpu_s", "oom_kills"}
    made = proc(tmp_path)
    (made / "meminfo").write_text("MemTotal:  524288 kB\nMemFr")
    (made / "stat").write_text("cpu  8 0")
    found = MachineCounters(made).read(Start())
    assert (found.limit_bytes, found.vm_bytes, found.cpu_s, found.oom_kills) == (
        524_288 * 1024,
        None,
        None,
        None,
    )


def test_the_vm_has_the_machines_size_and_no_other(tmp_path: Path) -> None:
    """GIVEN another size THEN it is refused with both; the machine's own is taken."""
    with pytest.raises(OomproofError, match=rf"VM of 16 MB: .* has {memory_mb()} MB"):
        WholeMachine(OWNED, tmp_path).create(VmSize(16, 1, 1.0))
    assert machine_size().memory_mb == memory_mb()
    assert not list(tmp_path.iterdir())


def test_counts_begin_with_the_vm_whoever_reads(tmp_path: Path) -> None:
    """GIVEN five kills before THEN owner and recorder both see those that come after, and a VM without one has None."""
    made = proc(tmp_path)
    owner, recorder = WholeMachine(OWNED, tmp_path, made), WholeMachine(OWNED, tmp_path, made)
    assert recorder.read().oom_kills is None
    owner.create(machine_size())
    (made / "vmstat").write_text("oom_kill 7\n")
    assert (owner.read().oom_kills, recorder.read().oom_kills) == (2, 2)
    owner.destroy()


def test_the_witnesses_are_spared_while_the_vm_is_there(tmp_path: Path) -> None:
    """GIVEN a VM THEN its owner, and so the recorder it starts, is the last to be killed, until the VM is gone."""
    made = proc(tmp_path)
    score = made / "self" / "oom_score_adj"
    walls = WholeMachine(OWNED, tmp_path, made)
    walls.create(machine_size())
    assert score.read_text() == SPARED
    walls.destroy()
    assert score.read_text() == "0\n"
    assert not (tmp_path / "machine").exists()


def test_only_what_entered_and_its_children_are_ended(tmp_path: Path) -> None:
    """GIVEN a process inside with a child, and one outside WHEN the VM goes THEN the one outside lives."""
    walls = WholeMachine(OWNED, tmp_path, proc(tmp_path))
    walls.create(machine_size())
    outside = subprocess.Popen(["sleep", "60"])
    inside = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo begun; wait"],
        stdout=subprocess.PIPE, preexec_fn=walls.join,  # noqa: PLW1509  # one thread here
    )  # fmt: skip
    assert inside.stdout is not None
    inside.stdout.readline()
    pids = WholeMachine(OWNED, tmp_path).pids()
    assert len(pids) == 2
    assert inside.pid in pids
    assert outside.pid not in pids
    walls.destroy()
    assert inside.wait() == -9
    assert outside.poll() is None
    inside.stdout.close()
    outside.kill()
    outside.wait()


def test_the_owner_cannot_enter(tmp_path: Path) -> None:
    """GIVEN the owner itself THEN it is not let in, and so is never ended with the VM."""
    walls = WholeMachine(OWNED, tmp_path, proc(tmp_path))
    with pytest.raises(OSError, match="its owner cannot enter it"):
        walls.join()


def test_what_does_not_die_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process that stays THEN destroying says which, and the witnesses are no longer spared."""
    made = proc(tmp_path)
    walls = WholeMachine(OWNED, tmp_path, made)
    walls.create(machine_size())
    monkeypatch.setattr(walls, "kill_all", lambda: False)
    monkeypatch.setattr(walls, "pids", lambda: [4_194_304])
    with pytest.raises(RunError, match="processes 4194304 would not die"):
        walls.destroy()
    assert (made / "self" / "oom_score_adj").read_text() == "0\n"


def test_a_run_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """GIVEN no folder THEN the message names it."""
    with pytest.raises(OomproofError, match=r"none/machine: No such file or directory\. Give a folder"):
        WholeMachine(OWNED, tmp_path / "none", proc(tmp_path)).create(machine_size())
