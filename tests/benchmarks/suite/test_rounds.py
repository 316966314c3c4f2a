"""What is measured round by round, and whose turn it is."""

from benchmarks.suite.measured import Figure
from benchmarks.suite.rounds import Rounds, in_turn


def test_a_figure_has_its_values_in_the_order_of_the_rounds() -> None:
    """GIVEN values of two subjects by turns THEN each is a figure of its own, the first seen first."""
    rounds = Rounds()
    for value in (1.0, 2.0):
        rounds.add("ours", "idle", "CPU", "us", value)
        rounds.add("theirs", "idle", "CPU", "us", 10 * value)
    assert rounds.figures() == (
        Figure("ours", "idle", "CPU", "us", (1.0, 2.0)),
        Figure("theirs", "idle", "CPU", "us", (10.0, 20.0)),
    )


def test_figures_that_are_compared_stand_together() -> None:
    """GIVEN subjects measured one after the other in all ways THEN figures are by quantity, then by setting."""
    rounds = Rounds()
    for subject in ("ours", "theirs"):
        for setting in ("idle", "busy"):
            for quantity in ("CPU", "RSS"):
                rounds.add(subject, setting, quantity, "us", 1.0)
    found = [(one.quantity, one.setting, one.subject) for one in rounds.figures()]
    assert found == [
        (quantity, setting, subject)
        for quantity in ("CPU", "RSS")
        for setting in ("idle", "busy")
        for subject in ("ours", "theirs")
    ]


def test_each_subject_has_its_turn_in_every_round() -> None:
    """GIVEN four subjects THEN each round has each once, and over eight rounds each is first twice and last twice."""
    orders = [in_turn("abcd", number) for number in range(8)]
    assert all(sorted(order) == list("abcd") for order in orders)
    for place in (0, -1):
        assert sorted(order[place] for order in orders) == list("aabbccdd")


def test_two_subjects_alternate() -> None:
    """GIVEN two subjects THEN they swap places from round to round."""
    assert [in_turn("ab", number) for number in range(2)] == [["a", "b"], ["b", "a"]]
