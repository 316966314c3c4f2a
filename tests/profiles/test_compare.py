import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from profiles.compare import ALL_SCENARIOS, Options, _by_upstream, compare, exit_code, with_pregeneration
from profiles.errors import OomproofError
from profiles.load import Upstream
from profiles.progress import Progress
from profiles.scenario import Scenario, load_scenario, with_load, with_upstream
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


def test_a_store_is_made_without_faults_and_with_all_that_is_read_from_it() -> None:
    """GIVEN faults and a mix with dialogue THEN pre-generation has the latency and the dialogue, and no fault."""
    faulty = with_upstream(load_scenario("cached"), "1-2", ["429"])
    people = with_load(load_scenario("cached"), mix="steady=9,dialogue=1").model_copy(
        update={"name": "people"}
    )
    made = with_pregeneration([faulty, people])[0]
    assert made.upstream.model_dump() == {"latency": "1-2", "faults": []}
    assert "dialogue" in made.load.kinds


def test_one_store_is_not_made_of_different_documents() -> None:
    """GIVEN one scenario that reads dialogue alone and one that does not THEN they are to be compared apart."""
    alone = with_load(load_scenario("cached"), mix="dialogue").model_copy(update={"name": "alone"})
    with pytest.raises(
        OomproofError, match=r"'alone' and 'cached': they read different documents, .* apart\."
    ):
        with_pregeneration([load_scenario("cached"), alone])
    assert with_pregeneration([alone])[0].load.mix == "dialogue"


def test_scenarios_share_an_upstream_only_under_the_same_conditions() -> None:
    """GIVEN neighbours that differ in pace, seed, latency or faults THEN each such group has its own upstream."""
    live = load_scenario("live")
    others = [
        with_load(live, pace=2.0),
        with_load(live, pace=2.0, seed=9),
        with_upstream(live, "1", []),
        with_upstream(live, None, ["429"]),
        with_upstream(live, None, ["429", "500"]),
    ]
    assert [len(group) for group in _by_upstream([live, load_scenario("live-bounded"), *others])] == [2] + [
        1
    ] * 5


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (with_upstream(load_scenario("live"), None, ["429"]), "'live' sets latency or faults, which only"),
        (with_upstream(load_scenario("live"), "1", []), "'live' sets latency or faults, which only"),
    ],
    ids=["faults", "latency"],
)
def test_another_speech_api_has_its_own_latency_and_faults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: Scenario, complaint: str
) -> None:
    """GIVEN --upstream and a scenario that wants faults THEN one line says that both cannot be."""
    monkeypatch.setattr("profiles.compare.check_privilege", lambda: None)
    other = Upstream("http://127.0.0.1:9/v1", "none", own=False)
    with pytest.raises(OomproofError, match=complaint):
        compare([changed], Options(tmp_path, VmSize(256, 2, 0.125), upstream=other), QUIET)


def test_a_document_is_not_given_to_who_reads_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN --document and a mix of dialogue alone THEN one line says so, and the way out."""
    monkeypatch.setattr("profiles.compare.check_privilege", lambda: None)
    (tmp_path / "book.pdf").write_text("")
    options = Options(tmp_path / "out", VmSize(256, 2, 0.125), document=tmp_path / "book.pdf")
    alone = with_load(load_scenario("live"), mix="dialogue")
    with pytest.raises(OomproofError, match=r"book\.pdf: in scenario 'live' all read dialogue.*--mix steady"):
        compare([alone], options, QUIET)


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
