"""The gate's runs: who takes turns with whom, what is tried once more, and what is made ahead."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from profiles.build import Build
from profiles.compare import Options
from profiles.errors import EXIT_INVALID, OomproofError, RunError, Terminated
from profiles.gate import measure as measuring
from profiles.gate.measure import Contender, Crew, SideRuns, measure
from profiles.gate.outcome import Side
from profiles.gate.trial import Trial
from profiles.gate.trial_processes import TrialProcesses
from profiles.load import Documents, Upstream
from profiles.progress import Progress
from profiles.run import Bench
from profiles.scenario import Scenario, load_scenario, with_load
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import VmSize
from tests.profiles.gate.programs import MADE, use_programs

BASE = Contender(Side("base", "main (a32e9ed)"), Build(Path("/other"), described="main (a32e9ed)"))
HEAD = Contender(Side("head", "fc060ac"), Build(described="fc060ac"))
SMALL = VmSize(256, 2, 0.125)
TURNS = ["base-1", "head-1", "head-2", "base-2", "base-3", "head-3"]
ENDED = '{"t": 1, "event": "load_ended", "returncode": 0}\n'


@dataclass
class Trials:
    """Takes the place of the processes: makes each trial's folder, and remembers who was run with whom."""

    verdicts: Mapping[str, str] = field(default_factory=dict)
    batches: list[list[Trial]] = field(default_factory=list)
    at_once: set[int] = field(default_factory=set)
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    error: BaseException | None = None

    def take(self, processes: TrialProcesses, trials: Sequence[Trial]) -> None:
        """Make the folders."""
        assert processes.work.is_dir()
        self.batches.append(list(trials))
        self.at_once.add(processes.at_once)
        if self.error is not None and trials[0].scenario.load.kind == "readers":
            raise self.error
        for trial in trials:
            trial.folder.mkdir(parents=True)
            for name, text in self.files.get(trial.folder.name, {"events.jsonl": ENDED}).items():
                (trial.folder / name).write_text(text)

    def judge(self, folder: Path) -> VerdictRecord:
        """The verdict that was given to a run of that name: it survived, unless told otherwise."""
        return VerdictRecord(scenario="x", verdict=self.verdicts.get(folder.name, "survived"))

    @property
    def names(self) -> list[list[str]]:
        """The names of the runs, batch by batch."""
        return [[trial.folder.name for trial in batch] for batch in self.batches]


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> Trials:
    """No process is started, and no folder judged by what is in it."""
    made = Trials()

    def run(processes: TrialProcesses, trials: Sequence[Trial]) -> None:
        made.take(processes, trials)

    monkeypatch.setattr(TrialProcesses, "run", run)
    monkeypatch.setattr(measuring, "judge", made.judge)
    return made


Crewed = Callable[..., Crew]


@pytest.fixture
def shown() -> io.StringIO:
    """What a person is told."""
    return io.StringIO()


@pytest.fixture
def crew(tmp_path: Path, shown: io.StringIO) -> Crewed:
    """A function that makes a crew for a scenario."""

    def make(scenario: Scenario | None = None, at_once: int = 2) -> Crew:
        bench = Bench(
            Documents(Path("/book.pdf"), Path("/dialogue.pdf")), Upstream("http://127.0.0.1:9/v1", "none", own=False),
            SMALL, tmp_path,
        )  # fmt: skip
        options = Options(tmp_path / "out", SMALL, backend="cgroup v1")
        progress = Progress(Console(file=shown, width=200))
        return Crew(scenario or load_scenario("gate-cached"), bench, options, at_once, progress)

    return make


def test_the_sides_take_turns_and_so_does_who_begins(crew: Crewed, trials: Trials) -> None:
    """GIVEN two sides and three runs of each THEN each pair is run together, and which begins changes."""
    base, head = crew().take([BASE, HEAD], 3)
    assert trials.names == [TURNS]
    assert trials.at_once == {2}
    assert (base.side, head.side) == (BASE.side, HEAD.side)
    assert [folder(run).name for run in base.runs] == ["base-1", "base-2", "base-3"]
    assert [folder(run).name for run in head.runs] == ["head-1", "head-2", "head-3"]


def folder(run: object) -> Path:
    """The folder of a run."""
    found = getattr(run, "folder", None)
    assert isinstance(found, Path)
    return found


def test_one_side_alone_has_no_turns(crew: Crewed, trials: Trials) -> None:
    """GIVEN head alone, for a baseline, one run at once THEN its runs follow each other."""
    (head,) = crew(at_once=1).take([HEAD], 3)
    assert trials.names == [["head-1", "head-2", "head-3"]]
    assert trials.at_once == {1}
    assert len(head.runs) == 3


def test_each_side_has_its_own_server_and_store(crew: Crewed, trials: Trials, tmp_path: Path) -> None:
    """GIVEN two sides THEN each runs its own build on what its own server made ahead, and all else is the same."""
    scenario = load_scenario("gate-cached")
    crew().take([BASE, HEAD], 1)
    base, head = trials.batches[0]
    assert (base.build, head.build) == (BASE.build, HEAD.build)
    assert (base.store, head.store) == (tmp_path / "base", tmp_path / "head")
    assert (base.folder, head.folder) == (
        tmp_path / "out" / "gate-cached" / "base-1",
        tmp_path / "out" / "gate-cached" / "head-1",
    )
    for one in (base, head):
        assert (one.scenario, one.vm_size, one.backend, one.memray) == (scenario, SMALL, "cgroup v1", False)
        assert one.documents == Documents(Path("/book.pdf"), Path("/dialogue.pdf"))


@pytest.mark.parametrize("verdict", ["invalid", "unhealthy", "killed"])
def test_a_run_that_showed_nothing_is_tried_once_more(
    crew: Crewed, trials: Trials, verdict: str, shown: io.StringIO
) -> None:
    """GIVEN two runs that did not serve THEN both are tried again after the others, and those count."""
    trials.verdicts = {"head-2": verdict, "base-3": verdict}
    base, head = crew().take([BASE, HEAD], 3)
    assert trials.names == [TURNS, ["head-2-again", "base-3-again"]]
    assert [folder(run).name for run in base.runs] == ["base-1", "base-2", "base-3-again"]
    assert [folder(run).name for run in head.runs] == ["head-1", "head-2-again", "head-3"]
    assert {run.verdict for run in (*base.runs, *head.runs)} == {"survived"}
    assert shown.getvalue().splitlines() == [
        "gate-cached: 6 runs, 2 at once",
        f"gate-cached: once more, for these were no whole sessions: head-2 ({verdict}), base-3 ({verdict})",
    ]


def test_it_is_tried_only_once_more(crew: Crewed, trials: Trials) -> None:
    """GIVEN a run that is invalid both times THEN it stays so: there is no third."""
    trials.verdicts = {"head-2": "unhealthy", "head-2-again": "invalid"}
    _, head = crew().take([BASE, HEAD], 3)
    assert trials.names == [TURNS, ["head-2-again"]]
    assert [run.verdict for run in head.runs] == ["survived", "invalid", "survived"]


@pytest.mark.parametrize("verdict", ["survived", "oom_killed", "crashed"])
def test_what_a_server_did_itself_is_not_tried_again(crew: Crewed, trials: Trials, verdict: str) -> None:
    """GIVEN a run that died of itself THEN it counts as it is."""
    trials.verdicts = {"head-2": verdict}
    _, head = crew().take([BASE, HEAD], 3)
    assert trials.names == [TURNS]
    assert head.runs[1].verdict == verdict


def stores(trials: Trials, crew: Crewed) -> None:
    """Make the chunks of both sides."""
    crew(load_scenario("pregenerate")).make_stores([BASE, HEAD])


def test_each_sides_chunks_are_made_by_its_own_server(crew: Crewed, trials: Trials, tmp_path: Path) -> None:
    """GIVEN chunks to be made ahead THEN one run of each side makes them, where its other runs find them."""
    stores(trials, crew)
    assert trials.names == [["pregenerate-base", "pregenerate-head"]]
    base, head = trials.batches[0]
    assert base.folder.parent == head.folder.parent == tmp_path / "out"
    assert (base.build, base.store) == (BASE.build, tmp_path / "base")
    assert (head.build, head.store) == (HEAD.build, tmp_path / "head")


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {"events.jsonl": '{"t": 1, "event": "failed", "reason": "server: ended while starting."}\n'},
            "server: ended while starting",
        ),
        ({"events.jsonl": ENDED.replace("0}", "1}"), "load.log": "one\n503 twice.\n"}, "503 twice"),
        ({"load.log": "it was cut off"}, "it was cut off"),
        ({}, "it left no log"),
    ],
    ids=["failed", "load failed", "cut off", "nothing"],
)
def test_without_chunks_there_is_nothing_to_compare(
    crew: Crewed, trials: Trials, tmp_path: Path, files: Mapping[str, str], why: str
) -> None:
    """GIVEN a side whose chunks were not made THEN one line says whose, why and where to look; exit code 4."""
    trials.files = {"pregenerate-head": files}
    with pytest.raises(RunError) as caught:
        stores(trials, crew)
    place = tmp_path / "out" / "pregenerate-head"
    assert str(caught.value) == f"fc060ac: its chunks could not be made ahead: {why}. See {place}."
    assert caught.value.exit_code == EXIT_INVALID


@dataclass
class Machine:
    """What measures the gate's scenario here, without root and without an upstream."""

    out: Path
    document: Path
    upstreams: list[str] = field(default_factory=list)

    def measure(
        self, runs: int = 1, *, names: Sequence[str] = ("gate-cached",), at_once: int = 2
    ) -> list[SideRuns]:
        """Measure both sides."""
        options = Options(self.out, SMALL, document=self.document, backend="cgroup v1")
        scenarios = [with_load(load_scenario(name), readers=4) for name in names]
        return measure(
            scenarios,
            [BASE, HEAD],
            options,
            runs=runs,
            at_once=at_once,
            progress=Progress(Console(quiet=True)),
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with a document."""
    (tmp_path / "book.pdf").write_text("")
    made = Machine(tmp_path / "out", tmp_path / "book.pdf")

    @contextlib.contextmanager
    def upstream(*_: object, **__: object) -> Iterator[Upstream]:
        made.upstreams.append("begins")
        yield Upstream("http://127.0.0.1:9/v1", "none", own=False)
        made.upstreams.append("ends")

    monkeypatch.setattr("profiles.compare.own_upstream", upstream)
    monkeypatch.setattr("profiles.compare.check_privilege", lambda _: None)
    return made


def test_a_gate_makes_chunks_and_takes_its_runs(machine: Machine, trials: Trials) -> None:
    """GIVEN the gate's scenario THEN its chunks are made before its runs; what was only lent is gone at the end."""
    found = machine.measure(runs=2)
    assert trials.names == [
        ["pregenerate-base", "pregenerate-head"],
        ["base-1", "head-1", "head-2", "base-2"],
    ]
    assert [(one.scenario.name, one.side.name, len(one.runs)) for one in found] == [
        ("gate-cached", "base", 2),
        ("gate-cached", "head", 2),
    ]
    assert sorted(path.name for path in machine.out.iterdir()) == [
        "gate-cached",
        "pregenerate-base",
        "pregenerate-head",
    ]
    assert set(machine.upstreams) == {"begins", "ends"}


def test_several_scenarios_are_measured_one_after_the_other(machine: Machine, trials: Trials) -> None:
    """GIVEN two scenarios THEN each has its own folder of runs, and their chunks are made once."""
    found = machine.measure(names=("cached-to-the-letter", "cached"))
    kinds = [batch[0].scenario.name for batch in trials.batches]
    assert kinds == ["pregenerate", "cached-to-the-letter", "cached"]
    assert [folder(one.runs[0]).relative_to(machine.out).as_posix() for one in found] == [
        "cached-to-the-letter/base-1",
        "cached-to-the-letter/head-1",
        "cached/base-1",
        "cached/head-1",
    ]


def test_code_that_changes_meanwhile_is_no_measurement(
    machine: Machine, trials: Trials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a server whose files are others at the end THEN nobody knows of which state the runs are."""
    digests = iter("aab")
    monkeypatch.setattr("profiles.gate.measure.code_digest", lambda _: next(digests))
    with pytest.raises(RunError, match="was changed while it was measured"):
        machine.measure(runs=2)
    assert trials.names[-1]


@pytest.mark.parametrize(
    "error", [OomproofError("a mistake"), RunError("broken"), KeyboardInterrupt(), Terminated()]
)
def test_whatever_ends_it_leaves_nothing_but_runs(
    machine: Machine, trials: Trials, error: BaseException
) -> None:
    """GIVEN a gate that is interrupted or broken off THEN neither chunks nor anything that was lent is left."""
    trials.error = error
    with pytest.raises(type(error)):
        machine.measure()
    assert sorted(path.name for path in machine.out.iterdir()) == ["pregenerate-base", "pregenerate-head"]


def test_runs_are_processes(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN programs in the place of trials THEN each is told of its run, two at once, and its folder is judged."""
    programs = use_programs(monkeypatch, tmp_path / "programs")
    made = f"{MADE}\n(folder / 'events.jsonl').write_text({ENDED!r})"
    programs.acts = {"pregenerate-base": made, "pregenerate-head": made}
    judged: list[Path] = []

    def judge(folder: Path) -> VerdictRecord:
        judged.append(folder)
        return VerdictRecord(scenario="x", verdict="survived", peak_tree_rss_mb=80.04)

    monkeypatch.setattr(measuring, "judge", judge)
    base, head = machine.measure(runs=2)
    assert programs.most_at_once() <= 2
    assert sorted(programs.begun()) == sorted(
        ["pregenerate-base", "pregenerate-head", "base-1", "head-1", "head-2", "base-2"]
    )
    assert [path.name for path in judged] == ["base-1", "head-1", "head-2", "base-2"]
    assert [run.figures["peak_tree_rss_mb"] for run in (*base.runs, *head.runs)] == [80.0] * 4
