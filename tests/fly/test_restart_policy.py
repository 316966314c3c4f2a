from __future__ import annotations

import pytest

from tests.fly.restart_policy import MOST_RESTARTS, WITHIN_S, RestartPolicy


def test_ten_failures_in_five_minutes_are_restarted_and_the_eleventh_is_not() -> None:
    """GIVEN a machine that fails every ten seconds THEN its eleventh end is its last."""
    policy = RestartPolicy()
    assert [policy.restarts(137, 10.0 * index) for index in range(11)] == [True] * MOST_RESTARTS + [False]


def test_what_is_older_than_five_minutes_does_not_count() -> None:
    """GIVEN ten restarts WHEN the first is five minutes ago THEN there is one more, and not a moment before."""
    policy = RestartPolicy()
    assert all(policy.restarts(137, float(index)) for index in range(MOST_RESTARTS))
    assert not policy.restarts(137, WITHIN_S - 0.001)
    assert policy.restarts(137, WITHIN_S)
    assert not policy.restarts(137, WITHIN_S)


@pytest.mark.parametrize(
    ("policy", "on_success", "on_failure"),
    [("on-failure", False, True), ("always", True, True), ("no", False, False)],
)
def test_the_policy_says_after_which_end(policy: str, on_success: bool, on_failure: bool) -> None:  # noqa: FBT001
    """GIVEN each of Fly's policies THEN success and failure restart as it says."""
    assert RestartPolicy(policy).restarts(0, 0.0) is on_success  # type: ignore[arg-type]
    assert RestartPolicy(policy).restarts(1, 0.0) is on_failure  # type: ignore[arg-type]


def test_a_machine_that_somebody_starts_begins_anew() -> None:
    """GIVEN a policy that has given up WHEN somebody starts the machine THEN it is restarted again."""
    policy = RestartPolicy(most=1)
    assert [policy.restarts(1, 0.0), policy.restarts(1, 0.0)] == [True, False]
    policy.forget()
    assert policy.restarts(1, 0.0)
