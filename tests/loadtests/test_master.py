import pytest
from locust import User
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode

from loadtests.load import reader_numbers
from loadtests.master import ranks_of


class Reader(User):
    """Somebody to be dispatched."""


@pytest.mark.parametrize(
    "workers",
    [["one_b"], ["one_b", "one_a"], ["one_b", "two_a", "one_a"], ["c_1", "b_2", "b_1", "a_9", "a_8", "b_0"]],
)
@pytest.mark.parametrize("readers", [1, 2, 5, 6, 7, 20])
def test_ranks_follow_the_order_in_which_locust_gives_out_users(workers: list[str], readers: int) -> None:
    """So that N readers have the numbers 0 to N - 1, whatever the number of workers, even where they share unevenly."""
    dispatcher = UsersDispatcher([WorkerNode(worker) for worker in workers], [Reader])
    dispatcher.new_dispatch(target_user_count=readers, spawn_rate=readers)
    given = list(dispatcher)[-1]
    ranks = ranks_of(workers)
    numbers = [
        number
        for worker in workers
        for number, _ in zip(
            reader_numbers(ranks[worker], len(workers), 0), range(given[worker]["Reader"]), strict=False
        )
    ]
    assert sorted(numbers) == list(range(readers))


def test_a_worker_who_comes_later_has_numbers_of_its_own() -> None:
    """Its readers are none of those that the others have or will have."""
    later = reader_numbers(None, 2, 3)
    assert [next(later), next(later)] == [3_000_000, 3_000_001]
