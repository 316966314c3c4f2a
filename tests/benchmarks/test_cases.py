"""The cases of a benchmark."""

from pathlib import Path

import pytest
from locust.argument_parser import LocustArgumentParser

from benchmarks.cases import CASES, Case, Cores, cores_here, load_of
from benchmarks.errors import BenchmarkError
from benchmarks.generator import SETTLE_S
from benchmarks.store import Store
from loadtests.options import add_options

STORE = Store(Path("chapters.json"), Path("docstore"), Path("files"), (16_000, 32_000), "none")


def test_our_readers_are_started_with_options_that_the_load_has() -> None:
    """GIVEN the case of our readers THEN each option it gives is one of the load's."""
    parser = LocustArgumentParser()
    add_options(parser)
    given = load_of(CASES[0], STORE, 10, 5.0, 20.0, Path()).arguments
    options = {argument for argument in given if argument.startswith("--")}
    assert options
    assert options <= set(parser._option_string_actions)


def test_a_session_outlasts_its_window() -> None:
    """GIVEN the case of our readers THEN no session ends before the run does."""
    load = load_of(CASES[0], STORE, 10, 5.0, 20.0, Path())
    session_s = float(load.arguments[list(load.arguments).index("--session-s") + 1])
    assert session_s > load.run_s > load.from_s + load.window_s


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_a_faster_load_reads_as_much_in_less_time(case: Case) -> None:
    """GIVEN pace 8 THEN readers settle in an eighth of the time, and are told the pace; sessions outlast the run."""
    load = load_of(case, STORE, 10, 5.0, 20.0, Path(), pace=8.0)
    assert load.from_s == 5.0 + SETTLE_S / 8
    arguments = list(load.arguments)
    if case.users == "ReaderUser":
        assert arguments[arguments.index("--pace") + 1] == "8"
        assert float(arguments[arguments.index("--session-s") + 1]) / 8 > load.run_s
    else:
        assert load.environment["MINIMAL_PACE"] == "8"


@pytest.mark.parametrize(
    ("cores", "load"), [(Cores(0, (1,)), (1, 1)), (Cores(0, (3, 2, 1)), (3, 2))], ids=["2 cores", "4 cores"]
)
def test_load_processes_have_cores_of_their_own_where_there_are_enough(
    cores: Cores, load: tuple[int, ...]
) -> None:
    """GIVEN a machine WHEN there are two load processes THEN neither is on the server's core."""
    assert cores.of_load(2) == load


def test_blocks_play_as_long_as_their_bytes_last() -> None:
    """GIVEN chunks of one and two seconds THEN a block plays one and a half on average."""
    assert STORE.mean_block_s == 1.5


def test_a_machine_of_one_core_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN one core THEN the error says what to do; GIVEN three THEN the server has the first, the load the others."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {4})
    with pytest.raises(BenchmarkError, match="one core only"):
        cores_here()
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 0, 1})
    assert cores_here() == Cores(0, (2, 1))
