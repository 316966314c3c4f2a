"""The load generator's case: what is asked for, who asks, and what is said when somebody cannot be had."""

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from benchmarks.cases import CASES
from benchmarks.errors import BenchmarkError
from benchmarks.suite import load_generator
from benchmarks.suite.load_generator_figures import CPU, HTTP_USER, OURS, RSS, WRK
from benchmarks.suite.measured import Effort


def test_each_block_is_asked_for_as_the_file_server_knows_it(tmp_path: Path) -> None:
    """GIVEN files of three blocks THEN chunk and timings of each are asked for, as pages are numbered."""
    for name in ("10-0", "2-0", "2-11"):
        (tmp_path / "chunk").mkdir(exist_ok=True)
        (tmp_path / "chunk" / name).touch()
    asked = [urlsplit(path) for path in load_generator.asked(tmp_path)]
    assert [url.path for url in asked] == ["/api/tts/chunk", "/api/tts/timings"] * 3
    places = [parse_qs(url.query) for url in asked[::2]]
    assert places == [
        {"page": [page], "blockIndex": [block]} for page, block in (("2", "0"), ("2", "11"), ("10", "0"))
    ]


def test_our_users_and_the_minimal_ones_are_the_cases_that_they_are_called() -> None:
    """GIVEN the names of the users THEN ours are ReaderUsers, and the peer is built on python-requests."""
    users = {case.name: case.users for case in CASES}
    assert {name: users[case] for name, case in load_generator.USERS.items()} == {
        OURS: "ReaderUser",
        HTTP_USER: "MinimalHttpUser",
    }


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin") is None, reason="needs nginx")
def test_without_wrk_the_others_are_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN real users, nginx, real chunks, and no wrk THEN the users have figures, and a note says who has none."""

    def not_here(_: object) -> str:
        raise BenchmarkError("wrk: is not here")

    monkeypatch.setattr(load_generator, "find_wrk", not_here)
    monkeypatch.setattr(load_generator, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(load_generator, "BLOCKS", 4)
    monkeypatch.setattr(load_generator, "ALIGNER", "none")
    monkeypatch.setattr(
        Effort, "of", lambda _, short, __: {200: 10, (4.0, 6.0): (1.0, 3.0)}.get(short, short)
    )
    (tmp_path / "case").mkdir()
    found = load_generator.measure(Effort(full=False), tmp_path / "case", lambda _: None)
    assert {figure.subject for figure in found.figures} == {OURS, HTTP_USER}
    assert "No figure of wrk: wrk: is not here" in found.notes
    assert {(ratio.quantity, ratio.peer) for ratio in found.ratios} == {(CPU, HTTP_USER), (RSS, HTTP_USER)}
    assert WRK not in dict(found.versions)
