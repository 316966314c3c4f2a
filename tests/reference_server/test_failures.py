"""The failed blocks of a job: each told once, the last ones shown, tried again when asked for."""

from reference_server.failures import Failures
from reference_server.outline import Block
from reference_server.progress import Failure


def _failed(count: int) -> Failures:
    failures = Failures()
    for ordinal in range(1, count + 1):
        failures.add(Block(ordinal, 0, ordinal, "Text."), "No.")
    return failures


def test_the_last_hundred_are_shown_and_all_are_counted() -> None:
    """After 150 failures the number is 150, and the newest hundred stand in order."""
    failures = _failed(150)
    assert len(failures) == 150
    assert [failure.page for failure in failures.last()] == list(range(51, 151))


def test_each_failure_is_told_once() -> None:
    """Who has been told of some is told of the others only."""
    failures = _failed(3)
    new, told = failures.since(0)
    assert [failure.page for failure in new] == [1, 2, 3]
    assert failures.since(told) == ([], 3)
    failure = failures.add(Block(9, 4, 40, "Text."), "Again.")
    assert failures.since(told) == ([failure], 4)
    assert failure == Failure(9, 4, "Again.")


def test_who_lags_far_behind_is_told_the_newest() -> None:
    """Memory is bounded: of 600 failures the last 500 can still be told."""
    new, told = _failed(600).since(0)
    assert ([failure.page for failure in new], told) == (list(range(101, 601)), 600)


def test_blocks_to_be_tried_again_are_failed_no_more() -> None:
    """Those of the pages asked for are given back; the others stay failed."""
    failures = _failed(2)
    failures.add(Block(2, 5, 8, "Text."), "No.")
    assert failures.take({2, 3}) == {2: [0, 5]}
    assert len(failures) == 1
    assert [failure.page for failure in failures.last()] == [1]
    assert failures.take({2, 3}) == {}


def test_a_block_that_fails_again_counts_once() -> None:
    """It is one failed block with its newest message, but two failures to be told."""
    failures = _failed(1)
    failures.add(Block(1, 0, 1, "Text."), "Still no.")
    assert [failure.message for failure in failures.last()] == ["Still no."]
    assert len(failures.since(0)[0]) == 2


def test_a_message_is_kept_short() -> None:
    """An upstream that answers with a page of HTML does not fill the memory with it."""
    assert len(Failures().add(Block(1, 0, 1, "Text."), "x" * 301).message) == 300
