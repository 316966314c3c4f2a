"""Runs one session for real: a greenlet that reads, with its requests in greenlets beside it."""

import time
from collections.abc import Callable
from typing import TypeVar

from gevent import Greenlet  # type: ignore[import-untyped]  # gevent carries no types
from gevent.pool import Group  # type: ignore[import-untyped]  # gevent carries no types
from gevent.queue import Empty, SimpleQueue  # type: ignore[import-untyped]  # gevent carries no types

from loadtests.actions import (
    Abort,
    Action,
    FetchAudio,
    FetchTimings,
    Finished,
    MakeAhead,
    Played,
    Result,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    Unhighlighted,
    WakeAt,
)
from loadtests.exchange import Exchange
from loadtests.request_log import Row, Rows
from loadtests.session import Session
from loadtests.speech_shelf import AudioKey, SpeechShelf

ActionT = TypeVar("ActionT", FetchAudio, FetchTimings, MakeAhead)
NumberedT = TypeVar("NumberedT", FetchAudio, FetchTimings)


class Reader:
    """One simulated person.

    Args:
        number: the reader's number.
        session: what the person does.
        exchange: the person's requests.
        shelf: audio and bodies shared with the other readers.
        log: where the blocks that play are written.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        exchange: Exchange,
        shelf: SpeechShelf,
        log: Rows,
    ) -> None:
        self._number = number
        self._session = session
        self._exchange = exchange
        self._shelf = shelf
        self._log = log
        self._arrivals: SimpleQueue[tuple[float, Result] | OSError] = SimpleQueue()
        self._requests = Group()
        self._numbered: dict[int, Greenlet] = {}
        self._wake_t = 0.0

    def read(self) -> None:
        """Reads until the session is over, or until this greenlet is killed; then leaves every request."""
        try:
            self._do(self._session.start(time.monotonic()))
            while not self._session.finished:
                self._do(self._wait())
        finally:
            self._do(self._session.left(time.monotonic()))
            self._requests.kill()

    def _wait(self) -> list[Action]:
        try:
            arrived = self._arrivals.get(timeout=max(0.0, self._wake_t - time.monotonic()))
        except Empty:
            return self._session.woke(time.monotonic())
        if isinstance(arrived, OSError):
            raise arrived
        return self._session.arrived(*arrived)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case FetchAudio():
                    self._send(self._fetch_audio, action)
                case FetchTimings():
                    self._send(self._fetch_timings, action)
                case MakeAhead():
                    self._requests.spawn(self._guarded, self._make_ahead, action)
                case Abort(numbers):
                    self._give_up(numbers)
                case Played():
                    self._write_played(action)
                case Unhighlighted():
                    self._write_unhighlighted(action)
                case WakeAt(t):
                    self._wake_t = t
                case Finished():
                    pass  # read() sees it on the session

    def _send(self, fetch: Callable[[NumberedT], None], action: NumberedT) -> None:
        self._numbered[action.number] = self._requests.spawn(self._fetch, fetch, action)

    def _fetch(self, fetch: Callable[[NumberedT], None], action: NumberedT) -> None:
        try:
            self._guarded(fetch, action)
        finally:
            self._numbered.pop(action.number, None)

    def _give_up(self, numbers: tuple[int, ...]) -> None:
        # What has ended is not here any more; what has not begun yet never reaches the wire, and has no row.
        for number in numbers:
            if (request := self._numbered.pop(number, None)) is not None:
                request.kill(block=False)

    def _guarded(self, fetch: Callable[[ActionT], None], action: ActionT) -> None:
        """Let the reader hear of a row that could not be written: it would wait for ever otherwise."""
        try:
            fetch(action)
        except OSError as error:
            self._arrivals.put(error)

    def _write_played(self, played: Played) -> None:
        source = played.source if played.reason == "next" else f"{played.reason}:{played.source}"
        status = 0 if played.source == "never" else 200
        self._log.write(Row(played.at, self._number, "play", status, 0, None, played.waited_s, source))

    def _write_unhighlighted(self, block: Unhighlighted) -> None:
        status = 0 if block.never else 200
        self._log.write(Row(block.at, self._number, "unhighlighted", status, 0, None, block.late_s, ""))

    def _fetch_audio(self, action: FetchAudio) -> None:
        source = "ahead" if action.ahead else "needed"
        if action.attempt > 1:
            source += f":{action.attempt}"
        ask = self._exchange.live_speech if action.source == "tts" else self._exchange.stored_speech
        answer = ask(action.block, action.voice, action.intended_t, source)
        result: Result
        if answer.duration_s is None:
            result = SpeechFailed(action.number, missing=action.source == "chunk" and answer.status == 404)
        else:
            needed = action.source == "tts" or self._session.timings_live
            audio = self._shelf.keep(answer.body) if needed else None
            result = SpeechArrived(action.number, len(answer.body), answer.duration_s, audio)
        self._arrivals.put((answer.ended_t, result))

    def _fetch_timings(self, action: FetchTimings) -> None:
        source = "again" if action.repeat else "first"
        if action.route == "timings":
            answer = self._exchange.stored_timings(action.block, action.voice, action.intended_t, source)
        else:
            assert isinstance(action.audio, AudioKey)
            body = self._shelf.timings_body(action.block.text, action.audio)
            answer = self._exchange.live_timings(body, action.intended_t, source)
        self._arrivals.put((answer.ended_t, TimingsEnded(action.number, ok=answer.status == 200)))

    def _make_ahead(self, action: MakeAhead) -> None:
        self._exchange.make_ahead(action.page, action.voice, action.intended_t)
