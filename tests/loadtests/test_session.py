import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle, groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.actions import (
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
    WakeAt,
)
from loadtests.chapters import Block
from loadtests.session import MODES, Mode, Session, retry_wait_s

MP3 = object()


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
        cache_items=int(more.get("cache_items", 50)),
    )


def begin(session: Session) -> tuple[float, FetchAudio]:
    """Starts so that reading begins at exactly 0; gives that time and the first request."""
    (drawn,) = session_of(session._chapter, pace=session._pace).start(0.0)
    assert isinstance(drawn, WakeAt)
    (wake,) = session.start(-drawn.t)
    assert isinstance(wake, WakeAt)
    first, _ = (action for action in session.woke(wake.t) if not isinstance(action, MakeAhead))
    assert isinstance(first, FetchAudio)
    return wake.t, first


def arrival(block: Block, source: str = "tts", duration_s: float = 30.0) -> SpeechArrived:
    """Speech of a block, as it arrives."""
    return SpeechArrived(block, "chunk" if source == "chunk" else "tts", 480_000, duration_s, MP3)


def without_wakes(actions: Sequence[Action]) -> list[Action]:
    """What is said, apart from when to wake."""
    return [action for action in actions if not isinstance(action, WakeAt)]


def test_live_reading_follows_the_contract_step_by_step() -> None:
    """Speech, then at once timings, play and the next block ahead; timings again if late when it plays."""
    chapter = chapter_of(1, 1, 1)
    session = session_of(chapter)
    t0, first = begin(session)
    assert first == FetchAudio(chapter[0], "tts", 1, t0, ahead=False)
    assert session.arrived(t0 + 2, arrival(chapter[0])) == [
        FetchTimings(chapter[0], "whisper", repeat=False, intended_t=t0 + 2, audio=MP3),
        Played(chapter[0], t0 + 2, "live", 2.0, first=True),
        FetchAudio(chapter[1], "tts", 1, t0 + 2, ahead=True),
        WakeAt(t0 + 32),
    ]
    assert session.arrived(t0 + 5, arrival(chapter[1])) == [
        FetchTimings(chapter[1], "whisper", repeat=False, intended_t=t0 + 5, audio=MP3),
        WakeAt(t0 + 32),
    ]
    assert session.arrived(t0 + 9, TimingsEnded(chapter[0], ok=True)) == [WakeAt(t0 + 32)]
    assert session.woke(t0 + 32) == [
        Played(chapter[1], t0 + 32, "live", 0.0, first=False),
        FetchAudio(chapter[2], "tts", 1, t0 + 32, ahead=True),
        FetchTimings(chapter[1], "whisper", repeat=True, intended_t=t0 + 32, audio=MP3),
        WakeAt(t0 + 62),
    ]


def test_a_late_wake_up_does_not_move_the_audio_clock() -> None:
    """A generator that lags plays the block at the time it was due, and says when the request was meant."""
    chapter = chapter_of(1, 1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    session.arrived(t0 + 1, arrival(chapter[1]))
    played, ahead, *_ = session.woke(t0 + 30.7)
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
    actions = session.arrived(t0, arrival(chapter[0]))
    assert any(isinstance(action, FetchAudio) for action in actions) == ahead


def test_a_wrap_to_the_start_of_the_same_page_is_not_asked_ahead() -> None:
    """From the last block back to the first is a jump, even on one page; the block comes from the cache."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    session.arrived(t0, TimingsEnded(chapter[0], ok=True))
    session.arrived(t0 + 1, arrival(chapter[1]))
    session.arrived(t0 + 2, TimingsEnded(chapter[1], ok=True))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "live", 0.0, first=False)]
    assert without_wakes(session.woke(t0 + 60)) == [Played(chapter[0], t0 + 60, "cache", 0.0, first=False)]


def test_an_evicted_block_is_asked_for_again() -> None:
    """With room for one block only, wrapping asks for the first block anew."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, cache_items=1)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    session.woke(t0 + 30)
    session.arrived(t0 + 30, arrival(chapter[1]))
    assert without_wakes(session.woke(t0 + 60)) == [FetchAudio(chapter[0], "tts", 1, t0 + 60, ahead=False)]


def test_cached_timings_are_asked_once_and_never_live() -> None:
    """In cached mode a chunk that arrives asks for its stored timings once, even if they never come back."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "cached")
    t0, first = begin(session)
    assert first.source == "chunk"
    timings, played, _, _ = session.arrived(t0, arrival(chapter[0], "chunk"))
    assert timings == FetchTimings(chapter[0], "timings", repeat=False, intended_t=t0, audio=None)
    assert isinstance(played, Played)
    assert played.source == "chunk"
    session.arrived(t0 + 1, arrival(chapter[1], "chunk"))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "chunk", 0.0, first=False)]


def test_cached_to_the_letter_keeps_asking_live_timings() -> None:
    """With the plan taken to the letter, audio comes from disk and timings are asked live, and again."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "cached-to-the-letter")
    t0, first = begin(session)
    assert first.source == "chunk"
    timings, *_ = session.arrived(t0, arrival(chapter[0], "chunk"))
    assert timings == FetchTimings(chapter[0], "whisper", repeat=False, intended_t=t0, audio=MP3)
    session.arrived(t0 + 1, arrival(chapter[1], "chunk"))
    again = FetchTimings(chapter[1], "whisper", repeat=True, intended_t=t0 + 30, audio=MP3)
    assert again in session.woke(t0 + 30)


def test_hybrid_asks_for_a_page_and_the_next_as_the_page_begins() -> None:
    """The ask comes before the page's first block is fetched, once a page, at the time the page was due."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter, "hybrid")
    (drawn,) = session.start(0.0)
    assert isinstance(drawn, WakeAt)
    t0 = drawn.t
    assert without_wakes(session.woke(t0)) == [
        MakeAhead(1, t0),
        FetchAudio(chapter[0], "chunk", 1, t0, ahead=False),
    ]
    session.arrived(t0, arrival(chapter[0], "chunk"))
    session.arrived(t0, arrival(chapter[1], "chunk"))
    late = [*session.woke(t0 + 30.4), *session.woke(t0 + 60.4)]
    assert without_wakes(late) == [
        Played(chapter[1], t0 + 30, "chunk", 0.0, first=False),
        MakeAhead(2, t0 + 60),
        FetchAudio(chapter[2], "chunk", 1, t0 + 60, ahead=False),
    ]


def test_hybrid_asks_again_when_the_reader_comes_back_to_a_page() -> None:
    """Wrapping to an earlier page is a new visit, although its blocks are all in the client's cache."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, "hybrid")
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0], "chunk"))
    session.woke(t0 + 30)
    session.arrived(t0 + 30, arrival(chapter[1], "chunk"))
    assert without_wakes(session.woke(t0 + 60)) == [
        MakeAhead(1, t0 + 60),
        Played(chapter[0], t0 + 60, "cache", 0.0, first=False),
    ]


def test_failed_timings_are_asked_again_only_when_the_block_plays() -> None:
    """Timings that fail are not retried; playing the block from the cache asks again."""
    chapter = chapter_of(1, 1, 2)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    session.arrived(t0 + 1, arrival(chapter[1]))
    assert without_wakes(session.arrived(t0 + 2, TimingsEnded(chapter[1], ok=False))) == []
    assert any(isinstance(a, FetchTimings) and a.repeat for a in session.woke(t0 + 30))


@pytest.mark.parametrize("mode", ["cached", "hybrid", "cached-to-the-letter"])
def test_a_missing_chunk_falls_back_to_live_for_that_block(mode: Mode) -> None:
    """A 404 asks live at once, its timings live once; the next block is tried from disk again."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter, mode)
    t0, _ = begin(session)
    fallback = session.arrived(t0 + 1, SpeechFailed(chapter[0], missing=True))
    assert without_wakes(fallback) == [FetchAudio(chapter[0], "tts", 1, t0 + 1, ahead=False)]
    timings, played, ahead, _ = session.arrived(t0 + 3, arrival(chapter[0]))
    assert timings == FetchTimings(chapter[0], "whisper", repeat=False, intended_t=t0 + 3, audio=MP3)
    assert played == Played(chapter[0], t0 + 3, "fallback", 3.0, first=True)
    assert ahead == FetchAudio(chapter[1], "chunk", 1, t0 + 3, ahead=True)


@pytest.mark.parametrize("mode", ["cached", "hybrid"])
def test_a_fallbacks_timings_are_not_repeated_when_reading_from_the_store(mode: Mode) -> None:
    """A block that fell back ahead of time and plays before its timings are back does not ask again."""
    chapter = chapter_of(1, 1, 3)
    session = session_of(chapter, mode)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0], "chunk"))
    session.arrived(t0 + 1, SpeechFailed(chapter[1], missing=True))
    session.arrived(t0 + 3, arrival(chapter[1]))
    assert without_wakes(session.woke(t0 + 30)) == [Played(chapter[1], t0 + 30, "fallback", 0.0, first=False)]


def test_waits_before_retries_double_up_to_five_seconds() -> None:
    """1, 2, 4, then never more than 5 session seconds."""
    assert [retry_wait_s(failed) for failed in (1, 2, 3, 4, 9)] == [1, 2, 4, 5, 5]


def test_three_failures_then_the_person_presses_play_again() -> None:
    """Attempts 1 s and 2 s apart, 5 s of nothing, a new first attempt, all divided by pace; one long wait."""
    chapter = chapter_of(1, 2)
    session = session_of(chapter, pace=5.0)
    t0, _ = begin(session)
    sent: list[tuple[float, int]] = []
    t = t0
    for _ in range(3):
        (wake,) = session.arrived(t, SpeechFailed(chapter[0]))
        assert isinstance(wake, WakeAt)
        fetch, *_ = session.woke(wake.t)
        assert isinstance(fetch, FetchAudio)
        sent.append((round(fetch.intended_t - t0, 9), fetch.attempt))
        t = wake.t
    assert sent == [(0.2, 2), (0.6, 3), (1.6, 1)]
    _, played, *_ = session.arrived(t0 + 2, arrival(chapter[0]))
    assert isinstance(played, Played)
    assert played.waited_s == pytest.approx(2.0)


def test_a_failed_request_ahead_is_dropped_and_asked_anew_when_needed() -> None:
    """After three failures ahead of time nothing is pressed; the block is asked for when it is needed."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    for t in (1.0, 2.0, 4.0):
        session.arrived(t0 + t, SpeechFailed(chapter[1]))
    assert session.woke(t0 + 29) == [WakeAt(t0 + 30)]
    assert without_wakes(session.woke(t0 + 30)) == [FetchAudio(chapter[1], "tts", 1, t0 + 30, ahead=False)]


def test_a_block_still_awaited_at_the_end_is_not_forgotten() -> None:
    """Silence that lasts until the session ends is told, with its length so far."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter, session_s=10.0)
    t0, _ = begin(session)
    assert session.woke(t0 + 99) == [Played(chapter[0], t0 + 10, "never", 10.0, first=True), Finished()]
    assert session.finished
    assert session.arrived(t0 + 100, arrival(chapter[0])) == []


def test_leaving_early_ends_the_session_once() -> None:
    """A person who leaves while listening finishes without silence, and nothing follows."""
    chapter = chapter_of(1, 1)
    session = session_of(chapter)
    t0, _ = begin(session)
    session.arrived(t0, arrival(chapter[0]))
    assert session.left(t0 + 3) == [Finished()]
    assert session.left(t0 + 4) == []
    assert session.woke(t0 + 999) == []


def test_starts_are_drawn_within_five_session_seconds_by_seed() -> None:
    """Different seeds start at different times, all within 5 s divided by the pace."""
    chapter = chapter_of(1)

    def start(seed: str) -> float:
        session = Session(chapter, first=0, mode="live", pace=5.0, session_s=600, seed=seed)
        (wake,) = session.start(0.0)
        assert isinstance(wake, WakeAt)
        return wake.t

    starts = [start(f"1:{number}") for number in range(50)]
    assert start("1:0") == starts[0]
    assert len(set(starts)) == 50
    assert 0 <= min(starts) < 0.2
    assert 0.8 < max(starts) <= 1.0


@dataclass(frozen=True)
class World:
    """How a simulated server behaves: seconds until each answer in turn, and which speech requests fail."""

    latencies: Sequence[float]
    failures: Sequence[str]
    durations: Sequence[float]


def play_out(session: Session, world: World) -> list[tuple[float, Action | Result]]:
    """Runs a session against a simulated server; gives, with its time, all that was said and heard."""
    latencies, failures, durations = cycle(world.latencies), cycle(world.failures), cycle(world.durations)
    order = count()
    arrivals: list[tuple[float, int, Result]] = []
    said: list[tuple[float, Action | Result]] = []
    wake = 0.0

    def hear(now: float, actions: Sequence[Action]) -> None:
        nonlocal wake
        for action in actions:
            said.append((now, action))
            match action:
                case WakeAt(t):
                    wake = t
                case FetchAudio():
                    result: Result = SpeechArrived(action.block, action.source, 1000, next(durations), MP3)
                    if (failure := next(failures)) != "ok":
                        result = SpeechFailed(action.block, missing=failure == "missing")
                    heapq.heappush(arrivals, (now + next(latencies), next(order), result))
                case FetchTimings():
                    ended = TimingsEnded(action.block, ok=next(failures) == "ok")
                    heapq.heappush(arrivals, (now + next(latencies), next(order), ended))

    hear(0.0, session.start(0.0))
    while not session.finished:
        if arrivals and arrivals[0][0] < wake:
            now, _, result = heapq.heappop(arrivals)
            said.append((now, result))
            hear(now, session.arrived(now, result))
        else:
            hear(wake, session.woke(wake))
    return said


worlds = st.builds(
    World,
    st.lists(st.integers(0, 60_000).map(lambda ms: ms / 1000), min_size=1, max_size=7),
    st.lists(st.sampled_from(["ok", "ok", "ok", "failed", "missing"]), min_size=1, max_size=7),
    st.lists(st.floats(1, 40), min_size=1, max_size=5),
)
page_lists = st.lists(st.integers(1, 4), min_size=1, max_size=8).map(sorted)
chapters = page_lists.map(lambda pages: chapter_of(*pages))
paces = st.sampled_from([1.0, 5.0, 10.0])


@given(chapters, worlds, st.sampled_from(MODES), paces, st.integers(0, 9), st.integers(1, 50))
def test_laws_of_every_session(
    chapter: list[Block], world: World, mode: Mode, pace: float, first: int, cache_items: int
) -> None:
    """Whatever the server does: blocks play in order, one at a time, on a clock that never runs back."""
    session = session_of(chapter, mode, pace=pace, first=first, session_s=200.0, cache_items=cache_items)
    said = play_out(session, world)
    plays = [action for _, action in said if isinstance(action, Played)]
    heard = [play for play in plays if play.source != "never"]
    for place, play in enumerate(plays):
        assert play.block == chapter[(first + place) % len(chapter)]
        assert play.first == (place == 0)
        assert play.waited_s >= 0
    assert plays[:-1] == heard[: len(plays) - 1]
    shortest = min(world.durations) / pace
    assert all(later.at - earlier.at >= shortest - 1e-9 for earlier, later in pairwise(heard))
    asked = [(t, action) for t, action in said if isinstance(action, FetchAudio | FetchTimings)]
    assert all(action.intended_t <= t for t, action in asked)
    assert isinstance(said[-1][1], Finished)
    assert said[-1][0] <= (200.0 + 5.0) / pace + 1e-9
    assert sum(isinstance(action, Finished) for _, action in said) == 1


@given(chapters, worlds, st.sampled_from(MODES), paces)
def test_one_block_is_asked_at_a_time(chapter: list[Block], world: World, mode: Mode, pace: float) -> None:
    """Never two speech requests are out at once; retries follow their own block, at most three attempts."""
    said = [action for _, action in play_out(session_of(chapter, mode, pace=pace, session_s=200.0), world)]
    out = 0
    for action in said:
        out += isinstance(action, FetchAudio) - isinstance(action, SpeechArrived | SpeechFailed)
        assert out <= 1
    requests = [action for action in said if isinstance(action, FetchAudio)]
    retries = [action for action in requests if action.attempt > 1]
    assert all(retry.attempt <= 3 for retry in retries)
    for earlier, later in pairwise(requests):
        if earlier.attempt < later.attempt:
            assert earlier.block == later.block
            assert earlier.source == later.source
    if mode == "live":
        assert all(request.source == "tts" for request in requests)
    if mode in {"cached", "hybrid"}:
        assert not any(isinstance(action, FetchTimings) and action.repeat for action in said)


@given(chapters, worlds, paces, st.integers(0, 9), st.integers(1, 50))
def test_hybrid_differs_from_cached_only_by_asking_for_each_page_once_a_visit(
    chapter: list[Block], world: World, pace: float, first: int, cache_items: int
) -> None:
    """Without its asks a hybrid session is the cached one to the letter; its asks are the pages in turn."""
    hybrid, cached = (
        play_out(session_of(chapter, mode, pace=pace, first=first, cache_items=cache_items), world)
        for mode in ("hybrid", "cached")
    )
    assert [said for said in hybrid if not isinstance(said[1], MakeAhead)] == cached
    plays = [action for _, action in hybrid if isinstance(action, Played)]
    asks = [action for _, action in hybrid if isinstance(action, MakeAhead)]
    assert [ask.page for ask in asks] == [page for page, _ in groupby(play.block.page for play in plays)]


@given(chapters, worlds, st.sampled_from(MODES), paces)
def test_only_hybrid_asks_for_pages(chapter: list[Block], world: World, mode: Mode, pace: float) -> None:
    """Every other mode leaves pre-generation alone."""
    said = [action for _, action in play_out(session_of(chapter, mode, pace=pace, session_s=200.0), world)]
    assert any(isinstance(action, MakeAhead) for action in said) == (mode == "hybrid")


@given(chapters, worlds, st.sampled_from(MODES), paces)
def test_the_same_seed_gives_the_same_session(
    chapter: list[Block], world: World, mode: Mode, pace: float
) -> None:
    """Two sessions with one seed, in one world, say exactly the same."""
    once, twice = (play_out(session_of(chapter, mode, pace=pace, session_s=200.0), world) for _ in range(2))
    assert once == twice


@given(st.sampled_from(MODES), worlds)
def test_pace_scales_a_session_and_changes_nothing_else(mode: Mode, world: World) -> None:
    """At pace 4, with a server 4 times as fast, the same is said at exactly a quarter of the times."""
    chapter = chapter_of(1, 1, 2, 2, 2)
    slow = play_out(session_of(chapter, mode, session_s=200.0), world)
    faster = World([latency / 4 for latency in world.latencies], world.failures, world.durations)
    fast = play_out(session_of(chapter, mode, session_s=200.0, pace=4.0), faster)
    # Quartering is exact in binary floating point, so nothing needs to be approximate.
    assert [(t * 4, type(action)) for t, action in fast] == [(t, type(action)) for t, action in slow]
