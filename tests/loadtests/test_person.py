from collections import Counter
from collections.abc import Callable
from dataclasses import fields

import pytest

from loadtests.mixes import HABITS, MIXES
from loadtests.person import (
    LEAVES_AFTER_S,
    START_SPREAD_S,
    Change,
    Deed,
    Jump,
    Leave,
    OtherTab,
    Pause,
    Person,
    Skip,
)

RATES: dict[str, Callable[[Deed], bool]] = {
    "pauses_per_min": lambda deed: isinstance(deed, Pause),
    "skips_forward_per_min": lambda deed: isinstance(deed, Skip) and deed.step == 1,
    "skips_back_per_min": lambda deed: isinstance(deed, Skip) and deed.step == -1,
    "jumps_per_min": lambda deed: isinstance(deed, Jump),
    "changes_per_min": lambda deed: isinstance(deed, Change),
    "leaves_per_min": lambda deed: isinstance(deed, Leave),
    "tabs_per_min": lambda deed: isinstance(deed, OtherTab),
}


def deeds_of(mix: str, seed: str, count: int) -> list[tuple[float, Deed]]:
    """The first deeds of a person who does some."""
    person = Person(mix, seed)
    drawn = [person.next_deed() for _ in range(count)]
    assert None not in drawn
    return [deed for deed in drawn if deed is not None]


@pytest.mark.parametrize("mix", ["steady", "dialogue"])
def test_the_steady_only_listen(mix: str) -> None:
    """They do nothing and hear every block out."""
    person = Person(mix, "1:0")
    assert (person.next_deed(), person.next_skim()) == (None, None)


@pytest.mark.parametrize("mix", MIXES)
def test_a_start_depends_on_the_seed_alone(mix: str) -> None:
    """Whoever they are, they begin when a steady reader of the same seed does."""
    assert Person(mix, "1:7").starts_after_s == Person("steady", "1:7").starts_after_s
    assert 0 <= Person(mix, "1:7").starts_after_s <= START_SPREAD_S


def test_the_restless_do_each_thing_as_often_as_their_table_says() -> None:
    """Over a hundred hours, the number of each deed is within 10 % of its rate; none is without a rate."""
    deeds = deeds_of("restless", "1:0", 10_000)
    minutes = sum(wait_s for wait_s, _ in deeds) / 60
    habits = HABITS["restless"]
    assert {field.name for field in fields(habits) if field.name.endswith("_per_min")} == set(RATES)
    for name, is_it in RATES.items():
        done = sum(is_it(deed) for _, deed in deeds)
        assert done / minutes == pytest.approx(getattr(habits, name), rel=0.1), name
    assert sum(is_it(deed) for _, deed in deeds for is_it in RATES.values()) == len(deeds)


def test_what_the_restless_do_lies_within_its_ranges() -> None:
    """Pauses, presses and absences reach over their ranges and not beyond."""
    habits = HABITS["restless"]
    deeds = [deed for _, deed in deeds_of("restless", "1:0", 5000)]
    pauses = [deed.for_s for deed in deeds if isinstance(deed, Pause)]
    assert habits.pause_s[0] <= min(pauses) < 3
    assert 29 < max(pauses) <= habits.pause_s[1]
    assert {deed.presses for deed in deeds if isinstance(deed, Skip)} == {1, 2, 3}
    leaves = [deed for deed in deeds if isinstance(deed, Leave)]
    assert all(habits.away_s[0] <= leave.away_s <= habits.away_s[1] for leave in leaves)
    assert all(LEAVES_AFTER_S[0] <= leave.after_s <= LEAVES_AFTER_S[1] for leave in leaves)


def test_who_skims_hears_some_seconds_and_turns_the_page_now_and_then() -> None:
    """3 to 8 s of each block, a fifth of the time to the next page; no other deeds."""
    person = Person("skimming", "1:0")
    assert person.next_deed() is None
    skims = [skim for skim in (person.next_skim() for _ in range(5000)) if skim is not None]
    assert len(skims) == 5000
    assert 3 <= min(heard_s for heard_s, _ in skims) < 3.1
    assert 7.9 < max(heard_s for heard_s, _ in skims) <= 8
    how = Counter(how for _, how in skims)
    assert set(how) == {Skip(1, 1), Jump(0.0)}
    assert how[Jump(0.0)] / 5000 == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("mix", ["restless", "skimming"])
def test_people_of_one_seed_are_the_same_and_of_another_not(mix: str) -> None:
    """Draws depend on nothing but the seed."""

    def draws(seed: str) -> list[object]:
        person = Person(mix, seed)
        return [(person.next_deed(), person.next_skim()) for _ in range(20)]

    assert draws("1:0") == draws("1:0") != draws("1:1")


def test_who_only_listens_keeps_no_draws() -> None:
    """A generator of random numbers takes 2.5 kB, of which thousands of steady readers need none."""
    person = Person("steady", "1:0")
    assert (person._draws, person._skims) == (None, None)
