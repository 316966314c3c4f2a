from functools import partial

from loadtests.timeline import Timeline


def test_what_is_due_happens_in_order_each_at_its_own_time() -> None:
    """However late it is noticed; what was told first for one time comes first."""
    timeline, seen = Timeline(1.0), list[tuple[str, float]]()

    def note(name: str, t: float) -> None:
        seen.append((name, t))

    for name, t in (("c", 3.0), ("a", 1.0), ("b", 1.0), ("z", 9.0)):
        timeline.at(t, partial(note, name))
    timeline.run_due(5.0)
    assert seen == [("a", 1.0), ("b", 1.0), ("c", 3.0)]
    assert timeline.next_t == 9.0


def test_what_comes_before_others_does_so_at_the_same_time() -> None:
    """Even if it was told later."""
    timeline, seen = Timeline(1.0), list[str]()
    timeline.at(1.0, lambda _: seen.append("later"))
    timeline.at(1.0, lambda _: seen.append("sooner"), before_others=True)
    timeline.run_due(1.0)
    assert seen == ["sooner", "later"]


def test_session_seconds_are_divided_by_the_pace() -> None:
    """Ten session seconds after 100 are at 102 at pace 5."""
    timeline = Timeline(5.0)
    timeline.after(100.0, 10.0, lambda _: None)
    assert timeline.next_t == 102.0


def test_what_happens_may_let_more_happen_that_is_due() -> None:
    """A timer that is set by a timer acts in the same run if its time has come."""
    timeline, seen = Timeline(1.0), list[float]()
    timeline.at(1.0, lambda t: timeline.after(t, 1.0, seen.append))
    timeline.run_due(2.0)
    assert seen == [2.0]


def test_a_cleared_timeline_has_nothing_to_do() -> None:
    """Nothing is due any more, at any time."""
    timeline = Timeline(1.0)
    timeline.at(1.0, lambda _: None)
    timeline.clear()
    assert timeline.next_t is None


def test_the_latest_time_is_that_of_what_has_happened() -> None:
    """Not that of what is still to come, and it does not go back when something was due earlier."""
    timeline = Timeline(1.0)
    for t in (5.0, 9.0):
        timeline.at(t, lambda _: None)
    timeline.run_due(6.0)
    timeline.at(2.0, lambda _: None)
    timeline.run_due(6.0)
    assert timeline.latest_t == 5.0
