"""Guests of user-mode-linux: kernels of their own, in which tests of ours and whole runs can be started."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from profiles.uml import INIT, Guest, boot, missing
from tests.system.uml.guests import GUEST_WITHIN_S, ROOT, USER, InGuest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The only folder of the host that a guest of this test may write to."""
    place = tmp_path / "guest"
    place.mkdir()
    setup = f"interpreter={shlex.quote(sys.executable)} project={shlex.quote(str(ROOT))} uid={USER}\n"
    (place / "setup").write_text(setup, encoding="utf-8")
    return place


@pytest.fixture
def in_guest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> InGuest:
    """Run commands in guests."""
    if lack := missing():
        pytest.skip(lack)
    monkeypatch.chdir(ROOT)

    def run(
        *command: str | Path,
        memory_mb: int = 512,
        init: Path = INIT,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        guest = Guest(folder, memory_mb, GUEST_WITHIN_S, init=init)
        status = boot([str(word) for word in command], guest, environment)
        printed = guest.output.read_text(encoding="utf-8", errors="replace")
        assert status == 0, f"{printed}\n{guest.console.read_text(errors='replace')[-2000:]}"
        return printed

    return run
