"""What is read is made ready before anything is written: uploaded, and its chunks made where readers read from them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from profiles import processes
from profiles.errors import EXIT_USAGE, OomproofError, RunError
from profiles.load import build_document
from profiles.soak.asked import BLOCKS, CHAPTERS, Asked
from profiles.soak.readers import load_environment

_CACHE = Path(".cache")
_LOOK_EVERY_S = 0.2


def prepare_chapters(asked: Asked, headers: Mapping[str, str], tell: Callable[[str], None]) -> str:
    """Return the text of `chapters.json`; the target then has the document, and in cached mode its chunks.

    Raises:
        OomproofError: the target did not do its part, or a file cannot be read.
    """
    document = (
        Path(asked.document)
        if asked.document
        else build_document(_CACHE / "document.pdf", _CACHE / "document.log")
    )
    with tempfile.TemporaryDirectory(prefix="oomproof-soak-") as name:
        out, log = Path(name) / "chapters.json", Path(name) / "prepare.log"
        command = processes.python_module(
            "loadtests.prepare", "--host", asked.target, "--document", document, "--mode", asked.mode,
            "--chapters", CHAPTERS, "--blocks", BLOCKS, "--out", out,
        )  # fmt: skip
        if asked.mode == "cached":
            command.append("--pregenerate")
        process = processes.start(command, log, environment=load_environment(headers))
        try:
            while process.poll() is None:
                said = processes.last_line(log)
                tell(
                    f"making the document ready: {said}"
                    if log.stat().st_size
                    else "making the document ready"
                )
                time.sleep(_LOOK_EVERY_S)
        finally:
            processes.stop(process)
        if process.returncode == 0:
            return out.read_text(encoding="utf-8")
        said = processes.last_line(log)
    if process.returncode == EXIT_USAGE:
        raise OomproofError(said)
    raise RunError(f"--target {asked.target}: the document could not be made ready: {said}")
