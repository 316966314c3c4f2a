"""Runs whose readers are all in this process."""

from itertools import count

from loadtests.chapters import Chapters
from loadtests.gathering import Gathering
from loadtests.load import Load
from loadtests.options import LoadOptions
from loadtests.run import Run, unwritable
from loadtests.watch import Sample


class SingleRun(Run):
    """Has everything at hand: rows go straight to their file."""

    def _start(self, options: LoadOptions, chapters: Chapters, gathering: Gathering) -> None:
        def take_sample(sample: Sample) -> None:
            try:
                gathering.take_sample(sample)
            except OSError as error:
                self.fail(unwritable(error))

        stats, rows = self._environment.stats, gathering.requests
        self.load = Load(options, chapters, count(), stats, rows=rows, sample=take_sample)
        self.load.watch.start()

    def _before_stop(self, gathering: Gathering) -> None:
        """Let the readers who rest go, where those who read are given time to end."""
        del gathering
        if self.load is not None and self._environment.stop_timeout:
            self.load.over()

    def _collect(self, *, last: bool) -> None:
        if last and self.load is not None:
            self.load.settle()
        if self.load is None or self._gathering is None:
            return
        if last:
            self.load.watch.stop()
        self._gathering.take("this process", self.load.report(last=last))
        if last:
            self.load = None

    def _losses(self) -> list[str]:
        return []
