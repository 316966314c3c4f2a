from loadtests.actions import Unhighlighted
from loadtests.chapters import Block
from loadtests.playback import Playback

BLOCK = Block(1, 0, "Text.", "hash")


def playback(*, highlighted: bool = False) -> Playback:
    """A block of 10 s that began at 100."""
    return Playback(BLOCK, 100.0, 10.0, highlighted=highlighted)


def test_the_end_moves_by_what_was_paused() -> None:
    """No end while it is paused; heard in two pieces, a block ends when all of it was heard."""
    block = playback()
    ends = [block.ends_t]
    block.pause(104.0)
    ends.append(block.ends_t)
    block.resume(200.0)
    ends.append(block.ends_t)
    block.pause(205.0)
    block.resume(300.0)
    assert [*ends, block.ends_t] == [110.0, None, 206.0, 301.0]


def test_timings_that_never_come_are_missed_for_all_that_was_heard() -> None:
    """6 s heard in two pieces, none of it highlighted."""
    block = playback()
    block.pause(104.0)
    block.resume(200.0)
    assert block.unhighlighted(202.0) == Unhighlighted(BLOCK, 100.0, 6.0, never=True)


def test_timings_that_come_late_are_missed_until_then() -> None:
    """The first answer counts, and what plays after it is highlighted."""
    block = playback()
    block.timings_came(103.0)
    block.timings_came(105.0)
    assert block.unhighlighted(110.0) == Unhighlighted(BLOCK, 100.0, 3.0, never=False)


def test_nothing_is_told_of_a_block_whose_timings_were_there() -> None:
    """There when it began, or stamped earlier and told later."""
    assert playback(highlighted=True).unhighlighted(110.0) is None
    block = playback()
    block.timings_came(99.99)
    assert block.unhighlighted(110.0) is None
