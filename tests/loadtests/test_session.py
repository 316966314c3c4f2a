"""The steady reader, step by step; what other people do is in test_conduct.py and test_player.py."""

from collections.abc import Iterator, Sequence
from itertools import count

import pytest

from loadtests.actions import (
    Action,
    FetchAudio,
    FetchTimings,
    Finished,
    MakeAhead,
    Played,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    Unhighlighted,
    WakeAt,
)
from loadtests.chapters import Block, Voice
from loadtests.modes import Mode
from loadtests.session import Session

MP3 = object()
VOICE = Voice("alloy", 1.0)


def chapter_of(*pages: int) -> list[Block]:
    """Blocks of the given pages, a page number for each block."""
    seen: dict[int, Iterator[int]] = {}
    return [
        Block(page, index := next(seen.setdefault(page, count())), f"{page}.{index}", f"#{page}.{index}")
        for page in pages
    ]


def session_of(chapter: Sequence[Block], mode: Mode = "live", **more: float) -> Session:
    """A session of seed 1:0."""
    return Session(
        chapter,
        first=int(more.get("first", 0)),
        mode=mode,
        pace=more.get("pace", 1.0),
        session_s=more.get("session_s", 600.0),
        seed="1:0",
        voices=(VOICE,),
        cache_items=int(more.get("cache_items", 50)),
    )


def begin(session: Session) -> tuple[float, FetchAudio]:
    """Starts so that reading begins at about 0; gives that time and the first request, which is number 1."""
    begins_after_s = session._starts_after_s / session._timeline.pace
    (wake,) = session.start(-begins_after_s)
    assert isinstance(wake, WakeAt)
    first, _ = (action for action in session.woke(wake.t) if not isinstance(action, MakeAhead))
    assert isinstance(first, FetchAudio)
    return wake.t, first


def arrival(number: int, duration_s: float = 30.0) -> SpeechArrived:
    """Speech that was asked for with this number."""
    return SpeechArrived(number, 480_000, duration_s, MP3)


def without_wakes(actions: Sequence[Action]) -> list[Action]:
    """What is said, apart from when to wake and from highlighting that was late."""
    return [action for action in actions if not isinstance(action, WakeAt | Unhighlighted)]


def test_live_reading_follows_the_contract_step_by_step() -> None:
    """Speech, then at once timings, play and the next block ahead; timings again if late when it plays."""
    chapter = chapter_of(1, 1, 1)
    session = session_of(chapter)
    t0, first = begin(session)
    assert first == FetchAudio(1, chapter[0], "tts", 1, t0, ahead=False, voice=VOICE)
    assert session.arrived(t0 + 2, arrival(1)) == [
        FetchTimings(2, chapter[0], "whisper", repeat=False, intended_t=t0 + 2, audio=MP3, voice=VOICE),
        Played(chapter[0], t0 + 2, "live", 2.0, "first"),
        FetchAudio(3, chapter[1], "tts", 1, t0 + 2, ahead=True, voice=VOICE),
        WakeAt(t0 + 32),
    ]
    assert session.arrived(t0 + 5, arrival(3)) == [
        FetchTimings(4, chapter[1], "whisper", repeat=False, intended_t=t0 + 5, audio=MP3, voice=VOICE),
        WakeAt(t0 + 32),
    ]
    assert session.arrived(t0 + 9, TimingsEnded(2, ok=True)) == [WakeAt(t0 + 32)]
    assert session.woke(t0 + 32) == [
        Unhighlighted(chapter[0], t0 + 2, 7.0, never=False),
        Played(chapter[1], t0 + 32, "live", 0.0, "next"),
        FetchAudio(5, chapter[2], "tts", 1, t0 + 32, ahead=True, voice=VOICE),
        FetchTimings(6, chapter[1], "whisper", repeat=True, intended_t=t0 + 32, audio=MP3, voice=VOICE),
        WakeAt(t0 + 62),
    ]


def test_a_late_wake_up_does_not_move_the_audio_clock() -> None:
    """A generator that lags plays the block at the time it was due, and says when the request was meant."""
    chapter = chapter_of(1, 1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    session.arrived(t0 + 1, arrival(3))
    played, ahead, *_ = without_wakes(session.woke(t0 + 30.7))
    assert isinstance(played, Played)
    assert isinstance(ahead, FetchAudio)
    assert (played.at, played.waited_s, ahead.intended_t) == (t0 + 30, 0.0, t0 + 30)


@pytest.mark.parametrize(
    ("pages", "ahead"), [((1, 1), True), ((1, 2), False)], ids=["same page", "next page"]
)
def test_nothing_is_asked_ahead_across_a_page(pages: tuple[int, ...], *, ahead: bool) -> None:
    """The next block is asked for ahead on the same page, never across a page."""
    chapter = chapter_of(*pages)
    session = session_of(chapter)
    t0, _ = begin(session)
    actions = session.arrived(t0, arrival(1))
    assert any(isinstance(action, FetchAudio) for action in actions) == ahead


def test_a_wrap_to_the_start_of_the_same_page_is_not_asked_ahead() -> None:
    """From the last block back to the first is a jump, even on one page; the block comes from the cache."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    session.arrived(t0, TimingsEnded(2, ok=True))
    session.arrived(t0 + 1, arrival(3))
    session.arrived(t0 + 2, TimingsEnded(4, ok=True))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "live", 0.0, "next")]
    assert without_wakes(session.woke(t0 + 60)) == [Played(chapter[0], t0 + 60, "cache", 0.0, "next")]


def test_an_evicted_block_is_asked_for_again() -> None:
    """With room for one block only, wrapping asks for the first block anew."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, cache_items=1)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    (second,) = without_wakes(session.woke(t0 + 30))
    assert isinstance(second, FetchAudio)
    session.arrived(t0 + 30, arrival(second.number))
    (again,) = without_wakes(session.woke(t0 + 60))
    assert again == FetchAudio(5, chapter[0], "tts", 1, t0 + 60, ahead=False, voice=VOICE)


def test_cached_timings_are_asked_once_and_never_live() -> None:
    """In cached mode a chunk that arrives asks for its stored timings once, even if they never come back."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "cached")
    t0, first = begin(session)
    assert first.source == "chunk"
    timings, played, ahead, _ = session.arrived(t0, arrival(1))
    assert timings == FetchTimings(
        2, chapter[0], "timings", repeat=False, intended_t=t0, audio=None, voice=VOICE
    )
    assert isinstance(played, Played)
    assert played.source == "chunk"
    assert isinstance(ahead, FetchAudio)
    session.arrived(t0 + 1, arrival(ahead.number))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "chunk", 0.0, "next")]


def test_cached_to_the_letter_keeps_asking_live_timings() -> None:
    """With the plan taken to the letter, audio comes from disk and timings are asked live, and again."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "cached-to-the-letter")
    t0, first = begin(session)
    assert first.source == "chunk"
    timings, *_ = session.arrived(t0, arrival(1))
    assert timings == FetchTimings(
        2, chapter[0], "whisper", repeat=False, intended_t=t0, audio=MP3, voice=VOICE
    )
    session.arrived(t0 + 1, arrival(3))
    again = FetchTimings(5, chapter[1], "whisper", repeat=True, intended_t=t0 + 30, audio=MP3, voice=VOICE)
    assert again in session.woke(t0 + 30)


def test_hybrid_asks_for_a_page_and_the_next_as_the_page_begins() -> None:
    """The ask comes before the page's first block is fetched, once a page, at the time the page was due."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "hybrid")
    (drawn,) = session.start(0.0)
    assert isinstance(drawn, WakeAt)
    t0 = drawn.t
    assert without_wakes(session.woke(t0)) == [
        MakeAhead(1, t0, VOICE),
        FetchAudio(1, chapter[0], "chunk", 1, t0, ahead=False, voice=VOICE),
    ]
    session.arrived(t0, arrival(1))
    session.arrived(t0, arrival(3))
    late = [*session.woke(t0 + 30.4), *session.woke(t0 + 60.4)]
    assert without_wakes(late) == [
        Played(chapter[1], t0 + 30, "chunk", 0.0, "next"),
        MakeAhead(2, t0 + 60, VOICE),
        FetchAudio(5, chapter[2], "chunk", 1, t0 + 60, ahead=False, voice=VOICE),
    ]


def test_hybrid_asks_again_when_the_reader_comes_back_to_a_page() -> None:
    """Wrapping to an earlier page is a new visit, although its blocks are all in the client's cache."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, "hybrid")
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    session.woke(t0 + 30)
    session.arrived(t0 + 30, arrival(3))
    assert without_wakes(session.woke(t0 + 60)) == [
        MakeAhead(1, t0 + 60, VOICE),
        Played(chapter[0], t0 + 60, "cache", 0.0, "next"),
    ]


def test_failed_timings_are_asked_again_only_when_the_block_plays() -> None:
    """Timings that fail are not retried; playing the block from the cache asks again."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    session.arrived(t0 + 1, arrival(3))
    assert without_wakes(session.arrived(t0 + 2, TimingsEnded(4, ok=False))) == []
    assert any(isinstance(a, FetchTimings) and a.repeat for a in session.woke(t0 + 30))


@pytest.mark.parametrize("mode", ["cached", "hybrid", "cached-to-the-letter"])
def test_a_missing_chunk_falls_back_to_live_for_that_block(mode: Mode) -> None:
    """A 404 asks live at once, its timings live once; the next block is tried from disk again."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter, mode)
    t0, _ = begin(session)
    fallback = session.arrived(t0 + 1, SpeechFailed(1, missing=True))
    assert without_wakes(fallback) == [FetchAudio(2, chapter[0], "tts", 1, t0 + 1, ahead=False, voice=VOICE)]
    timings, played, ahead, _ = session.arrived(t0 + 3, arrival(2))
    assert timings == FetchTimings(
        3, chapter[0], "whisper", repeat=False, intended_t=t0 + 3, audio=MP3, voice=VOICE
    )
    assert played == Played(chapter[0], t0 + 3, "fallback", 3.0, "first")
    assert ahead == FetchAudio(4, chapter[1], "chunk", 1, t0 + 3, ahead=True, voice=VOICE)


@pytest.mark.parametrize("mode", ["cached", "hybrid"])
def test_a_fallbacks_timings_are_not_repeated_when_reading_from_the_store(mode: Mode) -> None:
    """A block that fell back ahead of time and plays before its timings are back does not ask again."""
    chapter = chapter_of(1, 1, 3)
    session = session_of(chapter, mode)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    session.arrived(t0 + 1, SpeechFailed(3, missing=True))
    session.arrived(t0 + 3, arrival(4))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "fallback", 0.0, "next")]


def test_three_failures_then_the_person_presses_play_again() -> None:
    """Attempts 1 s and 2 s apart, 5 s of nothing, a new first attempt, all divided by pace; one long wait."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, pace=5.0)
    t0, fetch = begin(session)
    sent: list[tuple[float, int]] = []
    t = t0
    for _ in range(3):
        (wake,) = session.arrived(t, SpeechFailed(fetch.number))
        assert isinstance(wake, WakeAt)
        asked, *_ = session.woke(wake.t)
        assert isinstance(asked, FetchAudio)
        sent.append((round(asked.intended_t - t0, 9), asked.attempt))
        t, fetch = wake.t, asked
    assert sent == [(0.2, 2), (0.6, 3), (1.6, 1)]
    _, played, *_ = session.arrived(t0 + 2, arrival(fetch.number))
    assert isinstance(played, Played)
    assert played.waited_s == pytest.approx(2.0)


def test_a_failed_request_ahead_is_dropped_and_asked_anew_when_needed() -> None:
    """After three failures ahead of time nothing is pressed; the block is asked for when it is needed."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    for t, number in ((1.0, 3), (2.0, 4), (4.0, 5)):
        session.arrived(t0 + t, SpeechFailed(number))
    assert session.woke(t0 + 29) == [WakeAt(t0 + 30)]
    assert without_wakes(session.woke(t0 + 30)) == [
        FetchAudio(6, chapter[1], "tts", 1, t0 + 30, ahead=False, voice=VOICE)
    ]


def test_a_block_still_awaited_at_the_end_is_not_forgotten() -> None:
    """Silence that lasts until the session ends is told, with its length so far."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter, session_s=10.0)
    t0, _ = begin(session)
    assert session.woke(t0 + 99) == [Played(chapter[0], t0 + 10, "never", 10.0, "first"), Finished()]
    assert session.finished
    assert session.arrived(t0 + 100, arrival(1)) == []


def test_leaving_early_ends_the_session_once() -> None:
    """A person who leaves while listening finishes without silence, and nothing follows."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(1))
    assert session.left(t0 + 3) == [Unhighlighted(chapter[0], t0, 3.0, never=True), Finished()]
    assert session.left(t0 + 4) == []
    assert session.woke(t0 + 999) == []


def test_starts_are_drawn_within_five_session_seconds_by_seed() -> None:
    """Different seeds start at different times, all within 5 s divided by the pace."""
    chapter = chapter_of(1)

    def start(seed: str) -> float:
        session = Session(chapter, first=0, mode="live", pace=5.0, session_s=600, seed=seed, voices=(VOICE,))
        (wake,) = session.start(0.0)
        assert isinstance(wake, WakeAt)
        return wake.t

    starts = [start(f"1:{number}") for number in range(50)]
    assert start("1:0") == starts[0]
    assert len(set(starts)) == 50
    assert 0 <= min(starts) < 0.2
    assert 0.8 < max(starts) <= 1.0
