"""Which lines hold what head has more: both sides captured once, where a gate does not pass and was asked to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profiles.compare import Options
from profiles.errors import OomproofError
from profiles.gate.heap_difference import HeapDifference
from profiles.gate.heap_difference_text import heap_difference_markdown, heap_difference_text
from profiles.gate.heap_pair import read_heap_difference
from profiles.gate.measure import Contender, measure
from profiles.gate.outcome import GateOutcome
from profiles.gate.report_text import printable
from profiles.progress import Progress
from profiles.report_markdown import plain
from profiles.run_folder import RunFolderError
from profiles.scenario import Scenario

FOLDER = "heaps"
"""Below a gate's results: captured runs are no runs of the gate."""
FILE = "heaps.md"
ASKED_OF = frozenset({"regressed", "inconclusive"})
"""Words of scenarios that are captured: of one in which nothing was measured there is nothing to explain."""


@dataclass(frozen=True)
class Heaps:
    """The differences that were found, and why others were not: the verdict stands without them."""

    differences: tuple[HeapDifference, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of it in 80 columns, for a terminal."""
        told = (f"Heaps: {printable(problem)}" for problem in self.problems)
        return "\n".join((*map(heap_difference_text, self.differences), *told))

    @property
    def markdown(self) -> str:
        """All of it as Markdown."""
        told = (f"**Heaps:** {plain(printable(problem))}" for problem in self.problems)
        return "\n\n".join((*map(heap_difference_markdown, self.differences), *told)).rstrip() + "\n"

    def write(self, out: Path) -> None:
        """Write heaps.md."""
        (out / FILE).write_text(self.markdown, encoding="utf-8", errors="backslashreplace")


def explain_heaps(
    scenarios: Sequence[Scenario],
    contenders: Sequence[Contender],
    outcome: GateOutcome,
    options: Options,
    progress: Progress,
) -> Heaps | None:
    """Capture one run of each side, same seed, of each scenario that regressed or cannot be told; None without any.

    What cannot be captured or read is told there, and raises nothing: a verdict is known by then.
    """
    wanted = {decision.scenario for decision in outcome.scenarios if decision.word in ASKED_OF}
    named = [scenario for scenario in scenarios if scenario.name in wanted]
    if not named:
        return None
    progress.line("Both heaps are captured: one more run of each side, for each scenario that does not pass")
    again = replace(options, out=options.out / FOLDER, memray=True)
    try:
        measured = measure(named, contenders, again, runs=1, at_once=1, progress=progress)
    except OomproofError as error:
        return Heaps(problems=(str(error),))
    folders = {(found.scenario.name, found.side.name): found.runs[0].folder for found in measured}
    differences, problems = list[HeapDifference](), list[str]()
    for name in (scenario.name for scenario in named):
        try:
            differences.append(_difference(folders[name, "base"], folders[name, "head"]))
        except OomproofError as error:
            problems.append(f"{name}: {error}")
    return Heaps(tuple(differences), tuple(problems))


def _difference(base: Path | None, head: Path | None) -> HeapDifference:
    if base is None or head is None:
        raise RunFolderError("a captured run left no folder.")
    return read_heap_difference(base, head)
