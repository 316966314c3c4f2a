"""The server's folder for one run: empty, or a cold copy of what was pre-generated."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from profiles.errors import RunError
from profiles.scenario import Scenario


def make_docstore(scenario: Scenario, pregenerated: Path, work: Path, run_name: str) -> Path:
    """Return the folder for a run: `pregenerated` itself for the run that makes it, else one of its own.

    Raises:
        RunError: the scenario reads pre-generated chunks, and there are none.
    """
    if scenario.load.kind == "pregenerate":
        pregenerated.mkdir(parents=True)
        return pregenerated
    docstore = work / f"docstore-{run_name}"
    if not scenario.target.pregenerated:
        docstore.mkdir(parents=True)
        return docstore
    if not pregenerated.exists():
        raise RunError(f"{scenario.name}: its chunks were not pre-generated. Run `pregenerate` before it.")
    shutil.copytree(pregenerated, docstore)
    _forget_cached_pages(docstore)
    return docstore


def _forget_cached_pages(folder: Path) -> None:
    """Drop the copy from the page cache: the VM has to read its chunks from disk, and is charged for them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
