"""Runs whose readers are in the workers of a Locust master."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner

from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters
from loadtests.gathering import REPORT_KEY, Gathering, Report
from loadtests.options import LoadOptions
from loadtests.run import LOOK_EVERY_S, Run, unwritable
from loadtests.worker import END_OF_RUN, Handout

HAND_IN_S = 30.0
"""How long workers may take to hand in their last rows, beyond the time that readers are given to end."""


class MasterRun(Run):
    """Hands out what the workers need, takes what they hand in, and misses those who are gone."""

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        super().__init__(environment, runner)
        self._master = runner
        self._workers: set[str] = set()
        self._first: frozenset[str] = frozenset()
        self._begun_t = 0.0

    def _start(self, options: LoadOptions, chapters: Chapters, gathering: Gathering) -> None:
        del options, gathering
        clients = self._master.clients
        ranks = ranks_of(node.id for node in clients.ready + clients.running + clients.spawning)
        if not ranks:
            raise PrepareError("no worker is connected any more. Start one, and then the run again.")
        self._workers = set(ranks)
        self._first = frozenset(ranks)
        self._begun_t = time.monotonic()
        vars(self._environment.parsed_options)["handout"] = Handout.of(chapters, ranks).to_json()

    def take(self, client_id: str, data: dict[str, Any]) -> None:
        """Takes a worker's report out of the data that Locust's own report carries."""
        value = data.get(REPORT_KEY)
        if value is None or self._gathering is None:
            return
        self._workers.add(client_id)
        try:
            self._gathering.take(client_id, Report.from_json(value))
        except OSError as error:
            self.fail(unwritable(error))

    def _before_stop(self, gathering: Gathering) -> None:
        """Have the workers stop their readers and hand in the rest, and wait for that."""
        if not self._invalid and not self._leaving:
            self._invalid += self._losses()
        self._master.send_message(END_OF_RUN)
        clients = self._master.clients
        # Who came late may not have handed in anything yet.
        self._workers |= {node.id for node in clients.running + clients.spawning}
        if self._workers - self._first:
            self._invalid.append(
                "a worker joined while readers read: Locust moved readers to it, whose sessions were cut off. "
                "Start all workers first (--expect-workers)"
            )
        deadline = time.monotonic() + self._environment.stop_timeout + HAND_IN_S
        while not gathering.handed_in(self._present()):
            if time.monotonic() > deadline:
                self._invalid.append(f"a worker did not hand in its last rows within {HAND_IN_S:g} s")
                return
            gevent.sleep(LOOK_EVERY_S / 5)
        if not self._invalid and not gathering.handed_in(self._workers):
            self._invalid.append("a worker was lost before it handed in its last rows")

    def _present(self) -> set[str]:
        return {
            worker
            for worker in self._workers
            if worker in self._master.clients and self._master.clients[worker].state != STATE_MISSING
        }

    def _collect(self, *, last: bool) -> None:
        """The workers' reports come by themselves."""

    def _losses(self) -> list[str]:
        after_s = time.monotonic() - self._begun_t
        return [
            f"worker {self._master.worker_indexes[worker]} ({worker.rpartition('_')[0]}) was lost after "
            f"{after_s:.0f} s: it ended, or was too busy to answer. Its readers did not finish"
            for worker in sorted(self._workers - self._present())
        ]


def ranks_of(workers: Iterable[str]) -> dict[str, int]:
    """Returns each worker's place in the order in which Locust gives users to them, in turn.

    That order (locust/dispatch.py) takes the first worker of every host, then the second of each, by their ids:
    a reader who is one more than the workers can share evenly goes to the worker who comes first.
    """
    within_host: Counter[str] = Counter()
    places = []
    for worker in sorted(workers):
        host = worker.split("_")[0]
        places.append((within_host[host], worker))
        within_host[host] += 1
    return {worker: rank for rank, (_, worker) in enumerate(sorted(places))}
