"""What a VM leaves behind, with made-up walls."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiles import vm
from profiles.errors import OomproofError, RunError
from profiles.run_folder import RunFolder
from profiles.vm import check_privilege, open_vm
from profiles.vm_size import VmSize

SIZE = VmSize(16, 1, 1.0)


class Walls:
    """Walls that cannot be removed, or built."""

    backend, emulated, limits_cpu = "made up", False, True

    def __init__(self, *, stay: bool = False, refuse: bool = False) -> None:
        self.name = "oomproof-1-1"
        self.stay, self.refuse = stay, refuse
        self.sizes: list[VmSize] = []
        self.destroyed = 0

    def create(self, size: VmSize) -> None:
        """Note the size."""
        self.sizes.append(size)
        if self.refuse:
            raise OomproofError("made-up walls: cannot be built.")

    def kill_all(self) -> bool:
        """Nobody is inside."""
        return True

    def destroy(self) -> None:
        """Go, or stay."""
        self.destroyed += 1
        if self.stay:
            raise RunError("made-up walls: could not be removed.")


@contextlib.contextmanager
def opened(walls: Walls, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[vm.Vm]:
    """Open a VM with these walls, and a recorder that only listens."""

    def recorder(*_: Any, **__: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    monkeypatch.setattr(vm, "remove_stale", lambda: None)
    monkeypatch.setattr(vm, "walls_of", lambda *_: walls)
    monkeypatch.setattr(vm, "_start_recorder", recorder)
    with open_vm(folder, SIZE, 0.0, "made up") as made:
        yield made


def left_behind(folder: Path) -> list[str]:
    """What the run folder says of it."""
    return [event.text("reason") for event in RunFolder(folder).events if event.event == "left_behind"]


def test_walls_that_stay_are_told_once_all_else_is_cleaned_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN walls that cannot be removed THEN the run folder and the error say so."""
    with (
        pytest.raises(RunError, match="could not be removed"),
        opened(Walls(stay=True), tmp_path, monkeypatch),
    ):
        pass
    assert left_behind(tmp_path) == ["made-up walls: could not be removed."]


def test_what_broke_is_told_rather_than_what_it_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a run that is interrupted, and walls that stay THEN it is an interruption; the run folder has the rest."""
    with pytest.raises(KeyboardInterrupt), opened(Walls(stay=True), tmp_path, monkeypatch):
        raise KeyboardInterrupt
    assert left_behind(tmp_path) == ["made-up walls: could not be removed."]


def test_walls_that_go_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN walls that can be removed THEN they are, once, and nobody complains."""
    walls = Walls()
    with opened(walls, tmp_path, monkeypatch) as made:
        assert made.described == {"backend": "made up", "emulated": False, "cpu_limited": True}
    assert walls.destroyed == 1
    assert not list(tmp_path.iterdir())


def test_a_backend_is_tried_with_a_small_vm_or_its_own_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a backend that has one size THEN that is tried; whatever was tried is removed, also when it failed."""
    walls = Walls()
    monkeypatch.setattr(vm, "walls_of", lambda *_: walls)
    monkeypatch.setattr(vm, "own_size", lambda backend: None if backend == "made up" else VmSize(9, 1, 1.0))
    check_privilege("made up")
    check_privilege("the machine")
    walls.refuse = True
    with pytest.raises(OomproofError, match="cannot be built"):
        check_privilege("made up")
    assert [size.memory_mb for size in walls.sizes] == [16, 9, 16]
    assert walls.destroyed == 3
