"""The gate's runs: each scenario several times for each side, by turns, some of them at once."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profiles import processes
from profiles.build import Build
from profiles.compare import Options, benches
from profiles.errors import EXIT_INTERRUPTED, EXIT_INVALID, EXIT_OK, OomproofError, RunError, Terminated
from profiles.gate.gate_run import gate_run
from profiles.gate.outcome import GateRun, Side
from profiles.gate.sides import MISFORTUNES
from profiles.gate.trial import Trial
from profiles.progress import Progress
from profiles.run import Bench
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario
from profiles.verdict import judge

LOOK_EVERY_S = 0.05
STOP_WITHIN_S = 30.0
AGAIN = "-again"
"""Ends the name of a run that takes the place of one that was tried once more."""


@dataclass(frozen=True)
class Contender:
    """A side that is measured now, and the build of its server."""

    side: Side
    build: Build


@dataclass(frozen=True)
class SideRuns:
    """All runs of a scenario for one side, in the order measured."""

    scenario: Scenario
    side: Side
    runs: tuple[GateRun, ...]


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
        OomproofError: a mistake, a machine that cannot, or no store to read from. Nothing is left running.
    """
    found: list[SideRuns] = []
    with contextlib.closing(benches(scenarios, options)) as plan:
        for scenario, bench in plan:
            crew = Crew(scenario, bench, options, at_once, progress)
            progress.stage(scenario.name)
            if scenario.load.kind == "pregenerate":
                crew.make_stores(contenders)
            else:
                found += crew.take(contenders, runs)
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
        self.progress.stage(self.scenario.name)
        self.progress.line(f"{self.scenario.name}: {self.scenario.description}")
        self._run_all(trials)
        for trial, contender in zip(trials, contenders, strict=True):
            if not _made(trial.folder):
                raise RunError(
                    f"{contender.side.described}: its chunks could not be made ahead: "
                    f"{processes.last_line(trial.folder / 'load.log')} See {trial.folder}."
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
        self.progress.line(f"{self.scenario.name}: {len(trials)} runs, {self.at_once} at once")
        self._run_all(list(trials.values()))
        found = {key: gate_run(trial.folder, judge(trial.folder)) for key, trial in trials.items()}
        again = {
            key: replace(trials[key], folder=trials[key].folder.with_name(trials[key].folder.name + AGAIN))
            for key, run in found.items()
            if run.verdict in MISFORTUNES
        }
        self._run_all(list(again.values()))
        found |= {key: gate_run(trial.folder, judge(trial.folder)) for key, trial in again.items()}
        return [
            SideRuns(
                self.scenario,
                contender.side,
                tuple(found[contender.side.name, number] for number in range(1, runs + 1)),
            )
            for contender in contenders
        ]

    def _trial(self, contender: Contender, name: str) -> Trial:
        document = self.bench.documents.document
        assert document is not None, "a gate's load reads a document"
        return Trial(
            scenario=self.scenario,
            folder=self.options.out / name,
            store=self.bench.work / contender.side.name,
            document=document,
            upstream=self.bench.upstream,
            vm_size=self.bench.vm_size,
            build=contender.build,
            backend=self.options.backend,
            memray=self.options.memray,
        )

    def _run_all(self, trials: Sequence[Trial]) -> None:
        waiting, running = deque(trials), dict[Path, subprocess.Popen[bytes]]()
        began = time.monotonic()
        try:
            while waiting or running:
                while waiting and len(running) < self.at_once:
                    trial = waiting.popleft()
                    running[trial.folder] = self._start(trial)
                time.sleep(LOOK_EVERY_S)
                self.bench.upstream.check()
                for folder in [folder for folder, process in running.items() if process.poll() is not None]:
                    self._check_end(folder, running.pop(folder))
                done = len(trials) - len(waiting) - len(running)
                self.progress.tell(f"{done} of {len(trials)} runs, {time.monotonic() - began:.0f} s")
        finally:
            for process in running.values():
                processes.stop(process, STOP_WITHIN_S)

    def _start(self, trial: Trial) -> subprocess.Popen[bytes]:
        trial.folder.parent.mkdir(parents=True, exist_ok=True)
        trial.store.mkdir(parents=True, exist_ok=True)
        spec = self._beside(trial.folder, "json")
        spec.write_text(trial.to_json(), encoding="utf-8")
        command = processes.python_module("profiles.gate.trial", spec)
        return processes.start(command, self._beside(trial.folder, "log"))

    def _beside(self, folder: Path, ending: str) -> Path:
        return self.bench.work / f"{folder.parent.name}-{folder.name}.{ending}"

    def _check_end(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        """A broken run is judged as it is; what no run can mend ends the gate."""
        status = processes.stop(process)
        if status in (EXIT_OK, EXIT_INVALID) and folder.exists():
            return
        if status == EXIT_INTERRUPTED:
            raise Terminated
        raise OomproofError(f"{folder.name}: {processes.last_line(self._beside(folder, 'log'))}")


def _made(folder: Path) -> bool:
    """Whether a store was made whole. How long its speech took does not matter here: nothing of it is compared."""
    ends = RunFolder(folder).named("load_ended")
    return bool(ends) and ends[-1].facts.get("returncode") == EXIT_OK
