"""A marked test that measures nothing keeps no budget: it fails, rather than pass unseen."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from profiles.memory_budget import MARK
from profiles.memory_budget_fixture import GIVEN, NOTHING, marked_limits


class BudgetRules:
    """Hooks that are in force where a test of the run is marked."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Refuse a mark that cannot be used, and one on a test that does not ask for the fixture."""
        if item.get_closest_marker(MARK) is None:
            return
        marked_limits(item)
        if MARK not in getattr(item, "fixturenames", ()):
            pytest.fail(
                f"{item.name} is marked with a memory budget, and does not ask for the fixture {MARK}, so nobody "
                "would measure it. Mark only the tests that do.",
                pytrace=False,
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail a test that ended well, and left a limit of its budget unmeasured."""
        yield
        budget = item.stash.get(GIVEN, None)
        if budget is not None and (left := budget.unmeasured()):
            pytest.fail(
                f"{NOTHING} for {', '.join(left)}. Growth is measured by {MARK}.repeat(call), the rest by "
                f"{MARK}.watch(pid) too.",
                pytrace=False,
            )
