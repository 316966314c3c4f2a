"""How a master waits for its workers' last rows, with workers that are made up."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import gevent  # type: ignore[import-untyped]  # gevent carries no types
import pytest
from locust.env import Environment
from locust.runners import STATE_MISSING, STATE_RUNNING, MasterRunner, WorkerNode, WorkerNodes

from loadtests.gathering import Gathering, Report
from loadtests.master import MasterRun
from loadtests.tally import Tally

LAST = Report("", (), Tally(), 0, 0, last=True)


class Runner:
    """A master's runner whose workers answer the end of the run as they are told."""

    def __init__(self, *workers: str) -> None:
        self.clients = WorkerNodes()
        self.worker_indexes = {worker: index for index, worker in enumerate(workers)}
        for worker in workers:
            self.clients[worker] = WorkerNode(worker, state=STATE_RUNNING)
        self.answers: list[tuple[str, str]] = []
        self.run: MasterRun | None = None

    def send_message(self, _: str) -> None:
        """Has each worker hand in, or go, a moment after it is asked to end."""
        for worker, does in self.answers:
            gevent.spawn(self.answer, worker, does)

    def answer(self, worker: str, does: str) -> None:
        """Does what is told."""
        assert self.run is not None
        if does == "goes":
            self.clients[worker].state = STATE_MISSING
        else:
            self.run.take(worker, {"readers": LAST.to_json()})


@pytest.mark.parametrize(
    ("answers", "invalid"),
    [
        ([("a", "hands in"), ("b", "hands in")], []),
        ([("a", "hands in"), ("b", "goes")], ["a worker was lost before it handed in its last rows"]),
    ],
    ids=["all", "one is lost"],
)
def test_a_run_has_all_rows_or_is_invalid(
    tmp_path: Path, answers: list[tuple[str, str]], invalid: list[str]
) -> None:
    """GIVEN ``b`` that has told nothing yet THEN its last rows are awaited too, and missed."""
    runner = Runner("a", "b")
    run = MasterRun(cast("Environment", SimpleNamespace(stop_timeout=0.0)), cast("MasterRunner", runner))
    run._gathering = gathering = Gathering(tmp_path / "requests.csv", tmp_path / "generator.csv")
    run._workers, run._first, runner.run, runner.answers = {"a"}, frozenset("ab"), run, answers
    run._before_stop(gathering)
    assert run._invalid == invalid
    assert gathering.handed_in(["a"])
    assert gathering.handed_in(["b"]) == (not invalid)
    gathering.close()
