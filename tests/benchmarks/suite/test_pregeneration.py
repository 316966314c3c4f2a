"""The promises of pre-generation: of the rate where the API sets it, of the memory where documents are long enough."""

import pytest

from benchmarks.suite.measured import Effort, Ratio
from benchmarks.suite.pregeneration import growth_promise, paces, rate_promise
from benchmarks.suite.pregeneration_memory import Growth
from benchmarks.suite.pregeneration_rate import BARE, OURS, RATE, Pace

ALONE = Pace("0.5", 4, "none", blocks=1, rounds=1)
ALIGNED = Pace("0.5", 4, "embedded", blocks=1, rounds=1)


def _ratio(pace: Pace, *values: float) -> Ratio:
    return Ratio(RATE, pace.setting, OURS, BARE, values)


@pytest.mark.parametrize(("ratio", "holds"), [(0.9, True), (0.899, False)])
def test_the_rate_is_judged_where_no_aligner_sets_it(ratio: float, holds: bool) -> None:  # noqa: FBT001
    """GIVEN a rate at the limit without aligner, and a far lower one with it THEN the first decides, both are told."""
    promise = rate_promise((ALONE, ALIGNED), [_ratio(ALONE, 0.5, ratio, 1.0), _ratio(ALIGNED, 0.2)])
    assert promise.holds is holds
    assert promise.measured == (
        f"4 at once, latency 0.5 s, without aligner: {ratio:.2f} (0.50 to 1.00). "
        "Not judged: 4 at once, latency 0.5 s, with aligner: 0.20 (0.20 to 0.20)"
    )


@pytest.mark.parametrize("full", [False, True])
def test_either_form_judges_a_rate_and_tells_one_with_the_aligner(full: bool) -> None:  # noqa: FBT001
    """GIVEN either form THEN no setting is measured twice, one is without the aligner and one with it."""
    found = paces(Effort(full))
    assert len({pace.setting for pace in found}) == len(found)
    assert {"none", "embedded"} == {pace.aligner for pace in found}


def test_the_short_form_does_not_judge_the_memory() -> None:
    """GIVEN a slope that is flat, and one that is not THEN only documents that are long enough tell."""
    flat = Growth((100, 1000), ((70.0,), (70.0,)), (600, 6000))
    steep = Growth((100, 1000), ((70.0,), (170.0,)), (600, 6000))
    assert growth_promise(flat, long_enough=True).holds is True
    assert growth_promise(steep, long_enough=True).holds is False
    assert growth_promise(flat, long_enough=False).holds is None
