"""The readers of one load process, and what they share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from gevent import Timeout, sleep  # type: ignore[import-untyped]  # gevent carries no types
from gevent.event import Event  # type: ignore[import-untyped]  # gevent carries no types
from locust import FastHttpUser
from locust.stats import RequestStats

from loadtests.chapters import Chapters, place_of_reader
from loadtests.exchange import Exchange
from loadtests.gathering import Report
from loadtests.listener_stats import ListenerStats
from loadtests.long_lived import reader_began, readers_left
from loadtests.options import LoadOptions
from loadtests.reader import Reader
from loadtests.request_log import Row, RowBuffer, Rows
from loadtests.session import Session
from loadtests.speech_shelf import SpeechShelf
from loadtests.tally import Tally
from loadtests.watch import Sample, Watch

MAX_BODY_BYTES = 256 * 1024 * 1024
SETTLED_WITHIN_S = 10.0


class Load:
    """What the readers of this process share in one run.

    Args:
        options: of the run.
        chapters: what is read.
        numbers: the numbers that readers take, in turn.
        stats: Locust's statistics, for what the listeners feel.
        process: the worker's index, 0 for a single process.
        rows: where rows go; a buffer for the next report unless given.
        sample: where samples go; the next report unless given.
        shift_s: added to times: what the master's clock shows more than ours.
    """

    def __init__(
        self,
        options: LoadOptions,
        chapters: Chapters,
        numbers: Iterator[int],
        stats: RequestStats,
        *,
        process: int = 0,
        rows: Rows | None = None,
        sample: Callable[[Sample], None] | None = None,
        shift_s: float = 0.0,
    ) -> None:
        self.options = options
        self._chapters = chapters
        self._numbers = numbers
        self._buffer = RowBuffer()
        self._rows = self._buffer if rows is None else rows
        self._samples: list[Sample] = []
        self._sample = self._samples.append if sample is None else sample
        self._shift_s = shift_s + options.clock_shift_s
        self._tally = Tally()
        self._listeners = ListenerStats(stats)
        self._shelf = SpeechShelf(MAX_BODY_BYTES)
        self._at_work = 0
        self._most_at_work = 0
        self._resting = 0
        self._over = Event()
        self.watch = Watch(process, lambda: self._at_work, self._take_sample)

    def write(self, row: Row) -> None:
        """Takes a row of any reader: to the file, the counts and the statistics."""
        if self._shift_s:
            row = replace(row, t=row.t + self._shift_s)
        self._rows.write(row)
        self._tally.add(row)
        self._listeners.add(row)

    def _take_sample(self, sample: Sample) -> None:
        self._sample(replace(sample, t=sample.t + self._shift_s))

    def read(self, user: FastHttpUser) -> None:
        """The next reader's whole session.

        Raises:
            OSError: a row could not be written.
        """
        reader = self._next_reader(user)
        with self._one_more_at_work():
            reader.read()

    def rest(self) -> None:
        """Lets a reader who has finished stay until the run is over, as Locust would send another instead."""
        self._resting += 1
        try:
            self._over.wait()
        finally:
            self._resting -= 1

    def over(self) -> None:
        """Lets those who rest go."""
        self._over.set()
        readers_left()

    def settle(self) -> None:
        """Waits until the readers who are being stopped have written their last rows."""
        with Timeout(SETTLED_WITHIN_S, False):  # noqa: FBT003  # gevent's way to say: only end the wait
            while self._at_work:
                sleep(0.01)

    def report(self, *, last: bool) -> Report:
        """Returns what is handed in now, rows and samples of each report once."""
        samples = tuple(self._samples)
        self._samples.clear()
        return Report(self._buffer.take(), samples, self._tally, self._at_work, self._resting, last)

    @contextmanager
    def _one_more_at_work(self) -> Iterator[None]:
        self._tally.readers += 1
        self._at_work += 1
        if self._at_work > self._most_at_work:
            self._most_at_work = self._at_work
            reader_began(self._most_at_work)
        try:
            yield
        finally:
            self._at_work -= 1

    def _next_reader(self, user: FastHttpUser) -> Reader:
        """Chapter by the reader's rank among those of its kind, first block spread within it, all else by seed."""
        options, number = self.options, self.options.first_reader + next(self._numbers)
        kind = options.mix.of_reader(number)
        read = self._chapters.dialogue if kind == "dialogue" and self._chapters.dialogue else self._chapters
        chapter, first = place_of_reader(options.mix.rank(number), read.chapters)
        session = Session(
            chapter,
            first=first,
            mode=options.mode,
            pace=options.pace,
            session_s=options.session_s,
            seed=f"{options.seed}:{number}",
            voices=read.voices,
            mix=kind,
        )
        return Reader(number, session, Exchange(user.client, self, number, read), self._shelf, self)


def reader_numbers(rank: int | None, workers: int, worker_index: int) -> Iterator[int]:
    """Returns the numbers of one worker's readers: the same readers, however many workers share them.

    Args:
        rank: the worker's place among those who were there at the start; None for one who came later.
        workers: how many were there.
        worker_index: the worker's own index, which no other has.
    """
    return count(worker_index * 1_000_000) if rank is None else count(rank, workers)
