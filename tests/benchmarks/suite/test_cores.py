"""Which core does what."""

import os

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.cores import Cores, held_to, two_cores


def test_server_and_load_have_the_first_and_the_last_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN four cores THEN the first is the server's, and the last the load's."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2, 3, 5})
    assert two_cores() == Cores(server=1, load=5)


def test_one_core_is_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN one core THEN it is said what is needed."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(BenchmarkError, match="need one each"):
        two_cores()


def test_a_thread_is_held_to_a_core_only_meanwhile() -> None:
    """GIVEN this thread WHEN it is held THEN it has that core alone, and afterwards those it had."""
    before = os.sched_getaffinity(0)
    core = min(before)
    with held_to(core):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == before
