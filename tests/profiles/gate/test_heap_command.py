"""Both heaps, captured where a gate does not pass: of which scenarios, what is told, and what where that fails."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from profiles.build import Build
from profiles.compare import Options
from profiles.errors import OomproofError, RunError
from profiles.gate import heap_command
from profiles.gate.heap_command import Heaps, explain_heaps
from profiles.gate.measure import Contender, SideRuns
from profiles.gate.outcome import Word
from profiles.heap_record import save_heap
from profiles.progress import Progress
from profiles.scenario import Scenario
from profiles.vm_size import VmSize
from tests.profiles.gate import outcomes
from tests.profiles.gate.heaps import heap, held
from tests.profiles.gate.measured import tiny

CONTENDERS = [Contender(outcomes.BASE, Build()), Contender(outcomes.HEAD, Build())]
HELD_MB: Mapping[str, float] = {"base": 4, "head": 12}


@dataclass
class Captures:
    """Takes the place of what measures: writes a heap for each side, unless it is told to fail."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    without_heap: frozenset[str] = frozenset()
    without_folder: bool = False
    error: Exception | None = None

    def __call__(
        self, scenarios: Sequence[Scenario], contenders: Sequence[Contender], options: Options, **asked: Any
    ) -> list[SideRuns]:
        """Write them."""
        asked.pop("progress")
        self.asked.append({"out": options.out, "memray": options.memray, **asked})
        self.names += [scenario.name for scenario in scenarios]
        if self.error is not None:
            raise self.error
        return [
            self._captured(scenario, contender, options.out)
            for scenario in scenarios
            for contender in contenders
        ]

    def _captured(self, scenario: Scenario, contender: Contender, out: Path) -> SideRuns:
        side = contender.side
        place = out / scenario.name / f"{side.name}-1"
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"scenario": {"load": {}}}))
        if scenario.name not in self.without_heap:
            save_heap(heap(held("app/store.py:30 keep", HELD_MB[side.name]), scenario=scenario.name), place)
        run = outcomes.run(side.name, 1, folder=None if self.without_folder else place)
        return SideRuns(scenario, side, (run,))


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> Captures:
    """Nothing is measured."""
    made = Captures()
    monkeypatch.setattr(heap_command, "measure", made)
    return made


def explained(folder: Path, shown: io.StringIO | None = None, **words: Word) -> Heaps | None:
    """What is explained of scenarios that came to these words."""
    scenarios = [tiny(folder, name) for name in words]
    outcome = outcomes.outcome(*(outcomes.scenario(word, scenario=name) for name, word in words.items()))
    options = Options(folder / "out", VmSize(512, 2, 0.125))
    progress = Progress(Console(file=shown or io.StringIO(), width=200))
    return explain_heaps(scenarios, CONTENDERS, outcome, options, progress)


def test_where_it_does_not_pass_both_sides_are_captured_once(tmp_path: Path, captures: Captures) -> None:
    """GIVEN a scenario of each word THEN those that could be measured and do not pass are captured, apart from runs."""
    shown = io.StringIO()
    heaps = explained(tmp_path, shown, a="regressed", b="pass", c="inconclusive", d="invalid")
    assert captures.names == ["a", "c"]
    assert captures.asked == [{"out": tmp_path / "out" / "heaps", "memray": True, "runs": 1, "at_once": 1}]
    assert heaps is not None
    assert [(one.scenario, one.sites[0].rise_bytes) for one in heaps.differences] == [
        ("a", 8 * 2**20),
        ("c", 8 * 2**20),
    ]
    assert heaps.problems == ()
    assert shown.getvalue().startswith("Both heaps are captured: one more run of each side")


@pytest.mark.parametrize("word", ["pass", "invalid"])
def test_where_there_is_nothing_to_explain_nothing_is_captured(
    tmp_path: Path, captures: Captures, word: Word
) -> None:
    """GIVEN a gate that passes, or that measured nothing THEN no run is made for its heap."""
    assert explained(tmp_path, a=word) is None
    assert captures.asked == []


def test_it_is_told_on_the_terminal_and_in_a_file(tmp_path: Path, captures: Captures) -> None:
    """GIVEN a difference THEN function and rise stand in 80 columns of text, and in heaps.md."""
    heaps = explained(tmp_path, a="regressed")
    assert heaps is not None
    heaps.write(tmp_path)
    page = (tmp_path / "heaps.md").read_text()
    assert page == heaps.markdown
    assert page.startswith("## What head's heap holds more than base's: a\n")
    for text in (page, heaps.text):
        assert "keep" in text
        assert "8.0" in text
    assert max(map(len, heaps.text.splitlines())) <= 80


@pytest.mark.parametrize(
    "error", [RunError("fc060ac: its chunks could not be made ahead: 503."), OomproofError("a mistake")]
)
def test_what_cannot_be_captured_is_told(tmp_path: Path, captures: Captures, error: OomproofError) -> None:
    """GIVEN a capture that breaks THEN its reason is told in both places, and nothing is raised."""
    captures.error = error
    heaps = explained(tmp_path, a="regressed")
    assert heaps == Heaps(problems=(str(error),))
    assert heaps.text == f"Heaps: {error}"
    assert heaps.markdown == f"**Heaps:** {error}\n"


def test_one_that_cannot_be_read_hides_no_other(tmp_path: Path, captures: Captures) -> None:
    """GIVEN two scenarios, of which one left no heap THEN the other is explained, and why the one is not is told."""
    captures.without_heap = frozenset({"a"})
    heaps = explained(tmp_path, a="regressed", c="inconclusive")
    assert heaps is not None
    assert [one.scenario for one in heaps.differences] == ["c"]
    (problem,) = heaps.problems
    assert problem.startswith(f"a: {tmp_path}/out/heaps/a/base-1: no heap.json that can be read.")
    assert heaps.text.splitlines()[-1] == f"Heaps: {problem}"
    assert heaps.markdown.count("\n**Heaps:** a: ") == 1


def test_a_run_without_a_folder_is_told(tmp_path: Path, captures: Captures) -> None:
    """GIVEN a captured run that left nothing THEN that is told too."""
    captures.without_folder = True
    assert explained(tmp_path, a="regressed") == Heaps(problems=("a: a captured run left no folder.",))


def test_what_a_reason_holds_is_no_markup(tmp_path: Path) -> None:
    """GIVEN a reason with an escape sequence and an asterisk THEN it drives no terminal, and is no emphasis."""
    heaps = Heaps(problems=("a: \x1b[31m*red*",))
    assert heaps.text == r"Heaps: a: \x1b[31m*red*"
    heaps.write(tmp_path)
    assert (tmp_path / "heaps.md").read_text() == "**Heaps:** a: \\\\x1b\\[31m\\*red\\*\n"
