"""A document is open while it is held, and for a time after it was touched."""

import threading

import pytest

from reference_server import open_documents
from reference_server.open_documents import OpenDocuments


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Some time or other."""
    return Clock()


def test_nobodys_document_is_not_open(clock: Clock) -> None:
    """What was never touched or held is closed."""
    assert not OpenDocuments(10, clock).is_open("a")


def test_a_touch_lasts_exactly_its_time(clock: Clock) -> None:
    """GIVEN a touch WHEN just less than the time has gone THEN it is open, and closed at the time itself."""
    documents = OpenDocuments(10, clock)
    documents.touch("a")
    clock.now_s += 9.999
    assert documents.is_open("a")
    clock.now_s = 1010.0
    assert not documents.is_open("a")


def test_a_second_touch_counts_anew(clock: Clock) -> None:
    """The last touch decides, not the first."""
    documents = OpenDocuments(10, clock)
    documents.touch("a")
    clock.now_s += 8
    documents.touch("a")
    clock.now_s += 8
    assert documents.is_open("a")


def test_held_by_two_it_is_open_until_both_are_gone(clock: Clock) -> None:
    """A stream that ends does not close what a job still makes, whatever time has passed."""
    documents = OpenDocuments(10, clock)
    with documents.hold("a"):
        with documents.hold("a"):
            clock.now_s += 1000
            assert documents.is_open("a")
        assert documents.is_open("a")
    assert not documents.is_open("a")


def test_a_hold_ends_with_its_failure_too(clock: Clock) -> None:
    """A job that fails does not keep its document for ever."""
    documents = OpenDocuments(10, clock)
    with pytest.raises(ZeroDivisionError), documents.hold("a"):
        _ = 1 / 0
    assert not documents.is_open("a")


def test_no_time_at_all_leaves_only_holding(clock: Clock) -> None:
    """With `open_s` 0 a touch opens nothing, and is not remembered."""
    documents = OpenDocuments(0, clock)
    documents.touch("a")
    assert not documents.is_open("a")
    assert not documents._touched
    with documents.hold("a"):
        assert documents.is_open("a")


def test_what_is_over_is_forgotten(clock: Clock) -> None:
    """The memory holds what was touched lately, not all that ever was."""
    documents = OpenDocuments(10, clock)
    for number in range(100):
        documents.touch(str(number))
        clock.now_s += 1
    assert len(documents._touched) == 10
    with documents.hold("a"):
        pass
    assert not documents._held


def test_the_memory_is_bounded_within_the_time_too(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN more documents at once than are kept THEN the one that was touched longest ago is forgotten."""
    monkeypatch.setattr(open_documents, "_MOST_TOUCHED", 2)
    documents = OpenDocuments(10, clock)
    for name in ("a", "b", "a", "c"):
        documents.touch(name)
    assert [documents.is_open(name) for name in ("a", "b", "c")] == [True, False, True]


def test_many_threads_leave_the_counts_right() -> None:
    """Holding and touching from many threads at once loses no count."""
    documents = OpenDocuments(1000)
    start = threading.Barrier(8)

    def use() -> None:
        start.wait()
        for number in range(500):
            with documents.hold("a"):
                documents.touch(str(number % 7))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not documents.is_open("a")
    assert len(documents._touched) == 7
