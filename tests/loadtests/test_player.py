"""The application in one tab, told what to do."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.actions import (
    Abort,
    Action,
    FetchAudio,
    FetchTimings,
    MakeAhead,
    Played,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    Unhighlighted,
)
from loadtests.chapters import Block, Voice
from loadtests.modes import Mode
from loadtests.player import Player
from loadtests.timeline import Timeline

ALLOY, NOVA = Voice("alloy", 1.0), Voice("nova", 1.25)

untimed = settings(deadline=None)  # these cores are shared


def chapter_of(*pages: int) -> list[Block]:
    """Blocks of the given pages, a page number for each block."""
    seen: dict[int, Iterator[int]] = {}
    return [
        Block(page, index := next(seen.setdefault(page, count())), f"{page}.{index}", f"#{page}.{index}")
        for page in pages
    ]


class Tab:
    """A player with a timeline of its own, whose actions are taken as they are asked for."""

    def __init__(
        self, chapter: Sequence[Block], mode: Mode = "live", pace: float = 1.0, place: int = 0
    ) -> None:
        self.timeline = Timeline(pace)
        self._said: list[Action] = []
        self.player = Player(
            chapter,
            place,
            mode,
            ALLOY,
            cache_items=50,
            timeline=self.timeline,
            numbers=count(1),
            say=self._said.append,
        )

    def said(self, now: float | None = None) -> list[Action]:
        """What has been said since it was last asked for, after what is due by now."""
        if now is not None:
            self.timeline.run_due(now)
        said = self._said.copy()
        self._said.clear()
        return said

    def arrives(self, now: float, number: int, duration_s: float = 30.0) -> list[Action]:
        """What follows from speech that arrives."""
        self.timeline.run_due(now)
        self.player.heard(now, SpeechArrived(number, 480_000, duration_s, "MP3"))
        return self.said()

    def fails(self, now: float, number: int) -> list[Action]:
        """What follows from speech that does not come."""
        self.timeline.run_due(now)
        self.player.heard(now, SpeechFailed(number))
        return self.said()

    def timings_end(self, now: float, number: int, *, ok: bool = True) -> None:
        """Timings arrive, or fail."""
        self.player.heard(now, TimingsEnded(number, ok=ok))


def plays(tab: Tab) -> Tab:
    """The tab with its first block playing since 0, and the one after it asked for as number 3."""
    tab.player.play(0.0, "next")
    tab.arrives(0.0, 1)
    return tab


def test_a_pause_stops_the_audio_clock_and_nothing_is_asked_when_it_goes_on() -> None:
    """12 s heard, paused for 100 s, the other 18 s heard: the block ends at 130, and only then plays the next."""
    chapter = chapter_of(1, 1)
    tab = plays(Tab(chapter))
    tab.arrives(1.0, 3)
    tab.player.pause(12.0)
    assert tab.said(112.0) == []
    tab.player.play(112.0, "asked")
    assert tab.said(129.9) == []
    later = tab.said(130.0)
    assert Played(chapter[1], 130.0, "live", 0.0, "next") in later


def test_what_was_asked_before_a_pause_is_kept_and_asked_again_if_it_fails() -> None:
    """A paused player finishes what it has sent: it keeps what arrives, and tries again what fails."""
    chapter = chapter_of(1, 1, 1)
    tab = plays(Tab(chapter))
    tab.player.pause(1.0)
    tab.player.heard(2.0, SpeechFailed(3))
    assert tab.said(3.0) == [FetchAudio(4, chapter[1], "tts", 2, 3.0, ahead=True, voice=ALLOY)]
    (timings,) = tab.arrives(4.0, 4)
    assert isinstance(timings, FetchTimings)
    tab.player.play(10.0, "asked")
    assert Played(chapter[1], 39.0, "live", 0.0, "next") in tab.said(39.0)


def test_a_wait_ends_with_a_pause_and_what_arrives_then_does_not_play() -> None:
    """Silence until the pause is told; speech that comes meanwhile plays when the person asks."""
    chapter = chapter_of(1, 2)
    tab = Tab(chapter)
    tab.player.play(0.0, "next")
    tab.player.pause(4.0)
    assert tab.said()[1:] == [Played(chapter[0], 4.0, "never", 4.0, "next")]
    assert not any(isinstance(action, Played) for action in tab.arrives(5.0, 1))
    tab.player.play(9.0, "asked")
    assert tab.said()[0] == Played(chapter[0], 9.0, "live", 0.0, "asked")


def test_a_skip_cuts_the_block_and_waits_for_the_one_that_is_on_its_way() -> None:
    """The block asked for ahead is not asked for twice, nor given up; the wait counts from the press."""
    chapter = chapter_of(1, 1, 1)
    tab = plays(Tab(chapter))
    tab.player.skip(5.0, 1)
    assert tab.said() == [Unhighlighted(chapter[0], 0.0, 5.0, never=True)]
    _, played, ahead = tab.arrives(7.0, 3)
    assert played == Played(chapter[1], 7.0, "live", 2.0, "asked")
    assert ahead == FetchAudio(5, chapter[2], "tts", 1, 7.0, ahead=True, voice=ALLOY)
    assert tab.said(30.0) == []


def test_skipping_past_a_block_that_is_awaited_lets_its_request_go_on() -> None:
    """The wait for it is told as never; its speech is kept when it comes, and back there it plays at once."""
    chapter = chapter_of(1, 2, 3)
    tab = Tab(chapter)
    tab.player.play(0.0, "next")
    tab.said()
    tab.player.skip(1.5, 1)
    never, asked = tab.said()
    assert never == Played(chapter[0], 1.5, "never", 1.5, "next")
    assert asked == FetchAudio(2, chapter[1], "tts", 1, 1.5, ahead=False, voice=ALLOY)
    tab.arrives(2.0, 1)
    tab.player.skip(3.0, -1)
    never, played, _ = tab.said()
    assert never == Played(chapter[1], 3.0, "never", 1.5, "asked")
    assert played == Played(chapter[0], 3.0, "live", 0.0, "asked")


@pytest.mark.parametrize(("place", "step", "there"), [(0, 1, 1), (2, 1, 0), (1, -1, 0), (0, -1, 2)])
def test_skips_go_round_the_chapter(place: int, step: int, there: int) -> None:
    """After the last block comes the first, and before the first the last."""
    chapter = chapter_of(1, 2, 3)
    tab = Tab(chapter, place=place)
    tab.player.play(0.0, "next")
    tab.said()
    tab.player.skip(1.0, step)
    asked = tab.said()[-1]
    assert isinstance(asked, FetchAudio)
    assert asked.block == chapter[there]


@pytest.mark.parametrize(
    ("place", "far", "there"),
    [(1, 0.0, 2), (1, 0.49, 2), (1, 0.5, 4), (3, 0.0, 4), (5, 0.0, 0), (5, 0.99, 2)],
)
def test_a_jump_leads_to_the_start_of_another_page(place: int, far: float, there: int) -> None:
    """Of pages 1 1 2 2 3 3 every one but the own can be reached, the next one first."""
    chapter = chapter_of(1, 1, 2, 2, 3, 3)
    tab = Tab(chapter, place=place)
    tab.player.play(0.0, "next")
    tab.player.jump(1.0, far)
    asked = tab.said()[-1]
    assert isinstance(asked, FetchAudio)
    assert asked.block == chapter[there]


def test_a_jump_on_the_only_page_leads_to_its_start() -> None:
    """There is no other page; the block is the first one."""
    chapter = chapter_of(1, 1, 1)
    tab = Tab(chapter, place=2)
    tab.player.play(0.0, "next")
    tab.player.jump(1.0, 0.7)
    asked = tab.said()[-1]
    assert isinstance(asked, FetchAudio)
    assert asked.block == chapter[0]


def test_another_voice_gives_up_speech_on_its_way_and_drops_what_is_kept() -> None:
    """The same block from its start with the new voice; timings that are out are not given up."""
    chapter = chapter_of(1, 1)
    tab = plays(Tab(chapter))
    tab.player.change(5.0, NOVA)
    assert tab.said() == [
        Unhighlighted(chapter[0], 0.0, 5.0, never=True),
        Abort((3,)),
        FetchAudio(4, chapter[0], "tts", 1, 5.0, ahead=False, voice=NOVA),
    ]
    assert tab.arrives(6.0, 3) == []
    timings, played, ahead = tab.arrives(8.0, 4)
    assert timings == FetchTimings(
        5, chapter[0], "whisper", repeat=False, intended_t=8.0, audio="MP3", voice=NOVA
    )
    assert played == Played(chapter[0], 8.0, "live", 3.0, "asked")
    assert isinstance(ahead, FetchAudio)
    assert ahead.voice == NOVA


def test_timings_of_the_voice_before_highlight_nothing() -> None:
    """What the old voice's aligner answers is not when the new voice says its words."""
    chapter = chapter_of(1)
    tab = plays(Tab(chapter))
    tab.player.change(5.0, NOVA)
    tab.arrives(6.0, 3)
    tab.said()
    tab.timings_end(7.0, 2)
    assert tab.said(36.0)[0] == Unhighlighted(chapter[0], 6.0, 30.0, never=True)


def test_a_voice_changed_during_a_pause_is_asked_for_when_it_plays_on() -> None:
    """Nothing is asked while paused, and what was half heard begins anew."""
    chapter = chapter_of(1, 2)
    tab = plays(Tab(chapter))
    tab.player.pause(2.0)
    tab.player.change(3.0, NOVA)
    assert tab.said() == [Unhighlighted(chapter[0], 0.0, 2.0, never=True)]
    tab.player.play(9.0, "asked")
    assert tab.said() == [FetchAudio(3, chapter[0], "tts", 1, 9.0, ahead=False, voice=NOVA)]


def test_hybrid_asks_for_the_page_with_the_new_voice() -> None:
    """Pages made ahead with the old voice are of no use."""
    chapter = chapter_of(1, 1)
    tab = plays(Tab(chapter, "hybrid"))
    tab.player.change(5.0, NOVA)
    assert [action for action in tab.said() if isinstance(action, MakeAhead)] == [MakeAhead(1, 5.0, NOVA)]


def test_a_closed_tab_gives_up_everything_and_begins_at_the_same_block() -> None:
    """Speech and timings on their way are given up, nothing is kept; reading goes on where it was."""
    chapter = chapter_of(1, 1, 1)
    tab = plays(Tab(chapter))
    tab.player.skip(4.0, 1)
    tab.said()
    tab.player.close(5.0)
    assert tab.said() == [Played(chapter[1], 5.0, "never", 1.0, "asked"), Abort((3, 2))]
    assert tab.arrives(6.0, 3) == []
    tab.player.play(60.0, "asked")
    assert tab.said() == [FetchAudio(4, chapter[1], "tts", 1, 60.0, ahead=False, voice=ALLOY)]


def test_closing_a_tab_that_waits_for_nothing_gives_up_nothing() -> None:
    """With every answer in, there is nothing to give up."""
    tab = plays(Tab(chapter_of(1)))
    tab.timings_end(1.0, 2)
    tab.player.close(5.0)
    assert not any(isinstance(action, Abort) for action in tab.said())


def test_a_retry_that_was_waiting_is_given_up_with_its_block() -> None:
    """A closed tab asks for nothing when the time of the next attempt comes."""
    tab = Tab(chapter_of(1))
    tab.player.play(0.0, "next")
    tab.player.heard(1.0, SpeechFailed(1))
    tab.player.close(1.5)
    assert [type(action) for action in tab.said(60.0)] == [FetchAudio, Played]


def test_who_has_moved_on_does_not_press_play_for_the_block_before() -> None:
    """Three attempts failed and play would be pressed after 5 s; back at a block that is kept, nothing is asked."""
    tab = plays(Tab(chapter_of(1, 2)))
    for now, number in ((30.0, 3), (31.0, 4), (33.0, 5)):
        tab.said(now)
        tab.fails(now, number)
    tab.player.skip(34.0, -1)
    assert not any(isinstance(action, FetchAudio) for action in tab.said(60.0))


def test_highlighting_is_late_by_what_was_heard_without_it() -> None:
    """Timings that come 3 s into a pause of 50 s, after 10 s of playing, were late by 10 s."""
    chapter = chapter_of(1)
    tab = plays(Tab(chapter))
    tab.player.pause(10.0)
    tab.timings_end(13.0, 2)
    tab.player.play(60.0, "asked")
    assert tab.said(80.0)[0] == Unhighlighted(chapter[0], 0.0, 10.0, never=False)


def test_a_block_whose_timings_were_there_when_it_began_is_highlighted() -> None:
    """Nothing is told of it, then or at its end."""
    chapter = chapter_of(1, 1, 2)
    tab = plays(Tab(chapter))
    tab.arrives(1.0, 3)
    tab.timings_end(2.0, 4)
    tab.said(30.0)
    assert not any(isinstance(action, Unhighlighted) for action in tab.said(60.0))


Name = Literal["play", "pause", "skip", "skip back", "next page", "change", "close"]
commands = st.lists(st.tuples(st.floats(0, 20), st.sampled_from(get_args(Name))), max_size=25)
latencies = st.lists(st.tuples(st.floats(0, 40), st.booleans()), min_size=1, max_size=7)


def give(player: Player, t: float, name: Name) -> None:
    """Gives the player a command."""
    match name:
        case "play":
            player.play(t, "asked")
        case "pause":
            player.pause(t)
        case "skip" | "skip back":
            player.skip(t, 1 if name == "skip" else -1)
        case "next page":
            player.jump(t, 0.0)
        case "change":
            player.change(t, ALLOY if player.voice == NOVA else NOVA)
        case "close":
            player.close(t)


def after(name: Name, place: int, chapter: Sequence[Block]) -> int:
    """Where a person at this place is after a command."""
    match name:
        case "skip" | "skip back":
            return (place + (1 if name == "skip" else -1)) % len(chapter)
        case "next page":
            later = (at for at, block in enumerate(chapter) if block.page > chapter[place].page)
            return next(later, 0)
        case _:
            return place


def followed(said: Sequence[Action], chapter: Sequence[Block], place: int, name: Name | None = None) -> int:
    """Where the person is now, who was at this place; holds the blocks that play against it."""
    for play in (action for action in said if isinstance(action, Played)):
        if name is not None and play.source != "never":
            place, name = after(name, place, chapter), None
        place = (place + (play.reason == "next")) % len(chapter)
        assert play.block == chapter[place]
    return place if name is None else after(name, place, chapter)


@untimed
@given(st.lists(st.integers(1, 4), min_size=1, max_size=8).map(sorted), commands, latencies)
def test_every_block_is_the_next_one_or_the_one_that_was_asked_for(
    pages: list[int], orders: list[tuple[float, Name]], answers: list[tuple[float, bool]]
) -> None:
    """Held against a model that knows only where the person is; who does not want to listen hears nothing."""
    chapter = chapter_of(*pages)
    tab, place, now, outcomes = Tab(chapter), 0, 0.0, cycle(answers)
    coming: list[tuple[float, int, bool]] = []

    def heed(said: Sequence[Action], name: Name | None = None) -> None:
        nonlocal place
        place = followed(said, chapter, place, name)
        for action in said:
            if isinstance(action, FetchAudio):
                latency_s, ok = next(outcomes)
                heapq.heappush(coming, (now + latency_s, action.number, ok))
            if isinstance(action, Played) and action.source != "never":
                assert tab.player._wants_sound

    for wait_s, name in [(0.0, "play"), *orders, (100.0, "pause")]:
        until = now + wait_s
        while (now := min(until, coming[0][0] if coming else until)) < until:
            _, number, ok = heapq.heappop(coming)
            heed(tab.said(now))
            heed(tab.arrives(now, number) if ok else tab.fails(now, number))
        heed(tab.said(now))
        give(tab.player, now, name)
        heed(tab.said(), name)
    assert not any(isinstance(action, Played) for action in tab.said(now + 1000.0))
