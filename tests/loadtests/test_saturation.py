from collections.abc import Iterable

import pytest

from loadtests.saturation import Saturation
from loadtests.watch import Sample


def sample(t: float, *, cpu_s: float = 0.0, lag_s: float = 0.0, files: int = 10, readers: int = 5) -> Sample:
    """A row of process 2, calm unless told otherwise."""
    return Sample(t, 2, cpu_s, lag_s, 50_000_000, files, 1000, readers)


def reasons(samples: Iterable[Sample]) -> list[str]:
    """What is made of them."""
    saturation = Saturation(2)
    for row in samples:
        saturation.add(row)
    return saturation.reasons()


def test_a_calm_process_is_not_saturated() -> None:
    """Half a core, timers in time, few files: nothing to say, and nothing either of no rows."""
    assert reasons([]) == []
    assert reasons(sample(t, cpu_s=t / 2, lag_s=0.1) for t in range(60)) == []


@pytest.mark.parametrize(("cpu_s", "saturated"), [(9.0, False), (9.1, True)])
def test_cpu_counts_over_ten_seconds(cpu_s: float, *, saturated: bool) -> None:
    """More than 0.9 of a core over 10 s, wherever in the run; so much in less time is a peak like any other."""
    busy = [sample(100.0), sample(110.0, cpu_s=cpu_s), sample(130.0, cpu_s=cpu_s)]
    said = reasons(busy)
    assert bool(said) == saturated
    if saturated:
        assert said == ["process 2 used 0.91 of a core over 10 s: use more --processes, or fewer readers"]
    assert reasons([sample(100.0), sample(109.0, cpu_s=9.0), sample(119.0, cpu_s=9.0)]) == []


@pytest.mark.parametrize(
    ("late", "rows", "saturated"),
    [(2, 60, False), (3, 60, True), (3, 299, True), (3, 300, False), (4, 300, True)],
)
def test_late_timers_count_by_their_share(late: int, rows: int, *, saturated: bool) -> None:
    """Above 0.5 s in more than 1 % of the rows, and in three at least: a hiccup in a short run is none."""
    lags_s = [0.6] * late + [0.5] * (rows - late)
    said = reasons(sample(t, lag_s=lag_s) for t, lag_s in enumerate(lags_s))
    assert bool(said) == saturated
    if saturated:
        assert said[0].startswith(
            f"process 2 was more than 0.5 s behind in {late} of {rows} seconds, 0.6 s at worst:"
        )


@pytest.mark.parametrize(("files", "saturated"), [(949, False), (950, True)])
def test_open_files_count_near_their_limit(files: int, *, saturated: bool) -> None:
    """At 95 % of the limit, with the way out."""
    said = reasons([sample(1.0), sample(2.0, files=files), sample(3.0)])
    assert bool(said) == saturated
    if saturated:
        assert said == ["process 2 had 950 of 1000 files open: raise `ulimit -n`, or use more --processes"]


def test_only_the_time_with_readers_counts() -> None:
    """What making everything ready costs disturbs no reader."""
    alone = [sample(t, cpu_s=t, lag_s=3.0, files=999, readers=0) for t in range(30)]
    assert reasons(alone) == []
    assert reasons([*alone, sample(31.0, cpu_s=31.0), sample(42.0, cpu_s=31.5)]) == []
