"""One reader's session as a pure state machine: no HTTP, no Locust, no clock of its own.

Given the time and what arrived, it says what happens next. Behaviour is that of the application (reading a
block, asking for the next one ahead, asking for word timings without waiting). Times are seconds of any
monotonic clock. Playing, pauses and waits before a retry are session seconds and are divided by the pace.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

from loadtests.actions import (
    Action,
    FetchAudio,
    FetchTimings,
    Finished,
    MakeAhead,
    Played,
    Result,
    Route,
    Source,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    WakeAt,
)
from loadtests.chapters import Block, Voice
from loadtests.client_cache import CachedSpeech, ClientCache, data_uri_bytes

Mode = Literal["live", "cached", "hybrid", "cached-to-the-letter"]
"""Where speech and word timings come from; `hybrid` is `cached`, and asks for pages to be made ahead."""
MODES: tuple[Mode, ...] = get_args(Mode)

ATTEMPTS = 3
PLAY_AGAIN_AFTER_S = 5.0
START_SPREAD_S = 5.0


def retry_wait_s(failed_attempts: int) -> float:
    """Session seconds before the next attempt: 1, doubling, at most 5."""
    return min(5.0, 2.0 ** (failed_attempts - 1))


@dataclass(slots=True)
class _Fetch:
    block: Block
    source: Source
    attempt: int
    number: int = 0


class Session:
    """A person who reads one chapter, over and over, until the session's time is up.

    Args:
        chapter: the blocks, in reading order; after the last comes the first.
        first: index of the block to start with.
        mode: where speech and word timings come from.
        pace: how much faster than real time the session is played.
        session_s: length in session seconds, from the drawn start.
        seed: draws when the person starts, within ``START_SPREAD_S`` session seconds.
        voices: what speech is asked with.
        cache_items: how many blocks the client keeps.
    """

    def __init__(
        self,
        chapter: Sequence[Block],
        *,
        first: int,
        mode: Mode,
        pace: float,
        session_s: float,
        seed: str,
        voices: Sequence[Voice],
        cache_items: int = 50,
    ) -> None:
        self._chapter = chapter
        self._position = first % len(chapter)
        self._voice = voices[0]
        self._from_disk = mode != "live"
        self._asks_ahead = mode == "hybrid"
        self._page: int | None = None
        self.timings_live = mode in {"live", "cached-to-the-letter"}
        """Whether timings are always asked live, so that an MP3 may be needed again after it arrived."""
        self._pace = pace
        self._session_s = session_s
        self._random = random.Random(seed)
        self._cache = ClientCache(cache_items)
        self._fetches: dict[str, _Fetch] = {}
        self._timings: dict[int, str] = {}
        self._numbers = count(1)
        self._waiting_since: float | None = None
        self._first = True
        self._timers: list[tuple[float, int, int, Callable[[float], None]]] = []
        self._order = count()
        self._actions: list[Action] = []
        self.finished = False
        """Whether the session is over."""

    def start(self, now: float) -> list[Action]:
        """The person sits down; reading begins within the first session seconds, as drawn."""
        begin = now + self._random.uniform(0, START_SPREAD_S) / self._pace
        self._at(begin, self._need)
        # Priority 0: what falls on the session's last instant no longer happens.
        end = begin + self._session_s / self._pace
        heapq.heappush(self._timers, (end, 0, next(self._order), self._leave))
        return self._turn(now)

    def woke(self, now: float) -> list[Action]:
        """What is due at this time. Harmless when nothing is."""
        return self._turn(now)

    def arrived(self, now: float, result: Result) -> list[Action]:
        """What follows from an answer that arrived at this time."""
        self._run_due(now)
        if not self.finished:
            match result:
                case SpeechArrived():
                    self._speech_arrived(now, result)
                case SpeechFailed():
                    self._speech_failed(now, result)
                case TimingsEnded():
                    self._timings_ended(result)
        return self._turn(now)

    def left(self, now: float) -> list[Action]:
        """The person closes the tab before the session's time is up."""
        self._run_due(now)
        if not self.finished:
            self._leave(now)
        return self._turn(now)

    def _turn(self, now: float) -> list[Action]:
        self._run_due(now)
        actions, self._actions = self._actions, []
        if self._timers:
            actions.append(WakeAt(self._timers[0][0]))
        return actions

    def _run_due(self, now: float) -> None:
        # Each timer acts at its own time, not at the time of a late wake-up: the generator's lag is not
        # the listener's, and the audio clock does not drift with it.
        while self._timers and self._timers[0][0] <= now:
            t, _, _, act = heapq.heappop(self._timers)
            act(t)

    def _at(self, t: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._timers, (t, 1, next(self._order), act))

    def _need(self, t: float) -> None:
        """The listener wants the block at the current position from now on."""
        self._waiting_since = t
        block = self._chapter[self._position]
        if block.page != self._page:
            self._page_begins(block.page, t)
        cached = self._cache.get(block.text_hash)
        if cached is None:
            self._ask(block, t)
            return
        self._play(t, block, cached)
        if self.timings_live and not cached.timings_back:
            self._ask_timings(block, "whisper", t, cached.audio, repeat=True)

    def _page_begins(self, page: int, t: float) -> None:
        self._page = page
        if self._asks_ahead:
            self._actions.append(MakeAhead(page, t, self._voice))

    def _play(self, t: float, block: Block, cached: CachedSpeech) -> None:
        since = t if self._waiting_since is None else self._waiting_since
        self._waiting_since = None
        t = max(t, since)
        source = "cache" if cached.played else cached.source
        self._actions.append(Played(block, t, source, t - since, "first" if self._first else "next"))
        self._first = False
        cached.played = True
        self._at(t + cached.duration_s / self._pace, self._ended)
        following = self._chapter[(self._position + 1) % len(self._chapter)]
        same_page = (following.page, following.block_index) == (block.page, block.block_index + 1)
        if same_page and following.text_hash not in self._cache:
            self._ask(following, t)

    def _ended(self, t: float) -> None:
        self._position = (self._position + 1) % len(self._chapter)
        self._need(t)

    def _ask(self, block: Block, t: float) -> None:
        if block.text_hash not in self._fetches:
            fetch = _Fetch(block, "chunk" if self._from_disk else "tts", attempt=1)
            self._fetches[block.text_hash] = fetch
            self._send(fetch, t)

    def _send(self, fetch: _Fetch, t: float) -> None:
        ahead = not self._waits_for(fetch.block)
        fetch.number = next(self._numbers)
        self._actions.append(
            FetchAudio(fetch.number, fetch.block, fetch.source, fetch.attempt, t, ahead, self._voice)
        )

    def _fetch(self, number: int) -> _Fetch | None:
        return next((fetch for fetch in self._fetches.values() if fetch.number == number), None)

    def _ask_timings(
        self, block: Block, route: Route, t: float, audio: object | None, *, repeat: bool
    ) -> None:
        number = next(self._numbers)
        self._timings[number] = block.text_hash
        self._actions.append(FetchTimings(number, block, route, repeat, t, audio, self._voice))

    def _timings_ended(self, result: TimingsEnded) -> None:
        text_hash = self._timings.pop(result.number, None)
        # Word timings are not retried; playing the block again asks again.
        if text_hash is not None and result.ok:
            self._cache.timings_arrived(text_hash)

    def _waits_for(self, block: Block) -> bool:
        wanted = self._chapter[self._position]
        return self._waiting_since is not None and wanted.text_hash == block.text_hash

    def _speech_arrived(self, now: float, result: SpeechArrived) -> None:
        fetch = self._fetch(result.number)
        if fetch is None:
            return
        block = fetch.block
        del self._fetches[block.text_hash]
        live = fetch.source == "tts"
        source = "chunk" if not live else "fallback" if self._from_disk else "live"
        cached = CachedSpeech(
            source,
            data_uri_bytes(result.size_bytes),
            result.duration_s,
            audio=result.audio if self.timings_live else None,
        )
        self._cache.put(block.text_hash, cached)
        route: Route = "whisper" if live or self.timings_live else "timings"
        audio = result.audio if route == "whisper" else None
        self._ask_timings(block, route, now, audio, repeat=False)
        if self._waits_for(block):
            self._play(now, self._chapter[self._position], cached)

    def _speech_failed(self, now: float, result: SpeechFailed) -> None:
        fetch = self._fetch(result.number)
        if fetch is None:
            return
        if result.missing and fetch.source == "chunk":
            fetch.source, fetch.attempt = "tts", 1
            self._send(fetch, now)
        elif fetch.attempt < ATTEMPTS:
            wait_s = retry_wait_s(fetch.attempt) / self._pace
            fetch.attempt += 1
            self._at(now + wait_s, lambda t: self._send(fetch, t))
        else:
            del self._fetches[fetch.block.text_hash]
            if self._waits_for(fetch.block):
                self._at(now + PLAY_AGAIN_AFTER_S / self._pace, self._press_play)

    def _press_play(self, t: float) -> None:
        self._ask(self._chapter[self._position], t)

    def _leave(self, t: float) -> None:
        if self._waiting_since is not None:
            block = self._chapter[self._position]
            waited_s = max(0.0, t - self._waiting_since)
            self._actions.append(Played(block, t, "never", waited_s, "first" if self._first else "next"))
        self._timers.clear()
        self._fetches.clear()
        self.finished = True
        self._actions.append(Finished())
