"""The command with a measurement that is invented: what it decides, writes, says last and returns."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from profiles import cli
from profiles.build import Build
from profiles.compare import Options
from profiles.errors import OomproofError, RunError, Terminated
from profiles.gate import command
from profiles.gate.heap_command import Heaps
from profiles.gate.measure import Contender, SideRuns
from profiles.gate.step_summary import VARIABLE
from profiles.offer import Offer
from profiles.scenario import Scenario
from tests.profiles.gate.measured import TINY, side_runs, store_baseline, tiny

BASELINES = Path("reports", "baselines")


@dataclass
class Gate:
    """The command in a folder of its own, with what is measured and built invented."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    base: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    measured: list[dict[str, Any]] = field(default_factory=list)
    contenders: list[Contender] = field(default_factory=list)
    error: BaseException | None = None
    err: str = ""
    lines: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> int:
        """Run it on the tiny scenario; return its exit code."""
        status = cli.main(["gate", "--at-once", "2", "--out", "out", "tiny.toml", *arguments])
        said = self.capsys.readouterr()
        self.err, self.lines = said.err, said.out.splitlines()
        return status

    def measure(
        self, scenarios: Sequence[Scenario], contenders: Sequence[Contender], options: Options, **asked: Any
    ) -> list[SideRuns]:
        """Invent what was measured, as many runs as were asked for."""
        asked.pop("progress")
        self.measured.append(asked)
        self.contenders = list(contenders)
        if self.error is not None:
            raise self.error
        return [
            side_runs(
                options.out, scenario, one.side.name, runs=asked["runs"],
                **{"base": self.base, "head": self.head}[one.side.name],
            )
            for scenario in scenarios
            for one in contenders
        ]  # fmt: skip

    def revision(self, rev: str, tell: Callable[[str], None], cache: Path) -> Build:
        """Build nothing."""
        self.built.append(rev)
        if rev == "nowhere":
            raise OomproofError(f"revision {rev!r}: the repository holds no such commit. Fetch it.")
        tell(f"revision {rev}: its files")
        return Build(Path("/other"), described=f"{rev} (a32e9ed)")

    def this_tree(self, tell: Callable[[str], None], cache: Path) -> Build:
        """Build nothing."""
        self.built.append("this tree")
        return Build(described="fc060ac")

    def store(self, **changes: Any) -> Path:
        """Store a baseline of the scenario, as invented for base."""
        return store_baseline(
            BASELINES, side_runs(self.folder / "then", tiny(self.folder), "base", **self.base), **changes
        )

    @property
    def result(self) -> dict[str, Any]:
        """What gate.json says."""
        found: dict[str, Any] = json.loads(Path("out", "gate.json").read_text())
        return found


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gate:
    """The command, in a folder that holds a tiny scenario, on a machine that is no CI."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    Path("tiny.toml").write_text(TINY)
    made = Gate(tmp_path, capsys)
    monkeypatch.setattr("profiles.gate.options.enter", lambda _: Offer("cgroup v1", available=True))
    monkeypatch.setattr(command, "measure", made.measure)
    monkeypatch.setattr(command, "build_revision", made.revision)
    monkeypatch.setattr(command, "build_this_tree", made.this_tree)
    monkeypatch.setattr("profiles.gate.report.write_curves", lambda *_: False)
    return made


def test_no_worse_is_0(gate: Gate) -> None:
    """GIVEN two sides that are alike THEN it passes, and the last line says so; everything is written."""
    assert gate("--against", "main") == 0
    assert gate.lines[-1] == "pass: tiny (exit code 0)"
    assert gate.lines[0] == "gate: revision main: its files"
    assert "Report: out/gate.md" in gate.lines
    assert gate.result["word"] == "pass"
    assert {path.name for path in Path("out").iterdir()} == {"gate.json", "gate.md", "junit.xml", "tiny"}
    assert ET.parse(Path("out", "junit.xml")).getroot().get("failures") == "0"  # noqa: S314  # we wrote it
    assert gate.err == ""


def test_worse_is_1(gate: Gate) -> None:
    """GIVEN head that holds 32 MB more THEN it regressed, and the metrics that rose are named."""
    gate.head = {"more_mb": 32}
    assert gate("--against", "main") == 1
    assert gate.lines[-1] == "regressed: tiny (exit code 1)"
    (scenario,) = gate.result["scenarios"]
    rose = {found["metric"]["name"] for found in scenario["metrics"] if found["word"] == "regressed"}
    assert rose == {"peak_tree_rss_mb", "steady_rss_mb", "peak_anon_mb"}
    assert "steady RSS of the process tree rose by 31.9 MB" in scenario["reason"]


def test_too_few_runs_are_3(gate: Gate) -> None:
    """GIVEN two runs a side, which can prove nothing THEN it is inconclusive, and the way out is told."""
    gate.head = {"more_mb": 32}
    assert gate("--against", "main", "--runs", "2") == 3
    assert gate.lines[-1] == "inconclusive: tiny (exit code 3)"
    assert any("What to do: `--runs 6`" in line for line in gate.lines)


def test_nothing_valid_is_4(gate: Gate) -> None:
    """GIVEN head without a valid run THEN nothing is known, and that is said."""
    gate.head = {"verdict": "invalid", "figures": {}, "curve": ()}
    assert gate("--against", "main") == 4
    assert gate.lines[-1] == "invalid: tiny (exit code 4)"
    assert gate.result["conditions"]["machine"]["cpu_model"] == "Invented CPU"  # as base's runs tell


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
def test_what_breaks_it_off_is_one_line(gate: Gate, error: BaseException, status: int, line: str) -> None:
    """GIVEN a measurement that breaks off THEN its line and exit code, no report, and no empty folder left."""
    gate.error = error
    assert gate("--against", "main") == status
    assert gate.err == f"oomproof: {line}\n"
    assert not Path("out").exists()


def test_both_sides_are_measured_as_asked(gate: Gate) -> None:
    """GIVEN a revision, runs and how many at once THEN base is that revision, head this tree, and conditions say it."""
    gate("--against", "main", "--runs", "7", "--at-once", "1")
    assert gate.measured == [{"runs": 7, "at_once": 1}]
    assert [(one.side.name, one.side.described, one.build.root) for one in gate.contenders] == [
        ("base", "main (a32e9ed)", Path("/other")),
        ("head", "fc060ac", Build().root),
    ]
    result = gate.result
    assert result["base"] == {"name": "base", "described": "main (a32e9ed)"}
    assert result["head"] == {"name": "head", "described": "fc060ac"}
    assert (result["conditions"]["runs"], result["conditions"]["runs_at_once"]) == (7, 1)
    assert result["conditions"]["load of tiny"] == "4 readers, 1 session of 60 s each, at pace 5, cached"
    assert (result["scenarios"][0]["budget"]["tree_limit_mb"], result["took_s"]) == (
        300,
        pytest.approx(5, abs=5),
    )


def test_a_revision_is_looked_for_before_this_tree_is_built(gate: Gate) -> None:
    """GIVEN a revision that is not there THEN one line says so, and nothing else was done; no folder is left."""
    assert gate("--against", "nowhere") == 2
    assert gate.built == ["nowhere"]
    assert gate.err == "oomproof: revision 'nowhere': the repository holds no such commit. Fetch it.\n"
    assert gate.measured == []
    assert not Path("out").exists()


def mistakes(folder: Path) -> None:
    """What some of the arguments below name."""
    (folder / "own-server.toml").write_text('[target]\ncommand = "true"\n')
    (folder / "full").mkdir()
    (folder / "full" / "old").write_text("")
    (folder / "damaged").mkdir()
    (folder / "damaged" / "tiny.json").write_text('{"schema_version": 1')


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--runs", "1"], "--runs 1: 2 to 50 are possible. Give one."),
        (["--at-once", "0"], "--at-once 0: 1 to 64 are possible. Give one."),
        (["lve"], "scenario 'lve': unknown. Choose one of"),
        (
            ["pregenerate"],
            "scenario 'pregenerate': its load is `pregenerate`. A gate compares loads of readers.",
        ),
        (["--heap"], "--heap: a baseline remembers no heap. Give --against REV too."),
        (
            ["--against", "main", "--compare-anyway"],
            "--compare-anyway: no baseline is read with --against. Leave",
        ),
        (
            ["--against", "main", "--baselines", "mine"],
            "--baselines mine: no baseline is read with --against.",
        ),
        (["--baselines", "damaged"], "damaged/tiny.json: "),
        (
            ["own-server.toml", "--against", "main"],
            "--against main: scenario 'own-server' starts a server of its own",
        ),
        (["--against", "main", "--out", "full"], "--out full: is not empty. Give a new folder;"),
        (["--against", "main", "--document", "no.pdf"], "--document no.pdf: no such file. Name another."),
        (["tiny.toml", "--against", "main"], "scenario 'tiny': is named twice"),
    ],
)
def test_a_mistake_is_told_before_anything_is_built(gate: Gate, arguments: list[str], line: str) -> None:
    """GIVEN a wrong argument THEN exit code 2 and one line that names it, before a minute was spent."""
    mistakes(gate.folder)
    assert gate(*arguments) == 2
    assert gate.err.startswith(f"oomproof: {line}")
    assert gate.err.count("\n") == 1
    assert (gate.built, gate.measured, gate.lines) == ([], [], [])
    assert not Path("out").exists()


def test_a_baseline_is_compared_with(gate: Gate) -> None:
    """GIVEN a baseline of this machine THEN only head is measured, and what it stored is base."""
    gate.store()
    assert gate() == 0
    assert [one.side.name for one in gate.contenders] == ["head"]
    assert gate.built == ["this tree"]
    result = gate.result
    assert result["base"]["described"].startswith("a32e9ed")
    assert [len(result["scenarios"][0][side]) for side in ("base_runs", "head_runs")] == [6, 6]
    assert gate.lines[-1] == "pass: tiny (exit code 0)"


def test_worse_than_a_baseline_is_1(gate: Gate) -> None:
    """GIVEN a baseline of less THEN head regressed."""
    gate.store()
    gate.head = {"more_mb": 32}
    assert gate() == 1
    assert gate.lines[-1] == "regressed: tiny (exit code 1)"


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"machine": {"cpu_model": "Other CPU"}}, "CPU model: Invented CPU in the baseline, Other CPU now"),
        ({"document_sha256": "6f" * 32}, "document: 5e5e5e5e5e5e… in the baseline, 6f6f6f6f6f6f… now"),
    ],
    ids=["machine", "document"],
)
def test_on_another_machine_only_the_budget_is_checked(gate: Gate, tables: dict[str, Any], why: str) -> None:
    """GIVEN a baseline of another machine or document THEN it passes by its budget, and loudly says that and why."""
    gate.store()
    gate.head = {"more_mb": 32, "tables": tables}
    assert gate() == 0
    assert gate.lines[-1] == "pass: tiny. NOTHING WAS COMPARED: only the budget was checked (exit code 0)"
    (scenario,) = gate.result["scenarios"]
    assert f"nothing was compared: the baseline is of other conditions ({why})" in scenario["notes"]
    assert gate.result["base"] is None
    assert scenario["base_runs"] == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"more_mb": 250}, "; limit 300 MB (the budget)"),
        ({"verdict": "oom_killed"}, "0 of 6 valid runs of head survived (6 oom_killed)"),
    ],
)
def test_the_budget_holds_without_a_baseline(gate: Gate, changes: dict[str, Any], line: str) -> None:
    """GIVEN no baseline and head beyond its budget THEN it regressed, by its budget."""
    gate.head = changes
    assert gate() == 1
    assert (
        gate.lines[-1] == "regressed: tiny. NOTHING WAS COMPARED: only the budget was checked (exit code 1)"
    )
    (scenario,) = gate.result["scenarios"]
    assert scenario["reason"].startswith("budget not kept: ")
    assert any(line in broken for broken in scenario["budget"]["broken"])


def test_other_conditions_can_be_compared_all_the_same(gate: Gate) -> None:
    """GIVEN --compare-anyway and a baseline of another machine THEN it is compared, and that is noted."""
    gate.store()
    gate.head = {"more_mb": 32, "tables": {"machine": {"cpu_model": "Other CPU"}}}
    assert gate("--compare-anyway") == 1
    assert gate.lines[-1] == "regressed: tiny (exit code 1)"
    note = "compared all the same, as asked: CPU model: Invented CPU in the baseline, Other CPU now"
    assert note in gate.result["scenarios"][0]["notes"]


def test_a_missing_baseline_is_told_at_once_and_at_the_end(gate: Gate) -> None:
    """GIVEN no baseline THEN it is told before the minutes pass, and passing by the budget alone is loud."""
    assert gate("--baselines", "mine") == 0
    missing = (
        "mine/tiny.json: there is no such baseline. Make one: oomproof baseline tiny.toml --baselines mine"
    )
    assert gate.lines[0] == f"{missing}. Without it only the budget is checked."
    assert f"nothing was compared: {missing}" in gate.result["scenarios"][0]["notes"]
    assert gate.lines[-1] == "pass: tiny. NOTHING WAS COMPARED: only the budget was checked (exit code 0)"


def test_runs_that_showed_something_else_are_noted(gate: Gate) -> None:
    """GIVEN runs that lived without what their scenario expects THEN the outcome says so."""
    gate.head = {"met": False, "evidence": ("no kill", "expected fallbacks = 0, found 3")}
    gate("--against", "main")
    note = "head: 6 of 6 runs were not as expected and not compared (expected fallbacks = 0, found 3)"
    assert note in gate.result["scenarios"][0]["notes"]
    assert note in Path("out", "gate.md").read_text()


def test_heaps_stand_before_the_verdict(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN --heap THEN both heaps' difference is written and told, and the verdict is still the last line."""
    asked: list[str] = []

    def explain(scenarios: Sequence[Scenario], *_: object) -> Heaps:
        asked.extend(scenario.name for scenario in scenarios)
        assert Path("out", "gate.json").exists()  # whatever becomes of the heaps
        return Heaps(problems=("tiny: no capture.",))

    monkeypatch.setattr(command, "explain_heaps", explain)
    monkeypatch.setenv(VARIABLE, str(gate.folder / "summary.md"))
    gate.head = {"more_mb": 32}
    assert gate("--against", "main", "--heap") == 1
    assert asked == ["tiny"]
    assert gate.lines.index("Heaps: tiny: no capture.") < gate.lines.index("Report: out/gate.md")
    assert gate.lines[-1] == "regressed: tiny (exit code 1)"
    assert Path("out", "heaps.md").read_text() == "**Heaps:** tiny: no capture.\n"
    assert Path("summary.md").read_text().endswith("\n\n**Heaps:** tiny: no capture.\n")


def test_a_gate_that_passes_has_no_heaps(gate: Gate) -> None:
    """GIVEN --heap and two sides that are alike THEN nothing more is measured, nor written."""
    assert gate("--against", "main", "--heap") == 0
    assert len(gate.measured) == 1
    assert not Path("out", "heaps.md").exists()


def test_a_ci_runs_page_gets_the_summary(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN GitHub Actions THEN the run's page gets what gate.md says; the verdict is still the last line."""
    monkeypatch.setenv(VARIABLE, str(gate.folder / "summary.md"))
    assert gate("--against", "main") == 0
    assert "pass" in Path("summary.md").read_text()
    monkeypatch.setenv(VARIABLE, "/nowhere/summary.md")
    assert cli.main(["gate", "tiny.toml", "--out", "other", "--against", "main"]) == 0
    shown = gate.capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{VARIABLE} /nowhere/summary.md: ") for line in shown)
    assert shown[-1] == "pass: tiny (exit code 0)"
