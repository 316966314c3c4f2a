"""Where results go, and that nothing published is lost unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import publish
from benchmarks.suite.result import FILE
from tests.benchmarks.suite import results


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with a result of two cases."""
    cases = [results.case("chunk_serving"), results.case("watching")]
    (tmp_path / FILE).write_text(json.dumps(results.result(cases)))
    return tmp_path


def test_an_empty_place_is_free(tmp_path: Path) -> None:
    """GIVEN a folder that is empty, or not there THEN it may be written."""
    for out in (tmp_path, tmp_path / "new"):
        publish.check_free(out, ["watching"], overwrite=False, keep=None)


def test_a_published_result_is_not_overwritten_unasked(published: Path) -> None:
    """GIVEN a published result THEN one line names it and the way out; asked for, as many cases may replace it."""
    names = ["chunk_serving", "watching"]
    with pytest.raises(BenchmarkError, match="has a result already") as refused:
        publish.check_free(published, names, overwrite=False, keep=None)
    assert str(published) in str(refused.value)
    assert "\n" not in str(refused.value)
    publish.check_free(published, names, overwrite=True, keep=None)


def test_published_cases_are_not_lost_by_measuring_fewer(published: Path) -> None:
    """GIVEN a published result of two cases WHEN one is measured THEN the other is named, and how to keep it."""
    with pytest.raises(BenchmarkError, match=r"watching would be lost.* Add --keep"):
        publish.check_free(published, ["chunk_serving"], overwrite=True, keep=None)
    with pytest.raises(BenchmarkError, match=r"watching would be lost.* Measure them too"):
        publish.check_free(published, ["chunk_serving"], overwrite=True, keep=published)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """GIVEN a folder with other files, or a file in its place THEN it is refused, even when told to overwrite."""
    (tmp_path / "mine.txt").write_text("x")
    for out in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(BenchmarkError, match="not a result of the suite"):
            publish.check_free(out, [], overwrite=True, keep=None)


def test_a_result_is_published_whole(tmp_path: Path) -> None:
    """GIVEN a result THEN value, page and pictures are there, and the page shows each picture that was drawn."""
    value = results.result([results.case("chunk_serving"), results.case("store_scale", results.STORED)])
    publish.publish(value, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    drawn = ("overview", "chunk_serving", "store_scale", "growth")
    assert names == {FILE, "bench.md", *(f"{stem}{end}" for stem in drawn for end in (".svg", ".png"))}
    assert json.loads((tmp_path / FILE).read_text()) == value
    assert "](chunk_serving.svg)" in (tmp_path / "bench.md").read_text()


def test_pictures_of_a_case_that_is_gone_go_too(tmp_path: Path) -> None:
    """GIVEN a published result WHEN one without a case's figures follows THEN its picture is removed, others stay."""
    publish.publish(results.result([results.case("chunk_serving")]), tmp_path)
    publish.publish(results.result([results.case("watching")]), tmp_path)
    assert {path.stem for path in tmp_path.glob("*.svg")} == {"watching", "overview"}


def test_logs_of_a_failed_case_are_kept(tmp_path: Path) -> None:
    """GIVEN a case's folder with logs at several places THEN they alone are kept, under names that tell where."""
    work = tmp_path / "work"
    (work / "nginx").mkdir(parents=True)
    (work / "server.log").write_text("a")
    (work / "nginx" / "error.log").write_text("b")
    (work / "nginx" / "chunk.mp3").write_text("c")
    publish.keep_logs(work, tmp_path / "logs")
    assert {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()} == {
        "server.log": "a",
        "nginx-error.log": "b",
    }


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """GIVEN a root THEN a new folder is made below build/bench, where git looks away."""
    made = [publish.new_aside(tmp_path) for _ in range(3)]
    assert len(set(made)) == 3
    assert all(folder.is_dir() and folder.parent == tmp_path / "build" / "bench" for folder in made)
