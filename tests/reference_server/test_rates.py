"""The means of what blocks cost lately."""

import pytest

from reference_server.rates import RateMeter, Rates


def test_nothing_is_known_before_the_first_block() -> None:
    """No rate is made up, and the first block is the mean."""
    meter = RateMeter()
    assert meter.rates is None
    meter.add(450, 540_000, 4.0)
    assert meter.rates == Rates(1200.0, 4.0)


def test_the_newest_blocks_weigh_most() -> None:
    """After a change of the upstream the means move a tenth of the way at each block, and arrive there."""
    meter = RateMeter()
    meter.add(100, 100_000, 2.0)
    meter.add(100, 200_000, 4.0)
    assert meter.rates is not None
    assert meter.rates.bytes_per_character == pytest.approx(1100)
    assert meter.rates.block_s == pytest.approx(2.2)
    for _ in range(100):
        meter.add(100, 200_000, 4.0)
    assert meter.rates.bytes_per_character == pytest.approx(2000, rel=0.001)
    assert meter.rates.block_s == pytest.approx(4, rel=0.001)
