"""The command with a measurement that is invented: what it refuses first, writes last, and says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from profiles import cli
from profiles.build import Build
from profiles.compare import Options
from profiles.errors import OomproofError, RunError, Terminated
from profiles.gate import baseline_command
from profiles.gate.baseline import read_baseline
from profiles.gate.measure import Contender, SideRuns
from profiles.gate.tree_state import TreeState
from profiles.offer import Offer
from profiles.scenario import Scenario
from tests.profiles.gate.measured import COMMIT, TINY, side_runs

PATH = Path("reports", "baselines", "tiny.json")
COMMITTED = TreeState(COMMIT, dirty=False)


@dataclass
class Command:
    """The command in a folder of its own, with what is measured and built invented."""

    capsys: pytest.CaptureFixture[str]
    state: TreeState = COMMITTED
    head: dict[str, Any] = field(default_factory=dict)
    measured: list[dict[str, Any]] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    error: BaseException | None = None
    err: str = ""
    lines: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> int:
        """Run it on the tiny scenario; return its exit code."""
        status = cli.main(["baseline", "--out", "out", "tiny.toml", *arguments])
        said = self.capsys.readouterr()
        self.err, self.lines = said.err, said.out.splitlines()
        return status

    def measure(
        self, scenarios: Sequence[Scenario], contenders: Sequence[Contender], options: Options, **asked: Any
    ) -> list[SideRuns]:
        """Invent what was measured, as many runs as were asked for."""
        asked.pop("progress")
        self.measured.append(asked)
        assert [one.side.name for one in contenders] == ["head"]
        if self.error is not None:
            raise self.error
        return [side_runs(options.out, one, runs=asked["runs"], **self.head) for one in scenarios]

    def this_tree(self, tell: Callable[[str], None], cache: Path) -> Build:
        """Build nothing."""
        self.built.append("this tree")
        tell("this tree: its bytecode")
        return Build(described="fc060ac")


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in a folder that holds a tiny scenario."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    made = Command(capsys)
    monkeypatch.setattr("profiles.gate.options.enter", lambda _: Offer("cgroup v1", available=True))
    monkeypatch.setattr(baseline_command, "measure", made.measure)
    monkeypatch.setattr(baseline_command, "build_this_tree", made.this_tree)
    monkeypatch.setattr(baseline_command, "tree_state", lambda: made.state)
    return made


def test_it_writes_what_was_measured(baseline: Command) -> None:
    """GIVEN runs that survived THEN their figures and conditions are written, and where is told."""
    assert baseline("--runs", "3", "--at-once", "1") == 0
    assert baseline.measured == [{"runs": 3, "at_once": 1}]
    written = read_baseline(PATH)
    assert (written.commit, written.dirty, len(written.runs)) == (COMMIT, False, 3)
    assert (written.conditions.at_once, written.conditions.machine.cpu_model) == (1, "Invented CPU")
    assert baseline.lines == [
        "baseline: this tree: its bytecode",
        "Runs: out",
        f"Baseline: {PATH}, 3 runs",
    ]
    assert baseline.err == ""


def test_each_scenario_has_a_file(baseline: Command) -> None:
    """GIVEN two scenarios, in another folder THEN each has its baseline there."""
    Path("other.toml").write_text(TINY)
    assert baseline("other.toml", "--baselines", "a/mine") == 0
    assert sorted(path.name for path in Path("a", "mine").iterdir()) == ["other.json", "tiny.json"]
    assert baseline.lines[-2:] == [
        "Baseline: a/mine/tiny.json, 6 runs",
        "Baseline: a/mine/other.json, 6 runs",
    ]


def test_one_that_is_there_is_kept(baseline: Command) -> None:
    """GIVEN a baseline that is there THEN it is refused before anything is built or measured."""
    baseline("--runs", "2")
    before = PATH.read_text()
    baseline.measured.clear()
    baseline.built.clear()
    assert baseline() == 2
    assert baseline.err == (
        f"oomproof: {PATH}: there is a baseline already. Give --replace to measure another.\n"
    )
    assert (baseline.measured, baseline.built) == ([], [])
    assert PATH.read_text() == before


def test_it_is_replaced_when_asked(baseline: Command) -> None:
    """GIVEN --replace THEN the new one is in its place."""
    baseline("--runs", "2")
    assert baseline("--replace", "--out", "again", "--runs", "4") == 0
    assert len(read_baseline(PATH).runs) == 4


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            TreeState(COMMIT, dirty=True),
            "baseline of a32e9ed with changes not committed: nobody could measure it",
        ),
        (TreeState(None, dirty=False), "baseline of a state that git does not know: nobody could measure it"),
    ],
)
def test_what_nobody_could_measure_again_is_no_baseline(
    baseline: Command, state: TreeState, said: str
) -> None:
    """GIVEN changes that are not committed, or no commit THEN it is refused before anything is built."""
    baseline.state = state
    assert baseline() == 2
    assert baseline.err.startswith(f"oomproof: {said}")
    assert (baseline.measured, baseline.built) == ([], [])
    assert not PATH.exists()


def test_it_is_one_when_asked_and_says_so(baseline: Command) -> None:
    """GIVEN --allow-dirty THEN it is written, and remembers that it was changed."""
    baseline.state = TreeState(COMMIT, dirty=True)
    assert baseline("--allow-dirty") == 0
    assert read_baseline(PATH).dirty


@pytest.mark.parametrize("verdict", ["invalid", "oom_killed", "unhealthy"])
def test_runs_that_did_not_survive_are_no_baseline(baseline: Command, verdict: str) -> None:
    """GIVEN a run that did not survive THEN exit code 4, the scenario and the run are named, and nothing is written."""
    baseline.head = {"verdict": verdict, "evidence": ("it ended",)}
    assert baseline() == 4
    assert baseline.err.startswith(f"oomproof: tiny: baseline: run 1 of 6 was {verdict} (it ended). ")
    assert baseline.lines[-1] == "Runs: out"
    assert not PATH.exists()


def test_of_two_scenarios_both_are_written_or_none(
    baseline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a second scenario whose runs did not survive THEN the first has no baseline either."""
    Path("other.toml").write_text(TINY)

    def measure(scenarios: Sequence[Scenario], _: object, options: Options, **__: object) -> list[SideRuns]:
        ends = ("survived", "crashed")
        return [side_runs(options.out, one, verdict=end) for one, end in zip(scenarios, ends, strict=True)]

    monkeypatch.setattr(baseline_command, "measure", measure)
    assert baseline("other.toml") == 4
    assert baseline.err.startswith("oomproof: other: baseline: run 1 of 6 was crashed")
    assert list(PATH.parent.iterdir()) == []


def test_runs_without_a_folder_tell_no_conditions(baseline: Command) -> None:
    """GIVEN runs that left no folder THEN nobody knows where they ran, and there is no baseline."""
    baseline.head = {"folder": None}
    assert baseline() == 4
    assert baseline.err == "oomproof: baseline of tiny: its runs left no folder. Measure again.\n"


def test_what_showed_something_else_is_no_baseline(baseline: Command) -> None:
    """GIVEN runs that lived without what their scenario expects THEN nothing is written, exit code 4."""
    baseline.head = {"met": False, "evidence": ("no kill", "expected fallbacks = 0, found 3")}
    assert baseline() == 4
    assert "fallbacks" in baseline.err
    assert not PATH.exists()


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            OomproofError("tiny: head-1: book.pdf: is no document."),
            2,
            "tiny: head-1: book.pdf: is no document.",
        ),
        (RunError("speech upstream: it ended."), 4, "speech upstream: it ended."),
        (KeyboardInterrupt(), 130, "interrupted; everything started was stopped."),
        (Terminated(), 130, "interrupted; everything started was stopped."),
    ],
)
def test_what_breaks_it_off_is_one_line(
    baseline: Command, error: BaseException, status: int, line: str
) -> None:
    """GIVEN a measurement that breaks off THEN its line and exit code, no baseline, and no empty folder of runs."""
    baseline.error = error
    assert baseline() == status
    assert baseline.err == f"oomproof: {line}\n"
    assert not PATH.exists()
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--runs", "1"], "--runs 1: 2 to 50 are possible."),
        (["--runs", "51"], "--runs 51: 2 to 50 are possible."),
        (["--at-once", "0"], "--at-once 0: 1 to 64 are possible."),
        (["lve"], "scenario 'lve': unknown."),
        (["first-audio-live"], "scenario 'first-audio-live': its load is `probe`."),
        (["--out", "."], "--out .: is not empty."),
        (["--document", "no.pdf"], "--document no.pdf: no such file."),
        (["--baselines", "tiny.toml"], "tiny.toml: File exists."),
    ],
)
def test_a_mistake_is_told_before_anything_is_built(
    baseline: Command, arguments: list[str], line: str
) -> None:
    """GIVEN a wrong argument THEN exit code 2 and one line that names it, before a minute was spent."""
    assert baseline(*arguments) == 2
    assert baseline.err.startswith(f"oomproof: {line}")
    assert baseline.err.count("\n") == 1
    assert (baseline.built, baseline.measured) == ([], [])
