"""The limit of open files."""

import resource

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.open_files import open_files


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits that were set, the latest last; at first 100 of 1,000."""
    found = [(100, 1000)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: found.append(pair))
    return found


def test_the_limit_is_raised_meanwhile(limits: list[tuple[int, int]]) -> None:
    """GIVEN a soft limit of 100 WHEN 1,000 are wanted THEN they are allowed, and 100 again afterwards."""
    with open_files(1000):
        assert limits[-1] == (1000, 1000)
    assert limits[-1] == (100, 1000)


def test_a_limit_that_is_enough_stays(limits: list[tuple[int, int]]) -> None:
    """GIVEN a soft limit of 100 WHEN 50 are wanted THEN it is not lowered."""
    with open_files(50):
        assert limits[-1] == (100, 1000)


@pytest.mark.usefixtures("limits")
def test_a_hard_limit_that_is_too_low_is_told() -> None:
    """GIVEN a hard limit of 1,000 WHEN 1,001 are wanted THEN the error says both."""
    with (
        pytest.raises(BenchmarkError, match=r"ulimit -Hn: 1,000 open files, and 1,001 are needed"),
        open_files(1001),
    ):
        pass


def test_no_hard_limit_is_enough(limits: list[tuple[int, int]]) -> None:
    """GIVEN no hard limit THEN any number may be had."""
    limits.append((100, resource.RLIM_INFINITY))
    with open_files(5000):
        assert limits[-1] == (5000, resource.RLIM_INFINITY)
