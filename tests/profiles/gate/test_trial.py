"""A run as a process of its own: it is told all that it needs, and its exit code and last line say how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from profiles.build import Build
from profiles.errors import OomproofError, RunError, Terminated
from profiles.gate import trial
from profiles.gate.trial import Trial, main
from profiles.load import NOBODYS, Documents, Upstream
from profiles.plan import with_pregeneration
from profiles.run import Bench
from profiles.scenario import Scenario, load_scenario, scenario_names, with_load, with_target
from profiles.vm_size import VmSize


def a_trial(scenario: Scenario | None = None) -> Trial:
    """A trial in which nothing has the value that it has unless told otherwise."""
    return Trial(
        scenario=scenario or load_scenario("gate-cached"),
        folder=Path("/out/gate-cached/base-1"),
        store=Path("/out/work-x/base"),
        documents=Documents(Path("/book.pdf"), Path("/cache/dialogue.pdf")),
        upstream=Upstream("http://127.0.0.1:9/v1", "a key", own=True),
        vm_size=VmSize(512, 4, 0.25, 128),
        build=Build(Path("/other"), Path("/other/python"), "a32e9ed", ("-P", "-m", "other")),
        backend="cgroup v2",
        memray=True,
    )


def scenarios() -> Iterator[Scenario]:
    """Every scenario there is, what is made ahead for it, and such as the command line makes of them."""
    for name in scenario_names():
        yield load_scenario(name)
    yield with_pregeneration([load_scenario("gate-cached")])[0]
    yield with_load(load_scenario("live"), mix="steady=3,restless=1", readers=7, pace=2.5)
    yield with_target(load_scenario("live"), "node server.js", port=3003, health="/ok")


@pytest.mark.parametrize("scenario", list(scenarios()), ids=lambda scenario: scenario.name)
def test_what_is_told_arrives_as_it_was(scenario: Scenario) -> None:
    """GIVEN any scenario THEN the process that is told of it has the same trial, to the last setting."""
    told = a_trial(scenario)
    arrived = Trial.from_json(told.to_json())
    assert arrived == told
    assert arrived.scenario.model_fields_set == scenario.model_fields_set  # `speaks` asks for it


def test_a_scenario_of_every_kind_of_value_arrives(tmp_path: Path) -> None:
    """GIVEN a file with sizes in words, a command, faults and an expectation THEN they are what they were."""
    path = tmp_path / "own.toml"
    path.write_text(
        '[vm]\nmemory = "1GB"\nswap = "64MB"\n[target]\ncommand = "python -m http.server"\n'
        '[target.environment]\nA = "b c"\n[load]\nkind = "command"\ncommand = ["k6", "run", "a b.js"]\n'
        '[upstream]\nlatency = "1-3"\nfaults = ["429=0.1"]\n[expect]\npeak_tree_rss_mb_below = 20.5\nstalls = 0\n'
    )
    told = a_trial(load_scenario(str(path)))
    assert Trial.from_json(told.to_json()).scenario == told.scenario


def test_what_does_not_exist_is_not_invented() -> None:
    """GIVEN no document, no upstream, no backend THEN there is none on the other side either."""
    told = replace(a_trial(), documents=Documents(), upstream=NOBODYS, backend=None, memray=False)
    assert Trial.from_json(told.to_json()) == told


def test_the_upstream_is_watched_by_who_started_it() -> None:
    """GIVEN an upstream that is a process of ours THEN the trial knows its address, and not the process."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", ""]) as process:
        told = replace(a_trial(), upstream=replace(a_trial().upstream, process=process))
        assert Trial.from_json(told.to_json()).upstream == a_trial().upstream


class Runs:
    """Takes the place of a run: notes what it was given, and ends as it is told."""

    def __init__(self) -> None:
        self.given: list[tuple[Scenario, Bench, Path]] = []
        self.error: BaseException | None = None

    def __call__(self, scenario: Scenario, bench: Bench, folder: Path, tell: object) -> None:
        """End as told."""
        self.given.append((scenario, bench, folder))
        if self.error is not None:
            raise self.error


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """No run is made; what SIGTERM does here is as before when the test ends."""
    before = signal.getsignal(signal.SIGTERM)
    made = Runs()
    monkeypatch.setattr(trial, "run_scenario", made)
    yield made
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def told(tmp_path: Path) -> str:
    """A file that tells of a trial."""
    path = tmp_path / "base-1.json"
    path.write_text(a_trial().to_json(), encoding="utf-8")
    return str(path)


def test_a_run_gets_what_the_trial_was_told(runs: Runs, told: str) -> None:
    """GIVEN a trial THEN its run has that scenario, folder, build, store and the rest, and exit code 0."""
    assert main([told]) == 0
    ((scenario, bench, folder),) = runs.given
    wanted = a_trial()
    assert (scenario, folder) == (wanted.scenario, wanted.folder)
    assert bench == Bench(
        wanted.documents, wanted.upstream, wanted.vm_size, wanted.store, memray=True, backend="cgroup v2",
        build=wanted.build,
    )  # fmt: skip
    assert bench.store.parent == wanted.store


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OomproofError("book.pdf: is no document."), 2, "book.pdf: is no document.\n"),
        (RunError("recorder: it ended early."), 4, "recorder: it ended early.\n"),
        (KeyboardInterrupt(), 130, ""),
        (Terminated(), 130, ""),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(
    runs: Runs, told: str, error: BaseException, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a run that ends with an error THEN the trial ends with its line and its exit code; no traceback."""
    runs.error = error
    assert main([told]) == status
    assert capsys.readouterr().err == said


def test_a_second_signal_does_not_break_off_what_the_first_began(
    told: str, monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    """GIVEN a run that ends its VM after SIGTERM WHEN another arrives THEN it goes on to the end."""
    ended = []

    def run(*_: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            ended.append("the VM")

    monkeypatch.setattr(trial, "run_scenario", run)
    assert main([told]) == 130
    assert ended == ["the VM"]


def test_what_it_is_told_is_its_one_argument(runs: Runs, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a command line THEN the file that it names is the trial."""
    monkeypatch.setattr(sys, "argv", ["trial", told])
    assert main() == 0
    assert json.loads(Path(told).read_text())["folder"] == str(runs.given[0][2])
