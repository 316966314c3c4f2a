"""The application in one tab: what it plays, keeps and asks for, told what to do and what arrived.

Behaviour is that of the application: reading block after block, asking for the next one ahead on the same page,
asking for word timings without waiting for them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from loadtests.actions import (
    Abort,
    Action,
    FetchTimings,
    MakeAhead,
    Played,
    Reason,
    Result,
    Route,
    Source,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
)
from loadtests.chapters import Block, Voice
from loadtests.client_cache import CachedSpeech, ClientCache, data_uri_bytes
from loadtests.downloads import Downloads
from loadtests.modes import Mode, asks_timings_live
from loadtests.playback import Playback
from loadtests.timeline import Timeline

PLAY_AGAIN_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class _Wait:
    """The listener hears silence since then, because the block at the current place is not here."""

    since: float
    reason: Reason


class Player:
    """One tab. Nothing plays until it is told to.

    Args:
        chapter: the blocks, in reading order; after the last comes the first.
        place: index of the block to start with.
        mode: where speech and word timings come from.
        voice: what speech is asked with.
        cache_items: how many blocks are kept.
        timeline: the session's timers.
        numbers: the session's next free request numbers.
        say: takes what is to be done.
    """

    def __init__(
        self,
        chapter: Sequence[Block],
        place: int,
        mode: Mode,
        voice: Voice,
        *,
        cache_items: int,
        timeline: Timeline,
        numbers: Iterator[int],
        say: Callable[[Action], None],
    ) -> None:
        self._chapter = chapter
        self._place = place % len(chapter)
        self._mode = mode
        self.voice = voice
        """What speech is asked with."""
        self._cache = ClientCache(cache_items)
        self._timeline = timeline
        self._numbers = numbers
        self._say = say
        source: Source = "tts" if mode == "live" else "chunk"
        self._downloads = Downloads(say, timeline, numbers, source, self._waits_for)
        self._timings: dict[int, str] = {}
        self._page: int | None = None
        self._wants_sound = False
        self._wait: _Wait | None = None
        self.playback: Playback | None = None
        """The block that plays, or is paused; None while the listener waits, and before and after."""

    def play(self, t: float, reason: Reason) -> None:
        """Plays on where it was paused, or from the start of the block at the current place."""
        self._wants_sound = True
        if self.playback is None:
            self._need(t, reason)
        else:
            self.playback.resume(t)
            self._await_end(self.playback)

    def pause(self, t: float) -> None:
        """Stops playing; requests that are out go on."""
        self._wants_sound = False
        if self.playback is None:
            self.stop(t)
        else:
            self.playback.pause(t)

    def skip(self, t: float, step: int, *, again: bool = False) -> None:
        """Goes so many blocks forward, or back; ``again``: past what the press before led to."""
        if again and self._wait is not None and self._wait.reason == "asked":
            self._wait = None  # nobody wanted to hear it, so nobody waited for it
        self._go(t, self._place + step)

    def jump(self, t: float, far: float) -> None:
        """Goes to the start of another page of the chapter: the next (0), or further round it (towards 1)."""
        starts = [
            place
            for place, block in enumerate(self._chapter)
            if place == 0 or block.page != self._chapter[place - 1].page
        ]
        here = sum(start <= self._place for start in starts) - 1
        self._go(t, starts[(here + 1 + int(far * (len(starts) - 1))) % len(starts)])

    def change(self, t: float, voice: Voice) -> None:
        """Asks with another voice from now on: gives up speech that is on its way, and keeps nothing."""
        self.stop(t)
        self._give_up(self._downloads.give_up())
        self.voice = voice
        # Timings of the voice before are still out, but they are no longer those of what will be kept.
        self._timings = dict.fromkeys(self._timings, "")
        self._forget()
        self._go(t, self._place)

    def close(self, t: float) -> None:
        """The tab is closed: everything but the place and the voice is gone."""
        self._wants_sound = False
        self.stop(t)
        self._give_up((*self._downloads.give_up(), *self._timings))
        self._timings.clear()
        self._forget()

    def stop(self, t: float) -> None:
        """Ends what plays, or the wait for it."""
        if self.playback is not None:
            unhighlighted = self.playback.unhighlighted(t)
            if unhighlighted is not None:
                self._say(unhighlighted)
            self.playback = None
        if self._wait is not None:
            wait, self._wait = self._wait, None
            waited_s = max(0.0, t - wait.since)
            self._say(Played(self._chapter[self._place], t, "never", waited_s, wait.reason))

    def heard(self, now: float, result: Result) -> None:
        """Goes on with an answer that arrived at this time; one to somebody else's request is no matter."""
        match result:
            case SpeechArrived():
                self._speech_arrived(now, result)
            case SpeechFailed():
                self._speech_failed(now, result)
            case TimingsEnded():
                self._timings_ended(now, result)

    def _go(self, t: float, place: int) -> None:
        self.stop(t)
        self._place = place % len(self._chapter)
        if self._wants_sound:
            self._need(t, "asked")

    def _give_up(self, numbers: tuple[int, ...]) -> None:
        if numbers:
            self._say(Abort(numbers))

    def _forget(self) -> None:
        self._cache.clear()
        self._page = None

    def _need(self, t: float, reason: Reason) -> None:
        """The listener wants the block at the current place from now on."""
        self._wait = _Wait(t, reason)
        block = self._chapter[self._place]
        if block.page != self._page:
            self._page_begins(block.page, t)
        cached = self._cache.get(block.text_hash)
        if cached is None:
            self._downloads.ask(t, block, self.voice)
            return
        self._play(t, self._wait, cached)
        if asks_timings_live(self._mode) and not cached.timings_back:
            self._ask_timings(t, block, "whisper", cached.audio, repeat=True)

    def _page_begins(self, page: int, t: float) -> None:
        self._page = page
        if self._mode == "hybrid":
            self._say(MakeAhead(page, t, self.voice))

    def _play(self, t: float, wait: _Wait, cached: CachedSpeech) -> None:
        block = self._chapter[self._place]
        self._wait = None
        t = max(t, wait.since)
        source = "cache" if cached.played else cached.source
        cached.played = True
        length_s = cached.duration_s / self._timeline.pace
        self.playback = Playback(block, t, length_s, highlighted=cached.timings_back)
        self._say(Played(block, t, source, t - wait.since, wait.reason))
        self._await_end(self.playback)
        following = self._chapter[(self._place + 1) % len(self._chapter)]
        same_page = (following.page, following.block_index) == (block.page, block.block_index + 1)
        if same_page and following.text_hash not in self._cache:
            self._downloads.ask(t, following, self.voice)

    def _await_end(self, playback: Playback) -> None:
        ends_t = playback.ends_t
        assert ends_t is not None
        self._timeline.at(ends_t, lambda t: self._ended(t, playback))

    def _ended(self, t: float, playback: Playback) -> None:
        # What was paused or skipped meanwhile ends at another time, or has ended.
        if self.playback is playback and playback.ends_t == t:
            self.stop(t)
            self._place = (self._place + 1) % len(self._chapter)
            self._need(t, "next")

    def _waits_for(self, block: Block) -> bool:
        return self._wait is not None and self._chapter[self._place].text_hash == block.text_hash

    def _ask_timings(
        self, t: float, block: Block, route: Route, audio: object | None, *, repeat: bool
    ) -> None:
        number = next(self._numbers)
        self._timings[number] = block.text_hash
        self._say(FetchTimings(number, block, route, repeat, t, audio, self.voice))

    def _speech_arrived(self, now: float, result: SpeechArrived) -> None:
        download = self._downloads.arrived(result.number)
        if download is None:
            return
        block, live = download.block, download.source == "tts"
        asks_live = asks_timings_live(self._mode)
        source = "chunk" if not live else "live" if self._mode == "live" else "fallback"
        cached = CachedSpeech(
            source,
            data_uri_bytes(result.size_bytes),
            result.duration_s,
            audio=result.audio if asks_live else None,
        )
        self._cache.put(block.text_hash, cached)
        route: Route = "whisper" if live or asks_live else "timings"
        self._ask_timings(now, block, route, result.audio if route == "whisper" else None, repeat=False)
        if self._wait is not None and self._waits_for(block):
            self._play(now, self._wait, cached)

    def _speech_failed(self, now: float, result: SpeechFailed) -> None:
        given_up = self._downloads.failed(now, result.number, missing=result.missing)
        if given_up is not None and self._waits_for(given_up.block):
            wait = self._wait
            self._timeline.after(now, PLAY_AGAIN_AFTER_S, lambda t: self._press_play(t, wait))

    def _press_play(self, t: float, wait: _Wait | None) -> None:
        if self._wait is wait:
            self._downloads.ask(t, self._chapter[self._place], self.voice)

    def _timings_ended(self, now: float, result: TimingsEnded) -> None:
        text_hash = self._timings.pop(result.number, "")
        # Word timings are not retried; playing the block again asks again.
        if text_hash and result.ok:
            self._cache.timings_arrived(text_hash)
            if self.playback is not None and self.playback.block.text_hash == text_hash:
                self.playback.timings_came(now)
