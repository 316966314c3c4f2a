"""Locust's side: ``locust -f loadtests/locustfile.py --host URL`` lets readers read."""

import logging
import sys
from itertools import count
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from locust import FastHttpUser, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import LocalRunner

from loadtests.chapters import ChaptersError, place_of_reader
from loadtests.exchange import Exchange
from loadtests.options import LoadOptions, OptionError, add_options, parse_options
from loadtests.reader import Reader
from loadtests.request_log import RequestLog
from loadtests.session import Session
from loadtests.speech_shelf import SpeechShelf

MAX_BODY_BYTES = 256 * 1024 * 1024
READERS_PER_WORKER = 1_000_000


class Load:
    """What the readers of one run share."""

    def __init__(self, options: LoadOptions, environment: Environment) -> None:
        self.options = options
        self._environment = environment
        self._log = RequestLog(options.requests_file)
        self._shelf = SpeechShelf(MAX_BODY_BYTES)
        runner = environment.runner
        self._numbers = count(getattr(runner, "worker_index", 0) * READERS_PER_WORKER)
        self._ended = 0

    def reader(self, user: FastHttpUser) -> Reader:
        """Makes the next reader: chapter by number, first block spread within it, start drawn by seed."""
        options = self.options
        number = next(self._numbers)
        chapter, first = place_of_reader(number, options.chapters.chapters)
        session = Session(
            chapter,
            first=first,
            mode=options.mode,
            pace=options.pace,
            session_s=options.session_s,
            seed=f"{options.seed}:{number}",
            voices=options.chapters.voices,
        )
        exchange = Exchange(user.client, self._log, number, options.chapters)
        return Reader(number, session, exchange, self._shelf, self._log)

    def ended(self) -> None:
        """Counts a reader whose session is over; after the last one the run ends."""
        self._ended += 1
        runner = self._environment.runner
        if isinstance(runner, LocalRunner) and self._ended >= runner.target_user_count:
            logging.getLogger(__name__).info("all %d readers have finished", self._ended)
            self.end_run()

    def end_run(self) -> None:
        """Stops the run; without a web page the process ends too."""
        runner = self._environment.runner
        if runner is not None:
            gevent.spawn(runner.stop if self._environment.web_ui else runner.quit)

    def failed(self, error: OSError) -> None:
        """Ends the run because rows can no longer be written: what was not recorded was not measured."""
        if not self._environment.process_exit_code:
            _say(f"{self.options.requests_file}: {error.strerror}. Free space or choose another file.")
            self._environment.process_exit_code = 1
            self.end_run()


class _State:
    load: Load | None = None


class ReaderUser(FastHttpUser):
    """A reader as Locust spawns it; the session decides what it does."""

    # Browsers speak HTTP/2 to the proxy in front of the application: requests that wait for timings hold
    # back no other. 256 is more than a session can have open.
    concurrency = 256

    def __init__(self, environment: Environment) -> None:
        if _State.load is not None:
            # An answer may take as long as the session: timings wait for a starved aligner.
            self.network_timeout = max(60.0, _State.load.options.session_wall_s)
        super().__init__(environment)

    @task
    def read(self) -> None:
        """One whole session."""
        load = _State.load
        if load is None:
            raise StopUser
        try:
            load.reader(self).read()
        except OSError as error:
            load.failed(error)
        else:
            load.ended()
        raise StopUser


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _check(environment: Environment, **_: Any) -> None:
    environment.process_exit_code = 0  # failed requests are what we measure, not a failure of the run
    if environment.parsed_options is None:
        return
    if environment.web_ui is None:
        environment.parsed_options.only_summary = True
    try:
        parse_options(environment.parsed_options)
    except (OptionError, ChaptersError) as error:
        _say(str(error))
        raise SystemExit(2) from error


def _begin(environment: Environment, **_: Any) -> None:
    # Read again: the web page may have changed them, and a worker has them from its master.
    assert environment.parsed_options is not None
    try:
        _State.load = Load(parse_options(environment.parsed_options), environment)
    except (OptionError, ChaptersError, OSError) as error:
        _State.load = None
        environment.process_exit_code = 2
        unwritable = f"--requests-file: {getattr(error, 'filename', '')!r} cannot be opened for writing"
        _say(f"{unwritable}: {error.strerror}." if isinstance(error, OSError) else str(error))
        if environment.runner is not None:
            gevent.spawn(environment.runner.stop if environment.web_ui else environment.runner.quit)


for _hook, _listener in (
    (events.init_command_line_parser, add_options),
    (events.init, _check),
    (events.test_start, _begin),
):
    _hook.add_listener(_listener)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
