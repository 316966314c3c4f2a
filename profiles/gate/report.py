"""An outcome in, report out: all files that are written about a gate, from one call."""

from __future__ import annotations

from pathlib import Path

from profiles.errors import OomproofError
from profiles.gate.curves import write_curves
from profiles.gate.junit import save_junit
from profiles.gate.markdown import gate_markdown
from profiles.gate.outcome import GateOutcome
from profiles.gate.result_json import save_result
from profiles.gate.terminal import print_gate

__all__ = ["print_gate", "write_gate_report"]

MARKDOWN_FILE = "gate.md"


def write_gate_report(outcome: GateOutcome, out: Path, *, always: bool = False) -> list[Path]:
    """Write gate.json, junit.xml, gate.md and pictures of the scenarios that do not pass into `out`; return the paths.

    Args:
        outcome: what the gate found.
        out: made when it is missing; the files of an earlier report are replaced.
        always: draw the scenarios that pass too.

    Raises:
        OomproofError: a file cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        # What machines read first: should a picture fail, the verdict is there.
        paths = [save_result(outcome, out), save_junit(outcome, out)]
        pictures = _draw(outcome, out, always=always)
        page = out / MARKDOWN_FILE
        text = gate_markdown(outcome, {name: svg for name, (svg, _) in pictures.items()})
        page.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        place = error.filename or out
        raise OomproofError(f"{place}: {error.strerror}. Give a folder that can be written.") from None
    return [*paths, page, *(path for pair in pictures.values() for path in pair)]


def _draw(outcome: GateOutcome, out: Path, *, always: bool) -> dict[str, tuple[Path, Path]]:
    """Draw what shall be drawn, and remove the pictures of an earlier report that say nothing of this one."""
    pictures: dict[str, tuple[Path, Path]] = {}
    for decision in outcome.scenarios:
        svg, png = (out / f"memory-{decision.scenario}.{kind}" for kind in ("svg", "png"))
        if (always or decision.word != "pass") and write_curves(decision, svg, png):
            pictures[decision.scenario] = svg, png
            continue
        for earlier in (svg, png):
            earlier.unlink(missing_ok=True)
    return pictures
