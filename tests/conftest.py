"""Fixtures and rules that every part's tests share."""

import os

import pytest
from hypothesis import settings

CI = "CI"
"""Set by CI: there a test that is skipped is a test that fails, for nobody reads why."""

LONGEST = (
    "test_openapi_conformance.py",
    "test_kill_pregeneration.py",
    "test_revision.py",
    "test_server_memory.py",
    "test_replay.py",
    "test_page_memory.py",
    "test_long_reading.py",
    "test_accessibility.py",
    "test_bad_input.py",
)
"""Modules that take a minute and more, in the order that they are begun: whoever begins one last is waited for."""

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")  # no test is about time: on a busy machine an example may take long


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest modules; all else keeps its order."""
    begun = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: begun.get(item.path.name, len(LONGEST)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a session with skipped tests fail in CI; their reasons stand in the summary."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if reporter and skipped and os.environ.get(CI) and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped, which CI takes for failed", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
