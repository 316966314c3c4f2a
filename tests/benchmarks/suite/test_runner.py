"""Cases one after the other: what fails is told, what was left running is ended, nothing stays behind."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import runner
from benchmarks.suite.idle import Look
from benchmarks.suite.measured import Effort, Figure, Measured, Tell
from profiles import processes
from tests.benchmarks.suite import results

ORDER = ("first", "second", "third")


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """The looks that are found, one after the other, the last again and again; none takes time."""
    found = [results.QUIET]
    monkeypatch.setattr(runner, "settled_look", lambda: found.pop(0) if len(found) > 1 else found[0])
    monkeypatch.setattr(runner, "taken", lambda *_: 0.0)  # in a millisecond one tick is all of a core
    monkeypatch.setattr(runner, "stolen", lambda *_: 0.0)
    return found


def served(_effort: Effort, folder: Path, tell: Tell) -> Measured:
    """A case that works."""
    assert list(folder.iterdir()) == []
    (folder / "chunk").write_text("x")
    tell("round 1")
    return results.SERVED


def failing(_effort: Effort, folder: Path, _tell: Tell) -> Measured:
    """A case that cannot be measured."""
    (folder / "server.log").write_text("no port")
    raise BenchmarkError("server: does\nnot start")


def run(
    measures: dict[str, Any], aside: Path, kept: list[Any] | None = None
) -> tuple[Any, list[str], list[Any]]:
    """Run cases; return the result, what was told, and what was saved."""
    told: list[str] = []
    saved: list[Any] = []
    plan = runner.Plan(Effort(full=True), measures, kept or [], ORDER, "python -m benchmarks.suite --full")
    value = runner.run(plan, runner.begun(plan), aside, told.append, saved.append)
    return value, told, saved


def test_cases_are_measured_in_order_and_saved_as_they_come(tmp_path: Path) -> None:
    """GIVEN two cases THEN each is saved when it is done, the result has both, and their folders are gone."""
    value, told, saved = run({"first": served, "second": served}, tmp_path)
    assert [[case["name"] for case in one["cases"]] for one in saved] == [["first"], ["first", "second"]]
    assert (value["form"], value["left_out"]) == ("full", ["third"])
    assert value["ended_at"] is not None
    assert saved[-1]["ended_at"] is None
    assert "[1/2] first: round 1" in told
    assert list((tmp_path / "work").iterdir()) == []


def test_a_case_that_fails_is_told_and_the_next_is_measured(tmp_path: Path) -> None:
    """GIVEN a case that cannot be measured THEN it says so in one line, its logs are kept, and the next goes on."""
    value, told, _ = run({"first": failing, "second": served}, tmp_path)
    assert [case["error"] for case in value["cases"]] == ["server: does not start", None]
    assert "[1/2] first: not measured: server: does not start" in told
    assert (tmp_path / "first-logs" / "server.log").read_text() == "no port"


def test_a_case_whose_figures_are_none_has_failed(tmp_path: Path) -> None:
    """GIVEN a case with a figure that has no round THEN it counts as not measured."""
    value, _, _ = run(
        {"first": lambda *_: Measured("x", (Figure("nginx", "idle", "RSS", "MB", ()),))}, tmp_path
    )
    assert "RSS of nginx, idle" in value["cases"][0]["error"]


def test_a_case_that_hangs_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a case that never ends THEN it is told after the time that a case may take, and the next is measured."""
    monkeypatch.setattr(runner, "CASE_WITHIN_S", 0.05)
    value, _, _ = run({"first": lambda *_: threading.Event().wait(), "second": served}, tmp_path)
    assert [case["error"] for case in value["cases"]] == ["not done within 0.05 s", None]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_defect_is_no_case_that_failed(tmp_path: Path) -> None:
    """GIVEN a case with a mistake in it THEN the mistake is seen, and its folder is gone all the same."""

    def wrong(*_: object) -> Measured:
        raise KeyError("nothing of the kind")

    with pytest.raises(KeyError):
        run({"first": wrong}, tmp_path)
    assert list((tmp_path / "work").iterdir()) == []


def test_kept_cases_stand_in_their_places(tmp_path: Path) -> None:
    """GIVEN a case of an earlier result THEN it is in the result, in the suite's order, and not left out."""
    value, _, _ = run({"third": served}, tmp_path, kept=[results.case("second")])
    assert [case["name"] for case in value["cases"]] == ["second", "third"]
    assert value["left_out"] == ["first"]


def test_a_case_waits_for_a_quiet_machine(tmp_path: Path, looks: list[Look]) -> None:
    """GIVEN a machine that is busy at the first look THEN it is said, and the case begins at the next, quiet one."""
    looks[:] = [results.BUSY, results.QUIET]
    value, told, _ = run({"first": served}, tmp_path)
    assert any("waits for a quieter machine" in line for line in told)
    assert value["cases"][0]["noise"]["reasons"] == []


def test_a_case_does_not_wait_for_ever(
    tmp_path: Path, looks: list[Look], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a machine that stays busy THEN the case is measured all the same, and the result says that it was noisy."""
    monkeypatch.setattr(runner, "QUIET_WITHIN_S", 0.0)
    looks[:] = [results.BUSY]
    value, told, _ = run({"first": served}, tmp_path)
    assert len(value["cases"][0]["noise"]["reasons"]) == 2
    assert any("too noisy to publish" in line for line in told)


def test_a_quiet_look_after_a_case_is_the_look_before_the_next(tmp_path: Path, looks: list[Look]) -> None:
    """GIVEN two cases on a quiet machine THEN three looks are enough; the one between is both's."""
    looks[:] = [results.QUIET] * 4
    value, _, _ = run({"first": served, "second": served}, tmp_path)
    assert len(looks) == 1
    first, second = value["cases"]
    assert first["noise"]["after"] == second["noise"]["before"]


@pytest.mark.slow
def test_what_a_case_left_running_is_ended_and_named(tmp_path: Path) -> None:
    """GIVEN a case that forgets a process THEN it is ended, and the result names it."""
    started: list[subprocess.Popen[bytes]] = []

    def forgetful(_effort: Effort, folder: Path, _tell: Tell) -> Measured:
        started.append(processes.start(["sleep", "60"], folder / "x.log"))
        return results.SERVED

    value, _, _ = run({"first": forgetful}, tmp_path)
    assert value["cases"][0]["left_running"] == ["sleep 60"]
    assert not psutil.pid_exists(started[0].pid)
    started[0].wait(5)
