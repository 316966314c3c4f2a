"""A run in the process that owns it, the only one or the master: made ready, looked after, ended and judged."""

import logging
import sys
from abc import ABC, abstractmethod

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from gevent import GreenletExit
from locust.env import Environment
from locust.runners import STATE_SPAWNING, STATE_STOPPED, Runner

from loadtests.asking import WrongUseError
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Chapters, ChaptersError
from loadtests.closing import Closing, close
from loadtests.corpus import CorpusError
from loadtests.gathering import Gathering
from loadtests.load import Load
from loadtests.made_ready import make_ready
from loadtests.option_values import OptionError
from loadtests.options import LoadOptions, parse_options
from loadtests.statistics_kept import KeptStatistics

LOOK_EVERY_S = 0.25

_log = logging.getLogger(__name__)


class Run(ABC):
    """The runs of this Locust, one after the other.

    Args:
        environment: Locust's.
        runner: the one that starts and ends the runs.
    """

    def __init__(self, environment: Environment, runner: Runner) -> None:
        self._environment = environment
        self._runner = runner
        self._gathering: Gathering | None = None
        self._options: LoadOptions | None = None
        self._looking: gevent.Greenlet | None = None
        self._leaving = False
        self._invalid: list[str] = []
        self._closing: Closing | None = None
        self._refused: str | None = None
        self.load: Load | None = None
        """The readers of this process, while a run goes on that has some here."""

    def begin(self) -> None:
        """Makes everything ready; a mistake is told, and nobody reads.

        Raises:
            GreenletExit: nobody is to read.
        """
        state = self._runner.state
        self._environment.process_exit_code = 1  # so it stays if we are ended before anything is measured
        self._runner.update_state(STATE_SPAWNING)  # lets the web page stop what is not even running yet
        try:
            self._make_ready()
        except GreenletExit:
            self._runner.update_state(state)
            raise
        except (OptionError, PrepareError, ChaptersError, CorpusError, OSError) as error:
            self._runner.update_state(STATE_STOPPED if self._environment.web_ui else state)
            self._refuse(error)
            raise GreenletExit from error

    def _make_ready(self) -> None:
        values, host = self._environment.parsed_options, self._environment.host
        assert values is not None
        self._options = parse_options(values)
        if not host:
            raise OptionError(
                "--host: is missing. Name the server to read from: --host http://127.0.0.1:8003."
            )
        self._closing, self._invalid = None, []
        gathering = Gathering(self._options.requests_file, self._options.generator_file)
        try:
            self._start(self._options, make_ready(self._options, host, _log.info), gathering)
        except BaseException:
            gathering.close()
            raise
        self._gathering = gathering
        self._looking = gevent.spawn(self._look)

    def _refuse(self, error: Exception) -> None:
        served_badly = isinstance(error, PrepareError) and not isinstance(error, WrongUseError)
        self._environment.process_exit_code = 1 if served_badly else 2
        line = str(error)
        if isinstance(error, OSError):
            line = f"{error.filename}: cannot be opened for writing: {error.strerror}. Name another file."
        if self._environment.web_ui:
            _log.error(line)
            self._runner.log_exception("this machine", line, "")
        else:
            self._refused = line
            gevent.spawn(self._runner.quit)

    def _look(self) -> None:
        """Ends the run when all have finished, or when it is none any more."""
        missing: list[str] = []
        statistics = KeptStatistics(self._environment.stats)
        while not self._invalid:
            gevent.sleep(LOOK_EVERY_S)
            statistics.look()
            self._collect(last=False)
            readers = self._runner.target_user_count
            if self._gathering is not None and self._gathering.finished(readers):
                _log.info("all %d readers have finished", readers)
                self._stop_soon()
                return
            # Missed twice: Ctrl-C reaches workers and us together, and that is no loss.
            before, missing = missing, self._losses()
            if before and missing:
                self.fail("; ".join(missing))

    def fail(self, line: str) -> None:
        """Ends the run because it is no measurement any more; says why, once."""
        if not self._invalid:
            self._invalid.append(line)
            self._stop_soon()

    def _stop_soon(self) -> None:
        gevent.spawn(self._runner.stop if self._environment.web_ui else self._runner.quit)

    def stopping(self) -> None:
        """The readers are about to be stopped."""
        if self._looking is not None:
            self._looking.kill(block=False)
        if self._gathering is not None:
            self._before_stop(self._gathering)

    def end(self) -> None:
        """All readers have stopped: takes what is left, closes the files, judges the run."""
        self._collect(last=True)
        if self._gathering is None or self._options is None:
            return
        gathering, self._gathering = self._gathering, None
        gathering.close()
        closing = close(gathering.tally(), self._environment.stats, [*self._invalid, *gathering.saturated()])
        self._environment.process_exit_code = closing.exit_code(
            judged_elsewhere=self._options.judged_elsewhere
        )
        self._closing = closing
        if self._environment.web_ui:
            self._tell_page(closing)

    def leave(self) -> None:
        """Ends the run, if one goes on, before the process ends."""
        self._leaving = True
        if self._gathering is not None:
            self._runner.stop()

    def last_words(self) -> None:
        """Says how the run ended, or why it never began, once, below Locust's own tables."""
        closing, self._closing = self._closing, None
        refused, self._refused = self._refused, None
        if refused is not None:
            say(refused)
        if closing is not None and not self._environment.web_ui:
            for line in closing.lines:
                say(line)

    def _tell_page(self, closing: Closing) -> None:
        for line in closing.summary:
            _log.info(line)
        if closing.verdict:
            _log.error(closing.verdict)
            self._runner.log_exception("all", closing.verdict, "")

    @abstractmethod
    def _before_stop(self, gathering: Gathering) -> None:
        """Does what is to be done before the readers are stopped."""

    @abstractmethod
    def _start(self, options: LoadOptions, chapters: Chapters, gathering: Gathering) -> None:
        """Has the readers ready to be spawned."""

    @abstractmethod
    def _collect(self, *, last: bool) -> None:
        """Brings what this process itself has to the gathering."""

    @abstractmethod
    def _losses(self) -> list[str]:
        """Returns what the run has lost for good."""


def unwritable(error: OSError) -> str:
    """Returns the line of a file that takes no more."""
    return f"{error.filename}: {error.strerror}. Free space or name another file."


def say(line: str) -> None:
    """Writes one line to stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
