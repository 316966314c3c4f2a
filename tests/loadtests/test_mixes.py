from collections import Counter
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.mixes import HABITS, MIXES, Habits, MixError, parse_mix

READERS = Path(__file__).parents[2] / "docs" / "reference" / "readers.md"

weights = st.dictionaries(
    st.sampled_from(MIXES), st.one_of(st.integers(0, 20), st.floats(0, 20)), min_size=1
).filter(lambda weights: any(weights.values()))

untimed = settings(deadline=None)  # these cores are shared


def text_of(weights: dict[str, float]) -> str:
    """Weights as a person writes them."""
    return ",".join(f"{name}={weight!r}" for name, weight in weights.items())


def test_the_mixes_are_those_that_are_documented() -> None:
    """Four, steady first, which is what readers do unless told otherwise."""
    assert MIXES == ("steady", "restless", "skimming", "dialogue") == tuple(HABITS)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("steady", "steady steady steady steady"),
        ("steady=3,restless=1", "steady steady restless steady"),
        (" restless = 1 , steady = 1 ", "restless steady restless steady"),
        ("steady,dialogue", "steady dialogue steady dialogue"),
        ("steady=0,skimming=0.5", "skimming skimming skimming skimming"),
        ("steady=0.75,restless=0.25", "steady steady restless steady"),
    ],
)
def test_readers_take_turns_by_weight(text: str, kinds: str) -> None:
    """Each reader is of the kind that is furthest behind."""
    mix = parse_mix(text)
    assert [mix.of_reader(number) for number in range(4)] == kinds.split()


@untimed
@given(weights, st.integers(1, 500))
def test_any_first_readers_are_close_to_the_weights(weights: dict[str, float], readers: int) -> None:
    """No kind is more than one reader and a third away from its exact share, however many there are."""
    mix = parse_mix(text_of(weights))
    counts = Counter(mix.of_reader(number) for number in range(readers))
    total = sum(Fraction(repr(weight)) for weight in weights.values())
    for name, weight in weights.items():
        assert abs(counts[name] - readers * Fraction(repr(weight)) / total) <= Fraction(4, 3)
        assert weight or not counts[name]


@untimed
@given(weights)
def test_the_rank_counts_readers_of_the_same_kind(weights: dict[str, float]) -> None:
    """The readers of each kind have ranks 0, 1, 2 and so on."""
    mix = parse_mix(text_of(weights))
    seen: Counter[str] = Counter()
    for number in range(300):
        kind = mix.of_reader(number)
        assert mix.rank(number) == seen[kind]
        seen[kind] += 1


def test_the_rank_of_the_steady_is_their_number() -> None:
    """So that steady readers read what they always read."""
    mix = parse_mix("steady")
    assert [mix.rank(number) for number in (0, 1, 7, 12_345, 2_000_001)] == [0, 1, 7, 12_345, 2_000_001]


def test_a_worker_that_came_late_has_readers_of_every_kind_too() -> None:
    """Numbers in the millions take no time, and follow the same turns."""
    mix = parse_mix("steady=3,restless=1")
    late = [mix.of_reader(3_000_000 + number) for number in range(4)]
    assert late == [mix.of_reader(number) for number in range(4)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "'': '' is no mix. Use steady, restless, skimming, dialogue, as in steady=3,restless=1."),
        ("steady=3,dancing=1", "'dancing' is no mix. Use steady, restless, skimming, dialogue"),
        ("Steady", "'Steady' is no mix"),
        ("steady=1,", "'' is no mix"),
        ("steady=1,steady=2", "steady is named twice"),
        ("steady=-1", "'-1' is no weight for one of steady, restless, skimming, dialogue"),
        ("steady=many", "'many' is no weight"),
        ("steady=nan", "'nan' is no weight"),
        ("steady=inf", "'inf' is no weight"),
        ("steady=1e999999999", "'1e999999999' is no weight"),
        ("steady=", "'' is no weight"),
        ("steady=0", "nobody is left, all weights are 0"),
        ("steady=0,restless=0.0", "nobody is left, all weights are 0"),
    ],
)
def test_what_is_no_mix_is_told_in_one_line(text: str, line: str) -> None:
    """The value, and the mixes there are."""
    with pytest.raises(MixError) as told:
        parse_mix(text)
    assert line in str(told.value)
    assert str(told.value).startswith(repr(text))
    assert "\n" not in str(told.value)
    assert "restless" in str(told.value)


def documented() -> dict[str, dict[str, str]]:
    """The cells of the reference's table: of each habit, by mix."""
    lines = (line for line in READERS.read_text(encoding="utf-8").splitlines() if line.startswith("|"))
    heads, _, *rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return {name: dict(zip(heads[2:], cells, strict=True)) for name, _, *cells in rows}


def cell_of(habits: Habits, name: str) -> str:
    """What the table says of a habit; a dash where it cannot matter."""
    rates = {"pause_s": "pauses_per_min", "away_s": "leaves_per_min", "most_presses": "skips_forward_per_min"}
    value = getattr(habits, name)
    if getattr(habits, rates.get(name, name)) in {None, 0.0} and not name.endswith("_per_min"):
        return "-"
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else f"{value:g}"


def test_the_reference_says_what_each_mix_does() -> None:
    """GIVEN the table of the readers' page THEN its numbers are those of the code, and none is missing."""
    expected = {
        field.name: {mix: cell_of(habits, field.name) for mix, habits in HABITS.items()}
        for field in fields(Habits)
    }
    assert documented() == expected
