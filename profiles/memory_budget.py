"""A plugin for pytest: a memory budget for your own endpoints, in your own suite. In words: docs/guide/own-suite.md.

pytest imports this module in every one of its runs, also where no test has a budget, and before coverage begins to
measure. So it holds names only; what does the work is imported by the first test that is marked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from profiles.memory_budget_fixture import MemoryBudget

MARK = "memory_budget"
_MEANING = (
    f"{MARK}(rss_mb, growth_kib_per_call, children): what a process and all below it may hold at most, in MB of RSS; "
    "by how much that may grow with each call; how many processes below it there may be at once."
)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _MEANING)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have the rules for marked tests kept, where there is such a test."""
    if any(item.get_closest_marker(MARK) for item in session.items):
        from profiles.memory_budget_rules import BudgetRules  # noqa: PLC0415 - see the module's own words

        session.config.pluginmanager.register(BudgetRules(), f"{MARK}-rules")


@pytest.fixture
def memory_budget(request: pytest.FixtureRequest) -> MemoryBudget:
    """Measures memory, and holds it against the budget that the test is marked with."""
    from profiles.memory_budget_fixture import budget_of  # noqa: PLC0415 - see the module's own words

    return budget_of(request.node)
