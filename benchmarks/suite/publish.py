"""Where results go: kept aside while they grow, and published when the machine was quiet, never over others unasked."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite import result
from benchmarks.suite.bench_page import markdown
from benchmarks.suite.plots import draw
from benchmarks.suite.result import Value

ASIDE = Path("build") / "bench"
"""Below the repository's root; git ignores it."""
_PICTURES = (".svg", ".png")


def new_aside(root: Path) -> Path:
    """Return a new folder for what is measured now, named by the time in UTC."""
    name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
    for number in itertools.count(1):
        folder = root / ASIDE / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise AssertionError("numbers do not end")


def check_free(out: Path, names: Sequence[str], *, overwrite: bool, keep: Path | None) -> None:
    """Refuse to lose what is published: asked before anything is measured.

    Args:
        out: where the result is to go.
        names: the cases that it will have, those that are kept among them.
        overwrite: whether it was said that what is there may go.
        keep: the earlier result whose good cases are kept.

    Raises:
        BenchmarkError: there is something, and it was not said; or cases would be lost that this run does not have.
    """
    if not (out / result.FILE).exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise BenchmarkError(f"{out}: is there, and not a result of the suite. Give another --out.")
        return
    if not overwrite:
        raise BenchmarkError(
            f"{out}: has a result already. Give --overwrite to replace it, or another --out."
        )
    there = [case["name"] for case in result.read(out)["cases"]]
    lost = [name for name in there if name not in names]
    if lost:
        hint = f"Add --keep {out}, or measure them too" if keep is None else "Measure them too"
        raise BenchmarkError(f"{out}: {', '.join(lost)} would be lost. {hint}.")


def save(value: Value, folder: Path) -> list[str]:
    """Write `bench.json` and `bench.md` with the pictures into a folder; return the pictures' names without endings.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_json(value, folder)
    pictures = draw(value, folder)
    _write(folder / "bench.md", markdown(value, pictures))
    return pictures


def save_json(value: Value, folder: Path) -> None:
    """Write `bench.json` alone: what is measured so far.

    Raises:
        OSError: it cannot be written.
    """
    _write(folder / result.FILE, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def publish(value: Value, out: Path) -> None:
    """Write everything into the published folder; pictures of an earlier result that this one has not are removed.

    Raises:
        OSError: it cannot be written.
    """
    earlier = [path for path in out.glob("*") if path.suffix in _PICTURES]
    drawn = save(value, out)
    for path in earlier:
        if path.stem not in drawn:
            path.unlink()


def keep_logs(work: Path, logs: Path) -> None:
    """Keep the logs of a case that could not be measured, flat in one folder: its own folder goes."""
    for log in sorted(work.rglob("*.log")):
        logs.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, logs / "-".join(log.relative_to(work).parts))


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
