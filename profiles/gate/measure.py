"""The gate's runs: each scenario several times for each side, by turns, some of them at once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profiles import processes
from profiles.build import Build
from profiles.compare import Options, benches
from profiles.errors import EXIT_OK, RunError
from profiles.gate.gate_run import gate_run
from profiles.gate.outcome import GateRun, Side
from profiles.gate.sides import MISFORTUNES
from profiles.gate.tree_state import code_digest
from profiles.gate.trial import Trial
from profiles.gate.trial_processes import TrialProcesses
from profiles.progress import Progress
from profiles.report_text import count
from profiles.run import Bench
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario
from profiles.verdict import judge

AGAIN = "-again"
"""Ends the name of a run that takes the place of one that was tried once more."""


Key = tuple[str, int]
"""A run of a gate: its side, and its number there."""


@dataclass(frozen=True)
class Contender:
    """A side that is measured now, and the build of its server."""

    side: Side
    build: Build


@dataclass(frozen=True)
class SideRuns:
    """All runs of a scenario for one side, in the order measured; `retried` are the first tries of those made twice."""

    scenario: Scenario
    side: Side
    runs: tuple[GateRun, ...]
    retried: tuple[GateRun, ...] = ()


def measure(
    scenarios: Sequence[Scenario],
    contenders: Sequence[Contender],
    options: Options,
    *,
    runs: int,
    at_once: int,
    progress: Progress,
) -> list[SideRuns]:
    """Run each scenario `runs` times for each contender, `at_once` at the same time, into `options.out`.

    The sides take turns, and which begins changes: what drifts on the machine meets both alike. A run in which
    nothing valid was measured, or whose server a busy machine may have kept from serving, is tried once more.

    Raises:
        OomproofError: a mistake, a machine that cannot, no store to read from, or code that was changed meanwhile.
            Nothing is left running.
    """
    found: list[SideRuns] = []
    digests = {one.build.root: code_digest(one.build.root) for one in contenders}
    with contextlib.closing(benches(scenarios, options)) as plan:
        for scenario, bench in plan:
            crew = Crew(scenario, bench, options, at_once, progress)
            progress.stage(scenario.name)
            if scenario.load.kind == "pregenerate":
                crew.make_stores(contenders)
            else:
                found += crew.take(contenders, runs)
    for root, digest in digests.items():
        if code_digest(root) != digest:
            raise RunError(
                f"{root}: reference_server was changed while it was measured, so nobody knows which state the runs "
                "are of. Leave it alone meanwhile, and run this again."
            )
    return found


@dataclass(frozen=True)
class Crew:
    """Runs one scenario on a bench, for whom and as often as told, `at_once` runs at the same time."""

    scenario: Scenario
    bench: Bench
    options: Options
    at_once: int
    progress: Progress

    def make_stores(self, contenders: Sequence[Contender]) -> None:
        """Make each side's chunks, with its own server."""
        trials = [
            self._trial(contender, f"{self.scenario.name}-{contender.side.name}") for contender in contenders
        ]
        self.progress.line(f"{self.scenario.name}: {self.scenario.description}")
        self._run_all(trials)
        for trial, contender in zip(trials, contenders, strict=True):
            if not _made(trial.folder):
                raise RunError(
                    f"{contender.side.described}: its chunks could not be made ahead: "
                    f"{_why_broken(trial.folder).rstrip('.')}. See {trial.folder}."
                )

    def take(self, contenders: Sequence[Contender], runs: int) -> list[SideRuns]:
        """Take the runs, and return them by side."""
        trials = {
            (contender.side.name, number): self._trial(
                contender, f"{self.scenario.name}/{contender.side.name}-{number}"
            )
            for number in range(1, runs + 1)
            for contender in (contenders if number % 2 else contenders[::-1])
        }
        self.progress.line(
            f"{self.scenario.name}: {count(len(trials), 'run', 'runs')}, {self.at_once} at once"
        )
        found = self._runs(trials)
        lost = {key: run for key, run in found.items() if run.verdict in MISFORTUNES}
        if lost:
            which = ", ".join(f"{side}-{number} ({run.verdict})" for (side, number), run in lost.items())
            self.progress.line(f"{self.scenario.name}: once more, for these were no whole sessions: {which}")
            found |= self._runs({key: _again(trials[key]) for key in lost})
        return [
            SideRuns(
                self.scenario,
                contender.side,
                tuple(found[contender.side.name, number] for number in range(1, runs + 1)),
                tuple(run for (side, _), run in lost.items() if side == contender.side.name),
            )
            for contender in contenders
        ]

    def _runs(self, trials: Mapping[Key, Trial]) -> dict[Key, GateRun]:
        self._run_all(list(trials.values()))
        return {key: gate_run(trial.folder, judge(trial.folder)) for key, trial in trials.items()}

    def _trial(self, contender: Contender, name: str) -> Trial:
        return Trial(
            scenario=self.scenario,
            folder=self.options.out / name,
            store=self.bench.work / contender.side.name,
            documents=self.bench.documents,
            upstream=self.bench.upstream,
            vm_size=self.bench.vm_size,
            build=contender.build,
            backend=self.options.backend,
            memray=self.options.memray,
        )

    def _run_all(self, trials: Sequence[Trial]) -> None:
        bench = self.bench
        TrialProcesses(bench.work, self.at_once, bench.upstream.check, self.progress).run(trials)


def _again(trial: Trial) -> Trial:
    return replace(trial, folder=trial.folder.with_name(trial.folder.name + AGAIN))


def _made(folder: Path) -> bool:
    """Whether a store was made whole. How long its speech took does not matter here: nothing of it is compared."""
    ends = RunFolder(folder).named("load_ended")
    return bool(ends) and ends[-1].facts.get("returncode") == EXIT_OK


def _why_broken(folder: Path) -> str:
    """What the run says of its own end, else the last words of its load."""
    failed = RunFolder(folder).named("failed")
    return failed[-1].text("reason") if failed else processes.last_line(folder / "load.log")
