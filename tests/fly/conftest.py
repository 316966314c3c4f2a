"""Machines for the tests of the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fly.scripted import Scripted


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Scripted]:
    """A machine whose guest dies when told to; its log is `fly.log`."""
    scripted = Scripted(tmp_path / "fly.log")
    yield scripted
    scripted.console.close()
