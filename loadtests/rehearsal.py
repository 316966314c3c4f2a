"""``python -m loadtests.rehearsal``: what a reader does, told line by line, with a made-up server and no waiting.

The same session as in a run, but its time is simulated and every answer is invented: who wants to know what a
mix does, or what has changed in it, reads this.
"""

import argparse
import hashlib
import heapq
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle

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
from loadtests.chapters import Block, Voice
from loadtests.mixes import MIXES
from loadtests.modes import MODES, Mode
from loadtests.session import Session

CHAPTER = tuple(
    Block(page, index, f"Page {page}, block {index}.", f"{page}.{index}")
    for page in (1, 2, 3)
    for index in range(4)
)
VOICES = (Voice("alloy", 1.0), Voice("nova", 1.0), Voice("alloy", 1.25))


@dataclass(frozen=True)
class World:
    """A made-up server, and a generator that may lag.

    Attributes:
        latencies_s: wall seconds until each answer, in turn and over again.
        outcomes: of each request ``ok``, ``failed`` or ``missing``, likewise.
        durations_s: playing time of each speech in session seconds, likewise.
        lag_s: how late the session is woken.
        news_lag_s: how late it hears of an answer, which says when it arrived.
        late_news: whether answers to requests that were given up still arrive, as they were on their way.
    """

    latencies_s: Sequence[float] = (2.0, 6.0, 3.0, 11.0, 0.5)
    outcomes: Sequence[str] = ("ok", "ok", "missing", "ok", "ok", "ok", "ok", "failed", "ok")
    durations_s: Sequence[float] = (30.0, 12.0, 25.0)
    lag_s: float = 0.0
    news_lag_s: float = 0.0
    late_news: bool = False


Said = tuple[float, Action | Result]
"""What was said or heard, and when that was noticed."""


def rehearse(session: Session, world: World) -> Iterator[Said]:
    """Runs a session from time 0 to its end; yields what it said and heard, in order."""
    answers = _Answers(world)
    actions = session.start(0.0)
    now = 0.0
    while True:
        wake_t = now
        for action in actions:
            yield now, action
            answers.asked(now, action)
            if isinstance(action, WakeAt):
                wake_t = action.t
        if session.finished:
            return
        if (answer := answers.before(wake_t)) is not None:
            noticed_t, arrived_t, result = answer
            now = max(now, noticed_t)
            yield now, result
            actions = session.arrived(arrived_t, result)
        else:
            now = max(now, wake_t + world.lag_s)
            actions = session.woke(now)


class _Answers:
    def __init__(self, world: World) -> None:
        self._world = world
        self._latencies = cycle(world.latencies_s)
        self._outcomes = cycle(world.outcomes)
        self._durations = cycle(world.durations_s)
        self._order = count()
        self._coming: list[tuple[float, int, float, Result]] = []

    def asked(self, now: float, action: Action) -> None:
        result: Result
        match action:
            case FetchAudio(number, source=source):
                outcome = next(self._outcomes)
                result = SpeechFailed(number, missing=outcome == "missing" and source == "chunk")
                if outcome == "ok":
                    result = SpeechArrived(number, 480_000, next(self._durations), "an MP3")
            case FetchTimings(number):
                result = TimingsEnded(number, ok=next(self._outcomes) == "ok")
            case Abort(numbers) if not self._world.late_news:
                self._coming = [coming for coming in self._coming if coming[3].number not in numbers]
                heapq.heapify(self._coming)
                return
            case _:
                return
        arrives_t = now + next(self._latencies)
        heapq.heappush(
            self._coming, (arrives_t + self._world.news_lag_s, next(self._order), arrives_t, result)
        )

    def before(self, t: float) -> tuple[float, float, Result] | None:
        """Returns the next answer that is noticed before a time: when that is, when it arrived, and what it is."""
        if self._coming and self._coming[0][0] < t:
            noticed_t, _, arrived_t, result = heapq.heappop(self._coming)
            return noticed_t, arrived_t, result
        return None


def line(said: Said) -> str:
    """Returns what was said or heard as one line, with everything that is in it."""
    t, what = said
    return f"{t:10.3f}  {_words(what)}"


def _words(what: Action | Result) -> str:  # noqa: C901, PLR0911  # one case a word
    match what:
        case FetchAudio(number, block, source, attempt, intended_t, ahead, voice):
            why = "ahead" if ahead else "needed"
            return f"ask #{number} {source} {_name(block)} {why}, attempt {attempt}, {_at(voice, intended_t)}"
        case FetchTimings(number, block, route, repeat, intended_t, audio, voice):
            again = "again" if repeat else "first"
            body = "no body" if audio is None else "with the MP3"
            return f"ask #{number} {route} {_name(block)} {again}, {body}, {_at(voice, intended_t)}"
        case MakeAhead(page, intended_t, voice):
            return f"make ahead page {page} and the next, {_at(voice, intended_t)}"
        case Abort(numbers):
            return "give up " + " ".join(f"#{number}" for number in numbers)
        case Played(block, at, source, waited_s, reason):
            return f"play {_name(block)} at {at:.3f} from {source}, {reason}, waited {waited_s:.3f} s"
        case Unhighlighted(block, at, late_s, never):
            until = "to its end" if never else "until they came"
            return f"no highlighting of {_name(block)} played at {at:.3f} for {late_s:.3f} s, {until}"
        case WakeAt(wake_t):
            return f"wake at {wake_t:.3f}"
        case Finished():
            return "finished"
        case SpeechArrived(number, size_bytes, duration_s):
            return f"    answer #{number} {size_bytes} bytes, {duration_s:.3f} s of speech"
        case SpeechFailed(number, missing):
            return f"    answer #{number} {'no such chunk' if missing else 'failed'}"
        case TimingsEnded(number, ok):
            return f"    answer #{number} {'timings' if ok else 'failed'}"


def _name(block: Block) -> str:
    return f"{block.page}.{block.block_index}"


def _at(voice: Voice, intended_t: float) -> str:
    return f"{voice.name} at {voice.speed:g}, meant for {intended_t:.3f}"


def rehearsed(mix: str, mode: Mode, seed: str, pace: float = 1.0) -> Iterator[str]:
    """Yields, line by line, ten minutes of a reader of this mix."""
    session = Session(
        CHAPTER, first=0, mode=mode, pace=pace, session_s=600.0, seed=seed, voices=VOICES, mix=mix
    )
    return (line(said) for said in rehearse(session, World()) if not isinstance(said[1], WakeAt))


def fingerprints() -> dict[str, str]:
    """Returns, for each mix and mode, the SHA-256 of what its first ten readers do."""
    return {
        f"{mix}/{mode}": hashlib.sha256(
            "\n".join(told for number in range(10) for told in rehearsed(mix, mode, f"1:{number}")).encode()
        ).hexdigest()
        for mix in MIXES
        for mode in MODES
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.rehearsal", description=__doc__)
    parser.add_argument("--mix", choices=MIXES, default="restless")
    parser.add_argument("--mode", choices=MODES, default="live")
    parser.add_argument(
        "--seed", default="1:0", help="as in a run: its seed, a colon and the reader's number"
    )
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--fingerprints", action="store_true", help="of every mix and mode, as JSON")
    arguments = parser.parse_args(argv)
    if arguments.fingerprints:
        sys.stdout.write(json.dumps(fingerprints(), indent=2) + "\n")
        return 0
    for told in rehearsed(arguments.mix, arguments.mode, arguments.seed, arguments.pace):
        sys.stdout.write(told + "\n")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads the first lines only gets no traceback
    sys.exit(main())
