import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from profiles.compare import Options, compare, exit_code, make_out
from profiles.errors import OomproofError
from profiles.load import Upstream
from profiles.progress import Progress
from profiles.scenario import Scenario, load_scenario, with_load, with_upstream
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import VmSize

QUIET = Progress(Console(quiet=True))


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
    monkeypatch.setattr("profiles.compare.check_privilege", lambda _: None)
    other = Upstream("http://127.0.0.1:9/v1", "none", own=False)
    with pytest.raises(OomproofError, match=complaint):
        compare([changed], Options(tmp_path, VmSize(256, 2, 0.125), upstream=other), QUIET)


def test_a_document_is_not_given_to_who_reads_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN --document and a mix of dialogue alone THEN one line says so, and the way out."""
    monkeypatch.setattr("profiles.compare.check_privilege", lambda _: None)
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


def test_results_cannot_lie_in_a_file(tmp_path: Path) -> None:
    """GIVEN --out that is a file, or below one THEN one line names the option and the way out."""
    file = tmp_path / "file"
    file.write_text("")
    for out in (file, file / "out"):
        with pytest.raises(OomproofError, match=rf"^--out {out}: .*\. Give a folder that can be written\.$"):
            make_out(out)


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
    monkeypatch.setattr("profiles.compare.check_privilege", lambda _: None)
    (tmp_path / "book.pdf").write_text("")
    options = Options(tmp_path / "out", VmSize(256, 2, 0.125), document=tmp_path / "book.pdf")
    verdicts = compare([load_scenario("live"), load_scenario("cached")], options, QUIET)
    assert ran == ["live", "pregenerate"]
    assert exit_code(verdicts) == 1
