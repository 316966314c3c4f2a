"""What holds of every session, whoever reads and whatever the server does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, groupby, pairwise
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.actions import (
    Abort,
    FetchAudio,
    FetchTimings,
    Finished,
    MakeAhead,
    Played,
    SpeechArrived,
    SpeechFailed,
    TimingsEnded,
    Unhighlighted,
)
from loadtests.chapters import Block
from loadtests.mixes import MIXES
from loadtests.modes import MODES, Mode
from loadtests.person import Change, Deed, Jump, Leave, OtherTab, Pause, Person, Skip
from loadtests.rehearsal import VOICES, Said, World, rehearse
from loadtests.session import Session

untimed = settings(deadline=None)  # these cores are shared


def chapter_of(*pages: int) -> list[Block]:
    """Blocks of the given pages, a page number for each block; every fourth text occurs again."""
    seen: dict[int, Iterator[int]] = {}
    return [
        Block(page, next(seen.setdefault(page, count())), str(place), f"#{0 if place % 4 == 3 else place}")
        for place, page in enumerate(pages)
    ]


class Scripted:
    """A person who does what is written, a deed and the wait before it at a time."""

    starts_after_s = 1.0

    def __init__(
        self, deeds: Sequence[tuple[float, Deed]], skims: Sequence[tuple[float, Skip | Jump]]
    ) -> None:
        self._deeds, self._skims = iter(deeds), iter(skims)

    def next_deed(self) -> tuple[float, Deed] | None:
        """The next line."""
        return next(self._deeds, None)

    def next_skim(self) -> tuple[float, Skip | Jump] | None:
        """Likewise."""
        return next(self._skims, None)


def session_of(
    chapter: Sequence[Block],
    mode: Mode = "live",
    *,
    mix: str = "steady",
    person: Scripted | None = None,
    pace: float = 1.0,
    first: int = 0,
    session_s: float = 200.0,
    cache_items: int = 50,
) -> Session:
    """A session of seed 1:0, or of a scripted person."""
    session = Session(
        chapter,
        first=first,
        mode=mode,
        pace=pace,
        session_s=session_s,
        seed="1:0",
        voices=VOICES,
        mix=mix,
        cache_items=cache_items,
    )
    if person is not None:
        session._conduct._person = cast("Person", person)
    return session


seconds = st.integers(0, 60_000).map(lambda ms: ms / 1000)
worlds = st.builds(
    World,
    st.lists(seconds, min_size=1, max_size=7),
    st.lists(st.sampled_from(["ok", "ok", "ok", "failed", "missing"]), min_size=1, max_size=7),
    st.lists(st.floats(1, 40), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.0, 0.3]),
    st.sampled_from([0.0, 0.0, 0.2, 2.0]),
    st.booleans(),
)
prompt_worlds = worlds.map(lambda world: replace(world, lag_s=0.0, news_lag_s=0.0))
page_lists = st.lists(st.integers(1, 4), min_size=1, max_size=8).map(sorted)
chapters = page_lists.map(lambda pages: chapter_of(*pages))
paces = st.sampled_from([1.0, 5.0, 10.0])
modes = st.sampled_from(MODES)
shares = st.floats(0, 1, exclude_max=True)
skips = st.builds(Skip, st.sampled_from([1, -1]), st.integers(1, 3))
deeds: st.SearchStrategy[Deed] = st.one_of(
    st.builds(Pause, seconds),
    skips,
    st.builds(Jump, shares),
    st.builds(Change, shares),
    st.builds(Leave, st.floats(0.1, 1), seconds),
    st.builds(OtherTab, shares),
)
people = st.builds(
    Scripted,
    st.lists(st.tuples(st.floats(0, 20), deeds), max_size=20),
    st.lists(st.tuples(st.floats(0.1, 30), st.one_of(skips, st.builds(Jump, shares))), max_size=5),
)


def check_now(session: Session, cache_items: int) -> None:
    """What holds at every moment: one sound at most, small caches, no bytes where none is needed."""
    tabs = session._conduct.tabs
    assert len(tabs) <= 2
    assert sum(tab.playback is not None and tab.playback.ends_t is not None for tab in tabs) <= 1
    assert sum(tab._wants_sound for tab in tabs) <= 1
    for tab in tabs:
        assert tab.playback is None or tab._wait is None
        assert tab._wants_sound or tab._wait is None
        assert len(tab._cache) <= cache_items
        if not session.timings_live:
            assert all(item.audio is None for item in tab._cache._items.values())


def check_requests(said: Sequence[Said]) -> None:
    """Every request has a number of its own, is meant for no later than it is sent, and ends at most once."""
    out: set[int] = set()
    numbers = set()
    for t, what in said:
        match what:
            case FetchAudio(number) | FetchTimings(number):
                assert number not in numbers
                assert what.intended_t <= t
                numbers.add(number)
                out.add(number)
            case SpeechArrived(number) | SpeechFailed(number) | TimingsEnded(number):
                out.discard(number)
                assert number in numbers
            case Abort(given_up):
                assert given_up
                assert out >= set(given_up)
                out -= set(given_up)
    assert [what for _, what in said if isinstance(what, Finished)] == [Finished()]
    assert said[-1][1] == Finished()


def check_plays(said: Sequence[Said]) -> None:
    """The audio clock never runs back, nobody waits less than nothing, and only the first block is first."""
    plays = [what for _, what in said if isinstance(what, Played)]
    assert all(later.at >= earlier.at for earlier, later in pairwise(plays))
    assert all(play.waited_s >= 0 for play in plays)
    heard = 0
    for play in plays:
        assert (play.reason == "first") == (heard == 0)
        heard += play.source != "never"
    began = {play.at for play in plays if play.source != "never"}
    dark = [what for _, what in said if isinstance(what, Unhighlighted)]
    assert all(block.at in began and block.late_s >= 0 for block in dark)
    assert len(dark) <= heard


@untimed
@given(chapters, worlds, modes, paces, people, st.integers(1, 50))
def test_laws_of_a_session_of_whoever_does_what(
    chapter: list[Block], world: World, mode: Mode, pace: float, person: Scripted, cache_items: int
) -> None:
    """One sound at a time on a clock that never runs back; every request is answered, given up or cut off."""
    session = session_of(chapter, mode, person=person, pace=pace, cache_items=cache_items)
    said = []
    for told in rehearse(session, world):
        said.append(told)
        check_now(session, cache_items)
    check_requests(said)
    check_plays(said)
    assert said[-1][0] <= (200.0 + 5.0) / pace + world.lag_s + 1e-9


@untimed
@given(st.sampled_from(MIXES), prompt_worlds, modes, st.integers(0, 9))
def test_laws_of_every_mix(mix: str, world: World, mode: Mode, first: int) -> None:
    """The same holds of the people that we model, and blocks follow one another where nobody asks otherwise."""
    chapter = chapter_of(*range(1, 4), 4, 4, 4, 4, 5)
    session = session_of(chapter, mode, mix=mix, first=first, session_s=600.0)
    said = []
    for told in rehearse(session, world):
        said.append(told)
        check_now(session, 50)
    check_requests(said)
    check_plays(said)
    if mix != "restless":
        assert not any(isinstance(what, Abort) for _, what in said)
        plays = [what for _, what in said if isinstance(what, Played)]
        for earlier, later in pairwise(plays):
            if later.reason == "next":
                assert later.block == chapter[(chapter.index(earlier.block) + 1) % len(chapter)]


@untimed
@given(chapters, worlds, modes, paces, st.integers(0, 9), st.integers(1, 50))
def test_the_steady_play_every_block_in_turn(
    chapter: list[Block], world: World, mode: Mode, pace: float, first: int, cache_items: int
) -> None:
    """Whatever the server does: blocks play in order, each to its end, and the last may be one never heard."""
    session = session_of(chapter, mode, pace=pace, first=first, cache_items=cache_items)
    plays = [what for _, what in rehearse(session, world) if isinstance(what, Played)]
    heard = [play for play in plays if play.source != "never"]
    for place, play in enumerate(plays):
        assert play.block == chapter[(first + place) % len(chapter)]
        assert play.reason == ("first" if place == 0 else "next")
    assert plays[:-1] == heard[: len(plays) - 1]
    shortest_s = min(world.durations_s) / pace
    assert all(later.at - earlier.at >= shortest_s - 1e-9 for earlier, later in pairwise(heard))


@untimed
@given(chapters, worlds, modes, paces)
def test_the_steady_ask_for_one_block_at_a_time(
    chapter: list[Block], world: World, mode: Mode, pace: float
) -> None:
    """Never two speech requests are out at once; retries follow their own block, at most three attempts."""
    said = [what for _, what in rehearse(session_of(chapter, mode, pace=pace), world)]
    out = 0
    for what in said:
        out += isinstance(what, FetchAudio) - isinstance(what, SpeechArrived | SpeechFailed)
        assert out <= 1
    requests = [what for what in said if isinstance(what, FetchAudio)]
    assert all(request.attempt <= 3 for request in requests)
    for earlier, later in pairwise(requests):
        if earlier.attempt < later.attempt:
            assert (earlier.block, earlier.source) == (later.block, later.source)
    if mode == "live":
        assert all(request.source == "tts" for request in requests)
    if mode in {"cached", "hybrid"}:
        assert not any(isinstance(what, FetchTimings) and what.repeat for what in said)


@untimed
@given(chapters, worlds, paces, st.integers(0, 9), st.integers(1, 50))
def test_hybrid_differs_from_cached_only_by_asking_for_each_page_once_a_visit(
    chapter: list[Block], world: World, pace: float, first: int, cache_items: int
) -> None:
    """Without its asks a hybrid session is the cached one to the letter; its asks are the pages in turn."""
    hybrid, cached = (
        list(rehearse(session_of(chapter, mode, pace=pace, first=first, cache_items=cache_items), world))
        for mode in ("hybrid", "cached")
    )
    assert [said for said in hybrid if not isinstance(said[1], MakeAhead)] == cached
    plays = [what for _, what in hybrid if isinstance(what, Played)]
    asks = [what for _, what in hybrid if isinstance(what, MakeAhead)]
    assert [ask.page for ask in asks] == [page for page, _ in groupby(play.block.page for play in plays)]


@untimed
@given(chapters, worlds, modes, people)
def test_only_hybrid_asks_for_pages(chapter: list[Block], world: World, mode: Mode, person: Scripted) -> None:
    """Every other mode leaves pre-generation alone."""
    said = [what for _, what in rehearse(session_of(chapter, mode, person=person), world)]
    assert any(isinstance(what, MakeAhead) for what in said) == (mode == "hybrid")


@untimed
@given(st.sampled_from(MIXES), chapters, worlds, modes, paces)
def test_the_same_seed_gives_the_same_session(
    mix: str, chapter: list[Block], world: World, mode: Mode, pace: float
) -> None:
    """Two sessions with one seed, in one world, say exactly the same."""
    once, twice = (
        list(rehearse(session_of(chapter, mode, mix=mix, pace=pace, session_s=600.0), world))
        for _ in range(2)
    )
    assert once == twice


@untimed
@given(st.sampled_from(MIXES), modes, prompt_worlds)
def test_pace_scales_a_session_and_changes_nothing_else(mix: str, mode: Mode, world: World) -> None:
    """At pace 4, with a server 4 times as fast, the same is said at exactly a quarter of the times."""
    chapter = chapter_of(1, 1, 2, 2, 2)
    slow = rehearse(session_of(chapter, mode, mix=mix, session_s=600.0), world)
    faster = replace(world, latencies_s=[latency_s / 4 for latency_s in world.latencies_s])
    fast = rehearse(session_of(chapter, mode, mix=mix, session_s=600.0, pace=4.0), faster)
    # Quartering is exact in binary floating point, so nothing needs to be approximate.
    assert [(t * 4, type(what)) for t, what in fast] == [(t, type(what)) for t, what in slow]
