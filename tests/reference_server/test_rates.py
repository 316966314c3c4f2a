"""The means of what blocks cost lately."""

from contextlib import ExitStack, suppress

import pytest

from reference_server.rates import RateMeter, Rates


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.t = 100.0

    def __call__(self) -> float:
        """The time now."""
        return self.t


def make(meter: RateMeter, clock: Clock, *, characters: int, size_bytes: int, seconds: float) -> None:
    """One block, with none beside it."""
    with meter.making() as making:
        clock.t += seconds
        making.made(characters, size_bytes)


def test_nothing_is_known_before_the_first_block() -> None:
    """No rate is made up, and the first block is the mean."""
    clock = Clock()
    meter = RateMeter(clock)
    assert meter.rates is None
    make(meter, clock, characters=450, size_bytes=540_000, seconds=4.0)
    assert meter.rates == Rates(1200.0, 4.0, 4.0)


def test_the_newest_blocks_weigh_most() -> None:
    """After a change of the upstream the means move a tenth of the way at each block, and arrive there."""
    clock = Clock()
    meter = RateMeter(clock)
    make(meter, clock, characters=100, size_bytes=100_000, seconds=2.0)
    make(meter, clock, characters=100, size_bytes=200_000, seconds=4.0)
    assert meter.rates is not None
    assert meter.rates.bytes_per_character == pytest.approx(1100)
    assert meter.rates.block_s == pytest.approx(2.2)
    assert meter.rates.every_s == pytest.approx(2.2)
    for _ in range(100):
        make(meter, clock, characters=100, size_bytes=200_000, seconds=4.0)
    assert meter.rates.bytes_per_character == pytest.approx(2000, rel=0.001)
    assert meter.rates.block_s == pytest.approx(4, rel=0.001)


def test_blocks_side_by_side_share_the_time() -> None:
    """GIVEN four blocks made at once in 8 s, and nothing before and after THEN one comes every 2 s."""
    clock = Clock()
    meter = RateMeter(clock)
    clock.t += 1000
    with ExitStack() as under_way:
        blocks = [under_way.enter_context(meter.making()) for _ in range(4)]
        clock.t += 8.0
        for block in blocks:
            block.made(100, 100_000)
    clock.t += 1000
    assert meter.rates == Rates(1000.0, 8.0, 2.0)


def test_a_block_that_fails_takes_time_and_is_none() -> None:
    """GIVEN a block that fails beside another THEN it shared the time, and only the other counts."""
    clock = Clock()
    meter = RateMeter(clock)
    with meter.making() as made:
        with suppress(ZeroDivisionError), meter.making():
            clock.t += 4.0
            raise ZeroDivisionError
        clock.t += 1.0
        made.made(100, 100_000)
    assert meter.rates == Rates(1000.0, 5.0, 3.0)
