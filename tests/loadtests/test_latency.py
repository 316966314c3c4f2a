import argparse

import pytest

from loadtests.latency import LatencyDraws, LatencyRange
from loadtests.speech import SpeechOrder

ONE, OTHER = SpeechOrder("one", "alloy"), SpeechOrder("other", "alloy")
TWO_TO_FIVE = LatencyRange(2, 5)


def test_a_draw_depends_on_order_attempt_and_seed_alone() -> None:
    """What is asked for in between changes nothing; each attempt and each seed has a draw of its own."""
    alone, mixed = LatencyDraws(TWO_TO_FIVE, 1, seed=7), LatencyDraws(TWO_TO_FIVE, 1, seed=7)

    expected = [alone.draw(ONE) for _ in range(3)]
    seen = []
    for _ in range(3):
        mixed.draw(OTHER)
        seen.append(mixed.draw(ONE))

    assert seen == expected
    assert len(set(expected)) == 3
    assert LatencyDraws(TWO_TO_FIVE, 1, seed=8).draw(ONE) != expected[0]


def test_draws_fill_the_range_evenly_and_the_pace_divides_them() -> None:
    """A thousand draws lie within 2-5 s around a mean of 3.5 s; at pace 5 each is a fifth."""
    plain, fast = LatencyDraws(TWO_TO_FIVE, 1, seed=1), LatencyDraws(TWO_TO_FIVE, 5, seed=1)

    draws = [plain.draw(ONE) for _ in range(1000)]

    assert all(2 <= draw <= 5 for draw in draws)
    assert min(draws) < 2.1
    assert max(draws) > 4.9
    assert sum(draws) / 1000 == pytest.approx(3.5, abs=0.1)
    assert [fast.draw(ONE) for _ in range(10)] == [draw / 5 for draw in draws[:10]]


def test_the_first_draws_are_the_ones_recorded() -> None:
    """The same seed gives the same latencies on every Python and machine."""
    draws = LatencyDraws(TWO_TO_FIVE, 1, seed=1)

    assert [round(draws.draw(ONE), 4) for _ in range(3)] == [2.3944, 4.2632, 2.2006]


@pytest.mark.parametrize(
    ("text", "expected"), [("2-5", (2, 5)), ("0.5-1.5", (0.5, 1.5)), ("3", (3, 3)), ("0-0", (0, 0))]
)
def test_a_range_is_read(text: str, expected: tuple[float, float]) -> None:
    """Two numbers are the ends, one number is both."""
    assert LatencyRange.parse(text) == LatencyRange(*expected)


@pytest.mark.parametrize("text", ["5-2", "", "-", "-1", "a-b", "1-inf", "nan", "1-2-3", "2-"])
def test_a_bad_range_is_named(text: str) -> None:
    """What is no range is refused, with the value in the message."""
    with pytest.raises(argparse.ArgumentTypeError, match="no range of seconds"):
        LatencyRange.parse(text)
