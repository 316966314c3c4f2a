"""A run in a worker: what the master hands out, and what is handed in."""

import ctypes
import signal
import sys
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.chapters import Chapters, ChaptersError
from loadtests.clocks import Clock
from loadtests.gathering import REPORT_KEY
from loadtests.load import Load, reader_numbers
from loadtests.option_values import OptionError
from loadtests.options import parse_options

END_OF_RUN = "end_of_run"
"""The master's message that all readers are to stop, and everything is to be handed in."""


_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Has the kernel end this forked worker when the process that forked it is gone, however that ended.

    Without a master's heartbeat Locust's workers read on for a minute, from a server that may be another run's.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class Handout:
    """What a worker gets from its master with the options, so that it needs no file.

    Attributes:
        chapters: what is read, compressed: it goes out again with every step of the ramp.
        ranks: each worker's place among those who were there at the start, by its id.
        clock: the master's.
    """

    chapters: bytes
    ranks: dict[str, int]
    clock: Clock

    @classmethod
    def of(cls, chapters: Chapters, ranks: dict[str, int]) -> "Handout":
        """Returns the handout of a run that starts now."""
        return cls(zlib.compress(chapters.text().encode()), ranks, Clock.of_this_machine())

    def to_json(self) -> dict[str, Any]:
        """Returns the handout as it travels."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Handout":
        """Reads what ``to_json`` wrote."""
        return cls(value["chapters"], value["ranks"], Clock(**value["clock"]))

    def read_chapters(self) -> Chapters:
        """Returns the chapters.

        Raises:
            ChaptersError: they are of another version of this project.
        """
        return Chapters.parse(zlib.decompress(self.chapters))


class Worker:
    """A worker's part of a run. Its ``load`` is there while the run goes on."""

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self._environment = environment
        self._runner = runner
        self._last = False
        self.load: Load | None = None
        runner.register_message(END_OF_RUN, lambda **_: runner.stop())

    def begin(self) -> None:
        """Takes what the master handed out; without it this worker ends, which the master sees."""
        values = self._environment.parsed_options
        assert values is not None
        try:
            options = parse_options(values)
            handout = Handout.from_json(values.handout)
            chapters = handout.read_chapters()
        except (OptionError, ChaptersError, AttributeError, KeyError, TypeError) as error:
            self.fail(f"the master's options cannot be used: {error}. Is it of the same version?")
            return
        index = self._runner.worker_index
        rank = handout.ranks.get(self._runner.client_id)
        self._last = False
        self.load = Load(
            options,
            chapters,
            reader_numbers(rank, len(handout.ranks), index),
            self._environment.stats,
            process=index,
            shift_s=Clock.of_this_machine().shift_to(handout.clock),
        )
        self.load.watch.start()

    def stopping(self) -> None:
        """Lets the readers who rest go, where those who read are given time to end."""
        if self.load is not None and self._environment.stop_timeout:
            self.load.over()

    def end(self) -> None:
        """Hands in what has not been yet. Locust may stop the readers twice at once: the second finds it done."""
        if self.load is not None:
            self.load.settle()
        if self.load is None:
            return
        self.load.watch.stop()
        self._last = True
        data: dict[str, Any] = {}
        hook = self._environment.events.report_to_master
        hook.fire(client_id=self._runner.client_id, data=data)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
        self._runner.send_message("stats", data)
        self.load = None

    def leave(self) -> None:
        """Ends before the process does, so that its last rows are handed in."""
        if self.load is not None:
            self._runner.stop()

    def report(self, client_id: str, data: dict[str, Any]) -> None:
        """Adds our report to Locust's."""
        del client_id
        if self.load is not None:
            data[REPORT_KEY] = self.load.report(last=self._last).to_json()

    def fail(self, line: str) -> None:
        """Ends this worker because of a fault of ours."""
        sys.stderr.write(f"worker {self._runner.worker_index}: {line}\n")
        self._environment.process_exit_code = 1
        gevent.spawn(self._runner.quit)
