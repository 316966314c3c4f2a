import argparse

import pytest

from loadtests.attempts import Attempts
from loadtests.latency import LatencyRange, main
from loadtests.speech import SpeechOrder

TWO_TO_FIVE = LatencyRange(2, 5)


def test_draws_fill_the_range_evenly() -> None:
    """A thousand draws lie within 2-5 s around a mean of 3.5 s."""
    draws = [TWO_TO_FIVE.draw_s(b"%d" % number) for number in range(1000)]

    assert all(2 <= draw <= 5 for draw in draws)
    assert min(draws) < 2.1
    assert max(draws) > 4.9
    assert sum(draws) / 1000 == pytest.approx(3.5, abs=0.1)


def test_the_first_draws_are_the_ones_recorded() -> None:
    """The same seed gives the same latencies on every Python and machine."""
    attempts, order = Attempts(seed=1), SpeechOrder("one", "alloy")

    draws = [TWO_TO_FIVE.draw_s(attempts.next_name(order)) for _ in range(3)]

    assert [round(draw, 4) for draw in draws] == [2.3944, 4.2632, 2.2006]


@pytest.mark.parametrize(
    ("text", "expected"), [("2-5", (2, 5)), ("0.5-1.5", (0.5, 1.5)), ("3", (3, 3)), ("0-0", (0, 0))]
)
def test_a_range_is_read(text: str, expected: tuple[float, float]) -> None:
    """Two numbers are the ends, one number is both; the command says that it can be used."""
    assert LatencyRange.parse(text) == LatencyRange(*expected)
    assert main([text]) == 0


@pytest.mark.parametrize("text", ["5-2", "", "-", "-1", "a-b", "1-inf", "nan", "1-2-3", "2-"])
def test_a_bad_range_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no range is refused, with the value in the message; the command says the same and ends with 2."""
    with pytest.raises(argparse.ArgumentTypeError, match="no range of seconds") as caught:
        LatencyRange.parse(text)
    assert repr(text) in str(caught.value)
    assert main(["2-5", text]) == 2
    assert capsys.readouterr().err == f"{caught.value}\n"
