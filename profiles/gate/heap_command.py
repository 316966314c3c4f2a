"""Which lines hold what head has more: both sides captured once, where a gate does not pass and was asked to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profiles.compare import Options
from profiles.gate.heap_difference import HeapDifference
from profiles.gate.heap_difference_text import heap_difference_markdown, heap_difference_text
from profiles.gate.heap_pair import read_heap_difference
from profiles.gate.measure import Contender, measure
from profiles.gate.outcome import GateOutcome
from profiles.progress import Progress
from profiles.run_folder import RunFolderError
from profiles.scenario import Scenario

FOLDER = "heaps"
"""Below a gate's results: captured runs are no runs of the gate."""


@dataclass(frozen=True)
class Heaps:
    """The differences that were found, as text for a terminal and as Markdown."""

    differences: tuple[HeapDifference, ...]

    @property
    def text(self) -> str:
        """All of them in 80 columns."""
        return "\n".join(map(heap_difference_text, self.differences))

    @property
    def markdown(self) -> str:
        """All of them as Markdown."""
        return "\n\n" + "\n\n".join(map(heap_difference_markdown, self.differences)) + "\n"

    def write(self, out: Path) -> list[Path]:
        """Write heaps.md, and return its path."""
        path = out / "heaps.md"
        path.write_text(self.markdown.lstrip(), encoding="utf-8")
        return [path]


def explain_heaps(
    scenarios: Sequence[Scenario],
    contenders: Sequence[Contender],
    outcome: GateOutcome,
    options: Options,
    progress: Progress,
) -> Heaps | None:
    """Capture one run of each side, same seed, of each scenario that does not pass; None when all pass.

    Raises:
        OomproofError: a mistake, or a capture that cannot be read.
    """
    wanted = {decision.scenario for decision in outcome.scenarios if decision.word != "pass"}
    named = [scenario for scenario in scenarios if scenario.name in wanted]
    if not named:
        return None
    again = replace(options, out=options.out / FOLDER, memray=True)
    measured = measure(named, contenders, again, runs=1, at_once=1, progress=progress)
    folders = {(found.scenario.name, found.side.name): found.runs[0].folder for found in measured}
    return Heaps(
        tuple(
            read_heap_difference(_folder(folders[name, "base"]), _folder(folders[name, "head"]))
            for name in dict.fromkeys(scenario.name for scenario in named)
        )
    )


def _folder(folder: Path | None) -> Path:
    if folder is None:
        raise RunFolderError("heaps: a captured run left no folder.")
    return folder
