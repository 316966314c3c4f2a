"""What the runs of a capacity search add up to, from their folders alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiles.capacity_outcome import Aim, Outcome, answers, outcome
from profiles.capacity_search import Bounds, Plan, bounds, next_size
from profiles.errors import EXIT_INVALID, EXIT_NOT_MET, EXIT_OK
from profiles.run_file import RUN_FILE
from profiles.run_folder import RunFolder, RunFolderError
from profiles.verdict import judge

AIM_KEY = "capacity"
"""Under this key `run.json` holds the Aim that a run was part of."""


@dataclass(frozen=True)
class Capacity:
    """What the runs of one scenario add up to; `outcomes` in the order in which they were run."""

    scenario: str
    aim: Aim
    outcomes: tuple[Outcome, ...]

    @property
    def bounds(self) -> Bounds:
        """The numbers of readers that were carried, and that were not."""
        return bounds(answers(self.outcomes, self.aim))

    @property
    def finished(self) -> bool:
        """Whether the search came to its end; else it was broken off."""
        return next_size(self.aim.plan, answers(self.outcomes, self.aim)) is None

    def deciding(self, readers: int | None) -> Outcome | None:
        """Return the run that decided a number of readers: the first that failed, else the last."""
        runs = [found for found in self.outcomes if found.readers == readers]
        return next((found for found in runs if found.showed == "failed"), runs[-1] if runs else None)


def read_capacities(folders: Sequence[Path], aim: Aim) -> list[Capacity]:
    """Judge the run folders and return what they add up to, scenario by scenario, in the order they were run.

    Raises:
        RunFolderError: a file of a run is damaged.
    """
    by_scenario: dict[str, list[Outcome]] = defaultdict(list)
    for folder in folders:
        record = judge(folder)
        if record.load_kind == "readers":
            by_scenario[record.scenario].append(outcome(RunFolder(folder), record, aim))
    return [Capacity(name, aim, tuple(outcomes)) for name, outcomes in by_scenario.items()]


def aim_of(folders: Sequence[Path]) -> Aim:
    """Return what was sought when these runs were made; the usual aim where none of them says it.

    Raises:
        RunFolderError: a `run.json` holds something that no run writes.
    """
    for folder in folders:
        said: Any = RunFolder(folder).run.get(AIM_KEY)
        if said is not None:
            try:
                return Aim(**{**said, "plan": Plan(**said["plan"])})
            except (KeyError, TypeError) as error:
                raise RunFolderError(
                    f"{folder / RUN_FILE}: {AIM_KEY}: {error}. It is not what a run writes."
                ) from None
    return Aim()


def exit_code(capacities: Sequence[Capacity]) -> int:
    """Return 0 when all have a bound, 1 when one did not carry even one reader, 4 when one is not valid.

    A bound may be from above alone: where the generator or the machine was the limit at all smaller numbers.
    """
    found = [capacity.bounds for capacity in capacities]
    if any(known.broken is not None or (known.carried is None and known.failed is None) for known in found):
        return EXIT_INVALID
    return EXIT_NOT_MET if any(known.failed == 1 for known in found) else EXIT_OK
