"""The command with a runner that measures nothing: what it runs, keeps and returns."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from profiles import cli
from profiles.errors import OomproofError, Terminated
from profiles.load import Upstream
from profiles.progress import Progress
from profiles.run import Bench
from profiles.scenario import Scenario
from profiles.verdict_record import VerdictRecord

Verdict = Callable[[Scenario, int], str]


class Runner:
    """Takes the place of a run: writes a folder that can be read again, with the verdict it is told."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.ran: list[str] = []
        self.scenarios: list[Scenario] = []
        self.ends_at_death: set[bool] = set()

    def __call__(self, scenario: Scenario, bench: Bench, folder: Path, _: Progress) -> VerdictRecord:
        """Write the run's folder and return its verdict."""
        load = scenario.load
        facts: dict[str, Any] = {
            "scenario": scenario.model_dump(),
            "started_at": f"2026-11-23T01:{len(self.ran):02d}:00+00:00",
        }
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(facts))
        self.ran.append(folder.name)
        self.scenarios.append(scenario)
        self.ends_at_death.add(bench.ends_at_death)
        record = VerdictRecord(
            scenario=scenario.name, verdict=self.verdict(scenario, len(self.ran)), load_kind=load.kind,
            readers=load.readers, pace=load.pace, peak_tree_rss_mb=60.0 * load.readers, peak_anon_mb=50.0,
            stalls=0, blocks_played=20 * load.readers, duration_s=10.0, vm_memory_mb=4096,
        )  # fmt: skip
        (folder / "verdict.json").write_text(record.model_dump_json())
        return record


def judged(folder: Path) -> VerdictRecord:
    """The verdict as the runner wrote it; what was cut off is invalid."""
    if not (folder / "verdict.json").exists():
        return VerdictRecord(scenario=folder.name.partition("-")[0], verdict="invalid", readers=8)
    return VerdictRecord.model_validate_json((folder / "verdict.json").read_text())


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Verdict], Runner]:
    """A function that puts a runner into the command, which then needs no root and no upstream."""

    @contextlib.contextmanager
    def upstream(*_: object, **__: object) -> Iterator[Upstream]:
        yield Upstream("http://127.0.0.1:9/v1", "none", own=False)

    def put(verdict: Verdict) -> Runner:
        runner = Runner(verdict)
        monkeypatch.setattr("profiles.capacity_measure.run_once", runner)
        monkeypatch.setattr("profiles.capacity.judge", judged)
        monkeypatch.setattr("profiles.compare.own_upstream", upstream)
        monkeypatch.setattr("profiles.compare.check_privilege", lambda _: None)
        (tmp_path / "book.pdf").write_text("")
        return runner

    return put


def survived(*_: object) -> str:
    """Every run survives."""
    return "survived"


def capacity(folder: Path, *arguments: str) -> int:
    """Run the command with a document of its own, on a VM that fits any machine; its results are in `out`."""
    where = ["--document", str(folder / "book.pdf"), "--out", str(folder / "out")]
    return cli.main(["capacity", *arguments, "--memory", "256MB", *where])


def found(folder: Path) -> list[dict[str, Any]]:
    """The scenarios in the report's JSON."""
    scenarios: list[dict[str, Any]] = json.loads((folder / "out" / "capacity.json").read_text())["scenarios"]
    return scenarios


def test_the_budget_is_the_limit_and_the_runs_are_few(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN 60 MB a reader and a budget of 1 GB THEN 16 readers are carried, 19 are not, in six runs."""
    runner = use(survived)
    assert capacity(tmp_path, "live", "--budget", "1GB") == 0
    assert runner.ran == ["live-4", "live-8", "live-16", "live-32", "live-23", "live-19"]
    (live,) = found(tmp_path)
    assert (live["carried"], live["not_carried"], live["ran_out_first"]) == (16, 19, "memory")


def test_a_run_ends_with_its_server_and_is_asked_what_carrying_means(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN a scenario that expects to be killed THEN its runs expect to survive in the budget, and end at a death."""
    runner = use(survived)
    capacity(tmp_path, "live", "--most", "4", "--pace", "2")
    (scenario,) = runner.scenarios
    assert (scenario.expect.verdict, scenario.expect.peak_tree_rss_mb_below) == ("survived", 2048)
    assert scenario.expect.server_killed is None
    assert (scenario.load.readers, scenario.load.pace) == (4, 2)
    assert runner.ends_at_death == {True}


def test_chunks_are_made_once_for_all_runs_of_all_scenarios(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN two scenarios that read chunks THEN one pre-generation comes first, rested whatever the readers have."""
    runner = use(survived)
    words = ("live", "cached", "cached-to-the-letter", "--most", "8", "--balance-s", "5")
    assert capacity(tmp_path, *words) == 0
    balances_s = {scenario.load.kind: scenario.vm.balance_s for scenario in runner.scenarios}
    assert balances_s == {"readers": 5, "pregenerate": 500}
    assert runner.ran == [
        "live-4", "live-8", "pregenerate", "cached-4", "cached-8",
        "cached-to-the-letter-4", "cached-to-the-letter-8",
    ]  # fmt: skip


def test_without_a_store_what_was_measured_is_reported(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN a pre-generation that was killed THEN exit code 4, and the scenario before it is in the report."""
    use(lambda scenario, _: "oom_killed" if scenario.load.kind == "pregenerate" else "survived")
    assert capacity(tmp_path, "live", "cached", "--most", "4") == 4
    assert [scenario["scenario"] for scenario in found(tmp_path)] == ["live"]


def test_each_number_is_run_as_often_as_asked_until_one_fails(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN --runs 3 and a second run with 8 that is killed THEN a third is not made."""
    runner = use(lambda scenario, ran: "oom_killed" if ran == 5 else "survived")
    capacity(tmp_path, "live", "--runs", "3", "--most", "8", "--within", "2")
    assert runner.ran == ["live-4", "live-4-2", "live-4-3", "live-8", "live-8-2"]
    assert (found(tmp_path)[0]["carried"], found(tmp_path)[0]["not_carried"]) == (4, 8)


def test_an_invalid_run_is_repeated_once_then_the_search_stops(
    tmp_path: Path, use: Callable[[Verdict], Runner], capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN runs with 8 readers that are never valid THEN 4 stays carried, and the exit code is 4."""
    runner = use(lambda scenario, _: "invalid" if scenario.load.readers == 8 else "survived")
    assert capacity(tmp_path, "live") == 4
    assert runner.ran == ["live-4", "live-8", "live-8-2"]
    assert (found(tmp_path)[0]["carried"], found(tmp_path)[0]["not_valid"]) == (4, 8)
    assert "nothing valid was measured at 8" in capsys.readouterr().out


def test_nobody_carried_is_exit_code_1(tmp_path: Path, use: Callable[[Verdict], Runner]) -> None:
    """GIVEN a VM that one reader kills THEN 4, 2 and 1 are tried."""
    runner = use(lambda *_: "oom_killed")
    assert capacity(tmp_path, "live") == 1
    assert runner.ran == ["live-4", "live-2", "live-1"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, Terminated])
def test_an_interrupted_search_reports_what_it_has(
    tmp_path: Path, use: Callable[[Verdict], Runner], end: type[BaseException]
) -> None:
    """GIVEN Ctrl-C or SIGTERM in the second run THEN exit code 130, and the report says that 4 were carried so far."""

    def verdict(_: Scenario, ran: int) -> str:
        if ran == 2:
            raise end
        return "survived"

    use(verdict)
    assert capacity(tmp_path, "live") == 130
    (live,) = found(tmp_path)
    assert (live["carried"], live["finished"]) == (4, False)
    assert [run["showed"] for run in live["runs"]] == ["carried", "invalid"]


def test_a_search_that_cannot_begin_leaves_an_old_report_alone(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN a folder with an old search in it THEN it is refused, and nothing in it has changed."""
    use(survived)
    capacity(tmp_path, "live", "--most", "4")
    before = (tmp_path / "out" / "capacity.json").stat().st_mtime_ns
    assert capacity(tmp_path, "live", "--most", "4") == 2
    assert (tmp_path / "out" / "capacity.json").stat().st_mtime_ns == before


def test_the_report_is_made_again_from_the_run_folders_alone(
    tmp_path: Path, use: Callable[[Verdict], Runner]
) -> None:
    """GIVEN a search whose report is lost THEN it comes back with the same aim; another budget gives other bounds."""
    use(survived)
    out = tmp_path / "out"
    capacity(tmp_path, "live", "--most", "16", "--budget", "3GB")
    first = found(tmp_path)
    (out / "capacity.json").unlink()
    assert cli.main(["capacity", "--again", str(out)]) == 0
    assert found(tmp_path) == first
    cli.main(["capacity", "--again", str(out), "--budget", "500MB"])
    assert (found(tmp_path)[0]["carried"], found(tmp_path)[0]["not_carried"]) == (8, 16)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "capacity: no scenario"),
        (["pregenerate"], "its load is `pregenerate`"),
        (["live", "--from", "0"], "--from 0: must be 1 or more"),
        (["live", "--from", "9", "--most", "8"], "--from 9: is more than --most 8"),
        (["live", "--within", "0.9"], "--within 0.9"),
        (["live", "--within", "nan"], "--within nan"),
        (["live", "--runs", "0"], "--runs 0"),
        (["live", "--stalls-below", "2"], "--stalls-below 2"),
        (["live", "--budget", "much"], "--budget 'much': not a size"),
        (["--again", "/nowhere"], "/nowhere: no run with readers"),
        (["live", "--again", "/nowhere"], "Leave 'live' out"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a wrong argument THEN one line on standard error names the value; no traceback."""
    assert cli.main(["capacity", *arguments]) == OomproofError.exit_code
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
