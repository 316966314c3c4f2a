"""What held a run's memory: its capture read, joined with the samples, and reported beside the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def report_heap(folder: Path, tell: Callable[[str], None]) -> None:
    """Read the capture of the run in `folder`."""
