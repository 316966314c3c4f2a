"""The search is tested as a law: any threshold is found, within the tolerance, in few runs."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from profiles.capacity_search import Answer, Bounds, Plan, bounds, next_size


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any place to begin, any most, any tolerance."""
    most = draw(st.integers(1, 5000))
    return Plan(draw(st.integers(1, most)), most, draw(st.floats(1.0, 4.0)))


def search(plan: Plan, answer: Callable[[int], Answer]) -> dict[int, Answer]:
    """Ask until nothing is left to ask."""
    answers: dict[int, Answer] = {}
    while (size := next_size(plan, answers)) is not None:
        assert size not in answers, f"{size} asked for twice"
        assert 1 <= size <= plan.most
        answers[size] = answer(size)
    return answers


def threshold(carried: int) -> Callable[[int], Answer]:
    """Up to so many readers are carried."""
    return lambda size: "carried" if size <= carried else "failed"


@given(plans(), st.integers(0, 6000))
def test_any_threshold_is_found_within_the_tolerance_in_a_bounded_number_of_runs(
    plan: Plan, carried: int
) -> None:
    """GIVEN a VM that carries so many THEN the bounds enclose it, close enough, after no more runs than are stated."""
    answers = search(plan, threshold(carried))
    found = bounds(answers)
    low = found.carried or 0
    assert len(answers) <= plan.most_sizes
    assert low <= carried
    if found.failed is None:
        assert low == plan.most <= carried
    else:
        assert carried < found.failed
        assert found.failed - low == 1 or found.failed <= low * plan.within


@given(plans(), st.data())
def test_answers_that_contradict_each_other_end_too(plan: Plan, data: st.DataObject) -> None:
    """GIVEN answers drawn by chance THEN the search ends as soon, between a number carried and one that failed."""
    answers = search(plan, lambda _: data.draw(st.sampled_from(["carried", "failed"])))
    found = bounds(answers)
    assert len(answers) <= plan.most_sizes
    assert found.failed is None or (found.carried or 0) < found.failed


def test_the_usual_search_is_short() -> None:
    """From 4 readers, a VM that carries 11: 4, 8, 16 fails, then 11, 13 fails; within a factor of 1.25."""
    answers = search(Plan(), threshold(11))
    assert list(answers) == [4, 8, 16, 11, 13]
    assert bounds(answers) == Bounds(carried=11, failed=13)


def test_it_goes_down_when_the_first_number_fails() -> None:
    """A VM that carries nobody is asked for 4, 2 and 1."""
    assert list(search(Plan(), threshold(0))) == [4, 2, 1]


def test_the_most_is_tried_itself() -> None:
    """GIVEN a most that no doubling meets THEN it is the last number."""
    assert list(search(Plan(most=20), threshold(99))) == [4, 8, 16, 20]


def test_the_generators_limit_ends_the_search_and_is_no_bound_of_the_vm() -> None:
    """GIVEN a generator that cannot play 16 THEN 8 are carried, nothing failed, and nothing more is asked."""
    answers = search(Plan(), lambda size: "carried" if size < 16 else "generator")
    assert bounds(answers) == Bounds(carried=8, generator=16)


def test_this_machines_limit_ends_it_as_the_generators_does() -> None:
    """GIVEN a machine whose CPU ends at 16 THEN at least 8 are carried, and no number failed."""
    answers = search(Plan(), lambda size: "carried" if size < 16 else "machine")
    assert bounds(answers) == Bounds(carried=8, machine=16)


def test_a_limit_that_is_not_the_vms_at_the_first_number_is_gone_below() -> None:
    """GIVEN --from 64 and a generator that plays 20 THEN 64, 32 and 16 are tried, and 16 are carried at least."""
    answers = search(Plan(first=64), lambda size: "carried" if size <= 20 else "generator")
    assert list(answers) == [64, 32, 16]
    assert bounds(answers) == Bounds(carried=16, generator=32)
    answers = search(Plan(first=64), lambda size: "generator" if size == 64 else threshold(20)(size))
    assert bounds(answers) == Bounds(carried=19, failed=23)


def test_a_limit_that_is_not_the_vms_below_a_failed_number_is_gone_below_too() -> None:
    """GIVEN 8 that fail, and nothing smaller that can be judged THEN all are tried, and one reader has not failed."""
    answers = search(
        Plan(first=8), lambda size: "failed" if size == 8 else "machine" if size > 2 else "generator"
    )
    assert list(answers) == [8, 4, 2, 1]
    assert bounds(answers) == Bounds(failed=8, generator=1, machine=4)


@given(plans(), st.data())
def test_limits_that_are_not_the_vms_let_every_search_end(plan: Plan, data: st.DataObject) -> None:
    """GIVEN answers drawn by chance, such limits among them THEN it ends as soon, and gives up over nothing carried."""
    drawn: st.SearchStrategy[Answer] = st.sampled_from(["carried", "failed", "generator", "machine"])
    answers = search(plan, lambda _: data.draw(drawn))
    assert len(answers) <= plan.most_sizes
    assert bounds(answers).carried is not None or 1 in answers


def test_what_cannot_be_measured_ends_the_search() -> None:
    """GIVEN a number at which nothing valid is measured THEN what was found before stands."""
    answers = search(Plan(), lambda size: "broken" if size == 11 else threshold(13)(size))
    assert bounds(answers) == Bounds(carried=8, failed=16, broken=11)


@given(st.dictionaries(st.integers(1, 99), st.sampled_from(["carried", "failed", "generator", "broken"])))
def test_a_number_is_not_called_carried_when_a_smaller_one_failed(answers: dict[int, Answer]) -> None:
    """GIVEN any answers, as of runs held against another aim THEN the bound is below all that failed, the rest odd."""
    found = bounds(answers)
    carried = [size for size, answer in answers.items() if answer == "carried"]
    failed = [size for size, answer in answers.items() if answer == "failed"]
    assert all((found.carried or 0) < size for size in failed)
    assert {found.carried, found.odd} >= ({max(carried)} if carried else set())
