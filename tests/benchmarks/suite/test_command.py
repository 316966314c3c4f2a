"""`python -m benchmarks.suite`: what it refuses, and what its exit codes say."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import __main__ as command
from benchmarks.suite import registry, runner
from benchmarks.suite.measured import Effort, Measured, Tell
from profiles import machine
from tests.benchmarks.suite import results

Cases = dict[str, Callable[[Effort, Path, Tell], Measured]]


def _served(_effort: Effort, _folder: Path, _tell: Tell) -> Measured:
    return results.SERVED


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cases]:
    """What measures each case, on a machine that is quiet, in a root of its own."""
    found: Cases = dict.fromkeys(registry.CASES, _served)
    monkeypatch.setattr(registry, "measures", lambda names: {name: found[name] for name in names})
    monkeypatch.setattr(runner, "settled_look", lambda: results.QUIET)
    monkeypatch.setattr(runner, "taken", lambda *_: 0.0)  # in a millisecond one tick is all of a core
    monkeypatch.setattr(runner, "stolen", lambda *_: 0.0)
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(
        command, "OUT", {True: tmp_path / "reports" / "bench", False: tmp_path / "runs" / "bench"}
    )
    handlers = {wanted: signal.getsignal(wanted) for wanted in (signal.SIGINT, signal.SIGTERM)}
    yield found
    for wanted, handler in handlers.items():
        signal.signal(wanted, handler)


def asides(root: Path) -> list[Path]:
    """What was kept aside."""
    return sorted((root / "build" / "bench").iterdir())


def value_in(folder: Path) -> Any:
    """The result in a folder."""
    return json.loads((folder / "bench.json").read_text())


def test_a_quiet_run_is_published(cases: Cases, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a quiet machine THEN the result is where it should be, nothing is left aside, and the code is 0."""
    assert command.main(["--full", "--cases", "watching,chunk_serving"]) == 0
    assert len(cases) == len(registry.CASES)
    value = value_in(tmp_path / "reports" / "bench")
    assert [case["name"] for case in value["cases"]] == ["chunk_serving", "watching"]
    assert value["command"] == "python -m benchmarks.suite --full --cases watching,chunk_serving"
    assert value["machine"] == machine.describe()
    assert asides(tmp_path) == []
    assert "Chunk serving" in capsys.readouterr().out


@pytest.mark.usefixtures("cases")
def test_the_short_form_goes_elsewhere(tmp_path: Path) -> None:
    """GIVEN the short form THEN its result is not where figures are published."""
    assert command.main(["--cases", "watching"]) == 0
    assert not (tmp_path / "reports").exists()
    assert value_in(tmp_path / "runs" / "bench")["form"] == "short"


def test_what_is_published_is_refused_before_anything_is_measured(
    cases: Cases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a published result THEN the code is 2 with one line, and no case was begun; --overwrite replaces it."""
    assert command.main(["--full", "--cases", "watching"]) == 0
    before = value_in(tmp_path / "reports" / "bench")
    capsys.readouterr()

    def measured_all_the_same(*_: object) -> Measured:
        pytest.fail("it was measured")

    cases["watching"] = measured_all_the_same
    assert command.main(["--full", "--cases", "watching"]) == 2
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert "--overwrite" in said.err
    assert value_in(tmp_path / "reports" / "bench") == before
    cases["watching"] = lambda *_: results.STORED
    assert command.main(["--full", "--cases", "watching", "--overwrite"]) == 0
    assert value_in(tmp_path / "reports" / "bench")["cases"][0]["title"] == "Store at scale"


@pytest.mark.usefixtures("cases")
def test_a_noisy_run_is_kept_aside_with_its_reasons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a busy machine THEN nothing is published, the code is 1, and all is aside with the reasons."""
    monkeypatch.setattr(runner, "settled_look", lambda: results.BUSY)
    monkeypatch.setattr(runner, "QUIET_WITHIN_S", 0.0)
    assert command.main(["--full", "--cases", "watching"]) == 1
    assert not (tmp_path / "reports").exists()
    (aside,) = asides(tmp_path)
    assert value_in(aside)["cases"][0]["noise"]["reasons"]
    assert "too noisy" in (aside / "bench.md").read_text()
    said = capsys.readouterr().err
    assert "too noisy: watching: before it others took 20.0%" in said
    assert f"--keep build/bench/{aside.name} measures only what is not good" in said


def test_good_cases_of_what_was_kept_aside_are_kept(
    cases: Cases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a result of which one case was noisy WHEN it is gone on with THEN that one is measured, all published."""
    monkeypatch.setattr(registry, "CASES", ("chunk_serving", "watching"))
    looks = iter([results.QUIET, results.QUIET, results.BUSY])
    monkeypatch.setattr(runner, "settled_look", lambda: next(looks))
    assert command.main(["--full"]) == 1
    (aside,) = asides(tmp_path)
    monkeypatch.setattr(runner, "settled_look", lambda: results.QUIET)
    measured: list[str] = []

    def noted(*_: object) -> Measured:
        measured.append("watching")
        return results.SERVED

    cases["watching"] = noted
    cases["chunk_serving"] = lambda *_: pytest.fail("it was measured again")
    assert command.main(["--full", "--keep", str(aside)]) == 0
    assert measured == ["watching"]
    published = value_in(tmp_path / "reports" / "bench")
    assert [case["name"] for case in published["cases"]] == ["chunk_serving", "watching"]


def test_a_case_that_fails_is_published_as_such(
    cases: Cases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a case that cannot be measured THEN the others are published, it says why, and the code is 1."""

    def failing(*_: object) -> Measured:
        raise BenchmarkError("wrk: cannot be had here")

    cases["watching"] = failing
    assert command.main(["--full", "--cases", "chunk_serving,watching"]) == 1
    published = value_in(tmp_path / "reports" / "bench")
    assert [case["error"] for case in published["cases"]] == [None, "wrk: cannot be had here"]
    assert "not measured: watching" in capsys.readouterr().err


def test_an_interrupted_run_keeps_what_was_measured(
    cases: Cases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN Ctrl-C in the second case THEN the first is kept aside, nothing is published, and the code is 130."""

    def interrupted(*_: object) -> Measured:
        raise KeyboardInterrupt

    cases["watching"] = interrupted
    assert command.main(["--full", "--cases", "chunk_serving,watching"]) == 130
    assert not (tmp_path / "reports").exists()
    (aside,) = asides(tmp_path)
    assert [case["name"] for case in value_in(aside)["cases"]] == ["chunk_serving"]
    assert "**Not finished**" in (aside / "bench.md").read_text()
    assert not (aside / "work").exists()
    assert f"interrupted; what was measured is in build/bench/{aside.name}" in capsys.readouterr().err


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cases", "wathcing"], "'wathcing' is no case. Use some of chunk_serving,"),
        (["--cases", ""], "'' is no case"),
        (["--keep", "gone"], "gone/bench.json: No such file"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a case or a folder that there is not THEN the code is 2, and the line names it."""
    try:
        code = command.main(arguments)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert said in capsys.readouterr().err
