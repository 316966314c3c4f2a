"""Fixtures and rules that every part's tests share."""

import os
import signal

import pytest
from hypothesis import settings

CI = "CI"
"""Set by CI: there a test that is skipped is a test that fails, for nobody reads why."""

LONGEST = (
    "test_soak.py",
    "test_gate.py",
    "test_controls.py",
    "test_openapi_conformance.py",
    "test_kill_pregeneration.py",
    "test_page_memory.py",
    "test_long_reading.py",
    "test_revision.py",
    "test_replay.py",
    "test_server_memory.py",
    "test_accessibility.py",
    "test_bad_input.py",
    "test_pictures.py",
    "test_cgroup_v2.py",
)
"""Modules that take a minute or nearly so, in the order that they are begun: whoever begins one last is waited for.

`test_compare.py` is none of them: what it expects of a server that is not starved comes when `test_soak.py`, which for
its first half takes all CPU that it gets, is beyond that.
"""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job is begun so, and all that the tests start, and end with Ctrl-C, would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")  # no test is about time: on a busy machine an example may take long


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest modules, then those with any slow test; all else keeps its order."""
    begun = {name: at for at, name in enumerate(LONGEST)}
    slow = {
        item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("kernel")
    }
    items.sort(key=lambda item: begun.get(item.path.name, len(LONGEST) + (item.path not in slow)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let a session with skipped tests fail in CI; their reasons stand in the summary."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", ())) if reporter else 0
    if reporter and skipped and os.environ.get(CI) and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"\n{skipped} skipped, which CI takes for failed", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
