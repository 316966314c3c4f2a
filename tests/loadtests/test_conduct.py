"""A person with their tabs, through the session that they are in."""

from collections.abc import Sequence
from typing import cast

import pytest

from loadtests.actions import Abort, FetchAudio, Finished, MakeAhead, Played
from loadtests.modes import Mode
from loadtests.person import Change, Deed, Jump, Leave, OtherTab, Pause, Person, Skip
from loadtests.rehearsal import CHAPTER, VOICES, World, rehearse
from loadtests.session import Session

PROMPT = World(latencies_s=(0.5,), outcomes=("ok",), durations_s=(10.0,))
SLOW = World(latencies_s=(4.0,), outcomes=("ok",), durations_s=(10.0,))


class Scripted:
    """A person who does what is written: each deed so long after the one before is over."""

    starts_after_s = 0.0

    def __init__(self, *deeds: tuple[float, Deed], skims: Sequence[tuple[float, Skip | Jump]] = ()) -> None:
        self._deeds, self._skims = iter(deeds), iter(skims)

    def next_deed(self) -> tuple[float, Deed] | None:
        """The next line."""
        return next(self._deeds, None)

    def next_skim(self) -> tuple[float, Skip | Jump] | None:
        """Likewise."""
        return next(self._skims, None)


def told(
    person: Scripted, world: World = PROMPT, *, mode: Mode = "cached", pace: float = 1.0
) -> list[tuple[float, object]]:
    """What a session of 100 s of this person says."""
    session = Session(CHAPTER, first=0, mode=mode, pace=pace, session_s=100.0, seed="1:0", voices=VOICES)
    session._starts_after_s = 0.0
    session._conduct._person = cast("Person", person)
    return list(rehearse(session, world))


def plays(said: Sequence[tuple[float, object]]) -> list[tuple[str, float, str]]:
    """The blocks that were heard: which, when and why."""
    return [
        (f"{what.block.page}.{what.block.block_index}", round(what.at, 6), what.reason)
        for _, what in said
        if isinstance(what, Played) and what.source != "never"
    ]


def test_nobody_does_anything_unless_it_is_drawn() -> None:
    """Without deeds, block follows block."""
    assert plays(told(Scripted()))[:3] == [
        ("1.0", 0.5, "first"),
        ("1.1", 10.5, "next"),
        ("1.2", 20.5, "next"),
    ]


def test_a_pause_lasts_as_long_as_was_drawn() -> None:
    """5 s after the start, for 7 s: what comes then comes 7 s later."""
    assert plays(told(Scripted((5.0, Pause(7.0)))))[:2] == [("1.0", 0.5, "first"), ("1.1", 17.5, "next")]


def test_presses_of_a_skip_follow_one_another() -> None:
    """Three presses, 0.4 s apart: the blocks between are asked for too, and heard if they come in time."""
    said = told(Scripted((5.0, Skip(1, 3))))
    assert plays(said)[1:4] == [("1.1", 5.0, "asked"), ("1.2", 5.5, "asked"), ("1.3", 6.0, "asked")]
    said = told(Scripted((5.0, Skip(1, 3))), SLOW)
    assert plays(said)[1:][0] == ("1.3", 9.8, "asked")


def test_nobody_waits_for_a_block_that_the_same_skip_goes_past() -> None:
    """At any pace the wait is that for the last press's block; a hole that the first press ended is told."""
    for pace in (1.0, 10.0):
        slow = World([4.0 / pace], ["ok"], [10.0])
        waits = [
            (what.reason, what.source, round(what.waited_s * pace, 6))
            for _, what in told(Scripted((5.0, Skip(1, 3))), slow, pace=pace)
            if isinstance(what, Played)
        ]
        assert waits[:2] == [("first", "chunk", 4.0), ("asked", "chunk", 4.0)]
    waits = [
        (what.reason, what.source, round(what.waited_s, 6))
        for _, what in told(Scripted((15.0, Skip(1, 2))), World([20.0, 0.1], ["ok"], [10.0]))
        if isinstance(what, Played)
    ]
    assert waits[0] == ("first", "never", 15.0)


def test_a_jump_leads_to_another_page() -> None:
    """Far 0 is the next page."""
    assert plays(told(Scripted((5.0, Jump(0.0)))))[1] == ("2.0", 5.5, "asked")


@pytest.mark.parametrize(("which", "voice"), [(0.0, VOICES[1]), (0.99, VOICES[2])])
def test_a_change_takes_a_voice_that_is_not_in_use(which: float, voice: object) -> None:
    """Of three voices one of the two others, which is what is asked with from then on."""
    said = told(Scripted((5.0, Change(which))))
    asked = [what for t, what in said if isinstance(what, FetchAudio) and t >= 5.0]
    assert {request.voice for request in asked} == {voice}
    assert plays(said)[1] == ("1.0", 5.5, "asked")


def test_with_one_voice_only_there_is_nothing_to_change_to() -> None:
    """The person thinks of something else."""
    session = Session(CHAPTER, first=0, mode="live", pace=1.0, session_s=60.0, seed="1", voices=VOICES[:1])
    session._conduct._person = cast("Person", Scripted((5.0, Change(0.5))))
    assert not any(isinstance(what, Abort) for _, what in rehearse(session, PROMPT))


def test_who_leaves_does_so_in_the_middle_of_a_download_and_comes_back_to_the_same_block() -> None:
    """Decided at 7, the next speech asked for at 14, gone 0.3 s after that, back 20 s later, nothing kept."""
    said = told(Scripted((7.0, Leave(0.3, 20.0))), SLOW, mode="live")
    asked = [(round(t, 6), what) for t, what in said if isinstance(what, FetchAudio)]
    gone = [(round(t, 6), what.numbers) for t, what in said if isinstance(what, Abort)]
    on_its_way = next(what for t, what in asked if t == 14.0)
    assert [t for t, _ in gone] == [14.3]
    assert on_its_way.number in gone[0][1]
    back = next(what for t, what in asked if t > 14.3)
    assert (back.intended_t, back.block) == (34.3, CHAPTER[1])
    # Nor do they leave again at the latest moment for the first time, which is 67.
    assert plays(said)[2:6] == [
        ("1.1", 38.3, "asked"),
        ("1.2", 48.3, "next"),
        ("1.3", 58.3, "next"),
        ("2.0", 72.3, "next"),
    ]


def test_who_wants_to_leave_does_so_in_the_end_even_if_nothing_is_on_its_way() -> None:
    """With every block in the cache nothing is asked for; after a minute the tab is closed all the same."""
    only = World(latencies_s=(0.5,), outcomes=("ok",), durations_s=(1000.0,))
    said = told(Scripted((5.0, Leave(0.3, 20.0))), only)
    assert plays(said) == [("1.0", 0.5, "first"), ("1.0", 85.5, "asked")]


def test_the_other_tab_has_a_place_and_a_cache_of_its_own() -> None:
    """At 5 to the middle of the chapter, at 8 back: the first block plays on, and nothing plays twice at once."""
    said = told(Scripted((5.0, OtherTab(0.5)), (3.0, OtherTab(0.9)), (20.0, OtherTab(0.0))))
    assert plays(said)[:4] == [
        ("1.0", 0.5, "first"),
        ("2.2", 5.5, "asked"),
        ("1.1", 13.5, "next"),
        ("1.2", 23.5, "next"),
    ]
    assert plays(said)[4] == ("2.3", 35.5, "next")


def test_a_hybrid_reader_asks_for_the_page_of_each_tab() -> None:
    """The second tab's page is another visit; coming back to the first one is none."""
    said = told(Scripted((5.0, OtherTab(0.5)), (3.0, OtherTab(0.9))), mode="hybrid")
    assert [what.page for t, what in said if isinstance(what, MakeAhead) and t < 20.0] == [1, 2]


def test_skims_count_from_when_a_block_is_heard() -> None:
    """3 s of the first block, then the next; 4 s of that, then the next page; a block that ends sooner goes on."""
    person = Scripted(skims=[(3.0, Skip(1, 1)), (4.0, Jump(0.0)), (12.0, Skip(1, 1))])
    assert plays(told(person))[:5] == [
        ("1.0", 0.5, "first"),
        ("1.1", 3.5, "asked"),
        ("2.0", 8.0, "asked"),
        ("2.1", 18.0, "next"),
        ("2.2", 28.0, "next"),
    ]


def test_what_people_do_is_divided_by_the_pace() -> None:
    """At pace 10 the pause of 5 s after 5 s is one of half a second after half a second."""
    world = World(latencies_s=(0.05,), outcomes=("ok",), durations_s=(10.0,))
    said = told(Scripted((5.0, Pause(7.0))), world, pace=10.0)
    assert plays(said)[:2] == [("1.0", 0.05, "first"), ("1.1", 1.75, "next")]


def test_the_session_ends_for_who_is_away_too() -> None:
    """Nobody comes back after their time."""
    said = told(Scripted((5.0, Leave(0.3, 1000.0))), SLOW)
    assert said[-1] == (100.0, Finished())
    assert not any(t > 90.0 for t, _ in said[:-1])
