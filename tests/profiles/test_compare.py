import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from profiles.compare import ALL_SCENARIOS, Options, compare, exit_code, with_pregeneration
from profiles.errors import OomproofError
from profiles.load import Upstream
from profiles.progress import Progress
from profiles.scenario import Scenario, load_scenario, with_load
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import VmSize

QUIET = Progress(Console(quiet=True))


def names(*chosen: str) -> list[str]:
    """The plan for some scenarios, by name."""
    return [scenario.name for scenario in with_pregeneration([load_scenario(name) for name in chosen])]


def test_pregeneration_is_made_once_before_the_first_who_needs_it() -> None:
    """GIVEN two scenarios that read chunks THEN one pre-generation comes before both."""
    assert names(*ALL_SCENARIOS) == ["live", "pregenerate", "cached-to-the-letter", "cached", "live-bounded"]


def test_nothing_is_pregenerated_for_who_does_not_need_it() -> None:
    """GIVEN live scenarios, or a plan that has it already THEN none is added."""
    assert names("live", "cached-without-cache") == ["live", "cached-without-cache"]
    assert names("pregenerate", "cached") == ["pregenerate", "cached"]


def test_pregeneration_makes_the_chapters_that_will_be_read() -> None:
    """GIVEN another load THEN the same seed, chapters and pace are pre-generated."""
    cached = with_load(load_scenario("cached"), seed=7, pace=2.0, chapters=3, blocks=5)
    made = with_pregeneration([cached])[0].load
    assert (made.kind, made.seed, made.pace, made.chapters, made.blocks) == ("pregenerate", 7, 2.0, 3, 5)


def test_results_are_never_overwritten(tmp_path: Path) -> None:
    """GIVEN a folder with something in it THEN it is refused in one line."""
    (tmp_path / "old").write_text("")
    options = Options(tmp_path, VmSize(256, 2, 0.125), document=tmp_path / "old")
    with pytest.raises(OomproofError, match="is not empty"):
        compare([load_scenario("live")], options, QUIET)


def test_a_document_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """GIVEN --document with a wrong path THEN the line names it, and nothing was made."""
    options = Options(tmp_path / "out", VmSize(256, 2, 0.125), document=tmp_path / "none.pdf")
    with pytest.raises(OomproofError, match=r"none\.pdf: no such file"):
        compare([load_scenario("live")], options, QUIET)
    assert not (tmp_path / "out").exists()


def test_without_a_store_nobody_reads_and_the_exit_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a pre-generation that was killed THEN cached is not run, and the comparison did not go as expected."""
    ran: list[str] = []

    def run(scenario: Scenario, *_: object) -> VerdictRecord:
        ran.append(scenario.name)
        verdict = "oom_killed" if scenario.name == "pregenerate" else "survived"
        return VerdictRecord(scenario=scenario.name, verdict=verdict, met=verdict == "survived")

    @contextlib.contextmanager
    def upstream(*_: object) -> Iterator[Upstream]:
        yield Upstream("http://127.0.0.1:9/v1", "none", own=False)

    monkeypatch.setattr("profiles.compare.run_scenario", run)
    monkeypatch.setattr("profiles.compare.own_upstream", upstream)
    monkeypatch.setattr("profiles.compare.check_privilege", lambda: None)
    (tmp_path / "book.pdf").write_text("")
    options = Options(tmp_path / "out", VmSize(256, 2, 0.125), document=tmp_path / "book.pdf")
    verdicts = compare([load_scenario("live"), load_scenario("cached")], options, QUIET)
    assert ran == ["live", "pregenerate"]
    assert exit_code(verdicts) == 1
