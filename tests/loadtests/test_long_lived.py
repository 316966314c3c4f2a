"""Objects that live as long as the run."""

import gc
from collections.abc import Iterator

import pytest

from loadtests.long_lived import READERS_AT_ONCE, reader_began, readers_left


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """The collector as it was."""
    assert gc.get_freeze_count() == 0
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    ("readers", "frozen"), [(1, False), (READERS_AT_ONCE - 1, False), (READERS_AT_ONCE, True)]
)
def test_the_collector_looks_at_no_reader_of_a_large_run(readers: int, frozen: bool) -> None:  # noqa: FBT001  # a table's cell
    """GIVEN so many readers WHEN the last of them begins THEN what is there is no longer looked at, or still is."""
    reader_began(readers)
    assert (gc.get_freeze_count() > 0) is frozen


def test_the_collector_gets_everything_back_when_readers_leave() -> None:
    """GIVEN a large run WHEN it is over THEN its readers can be collected."""
    reader_began(READERS_AT_ONCE)
    readers_left()
    assert gc.get_freeze_count() == 0
