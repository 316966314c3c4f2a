from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from profiles.errors import EXIT_INVALID, EXIT_USAGE, OomproofError
from profiles.gate.baseline import (
    BASELINE_FOLDER,
    Baseline,
    baseline_of,
    baseline_path,
    check_committed,
    check_worth_keeping,
    read_baseline,
    to_gate_runs,
    write_baseline,
)
from profiles.gate.conditions import Conditions, conditions_of
from profiles.gate.gate_run import gate_run
from profiles.gate.outcome import GateRun
from profiles.gate.tree_state import TreeState
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord

PUBLISHED = Path(__file__).parents[3] / "reports" / "compare" / "cached"
RUN = GateRun(
    verdict="survived",
    figures={
        "peak_tree_rss_mb": 81.44,
        "steady_rss_mb": 80.9,
        "peak_anon_mb": 73.2,
        "growth_bytes_per_session": -3.14159,
        "chunk_p95_ms": None,
    },
    met=True,
    evidence=("no kill, no restart, healthy after the load",),
    started_at="2026-11-23T06:05:22+00:00",
    duration_s=21.73,
    peak_vm_mb=104.52,
    peak_vm_kept_mb=51.98,
    host_psi_some=3.972,
    folder=Path("reports/runs/x"),
    curve=((0.02, 61.5), (2.12, 81.4), (4.2, 80.9)),
)
DIED = replace(RUN, verdict="oom_killed", met=False, evidence=("Killed process 4242 (python)",))
ANEW = "Take it from version control, or write it anew with: oomproof baseline gate-cached --replace"
VALUES: tuple[Any, ...] = ("text", 7, 2.5, True, None, [], {}, ["text"], {"key": 1}, [[1.0, 2.0]])


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    """Conditions of a run that was really made, with one version of many."""
    found = conditions_of(RunFolder(PUBLISHED))
    return found.model_copy(update={"versions": {"oomproof": "0.1.0"}})


@pytest.fixture
def baseline(conditions: Conditions) -> Baseline:
    """A small baseline: one run that survived, one that did not."""
    return baseline_of("gate-cached", [RUN, DIED], conditions, commit="a32e9ed", dirty=False)


@pytest.fixture
def path(tmp_path: Path, baseline: Baseline) -> Path:
    """The file of that baseline."""
    path = baseline_path(tmp_path / "baselines", "gate-cached")
    write_baseline(baseline, path, replace=False)
    return path


def refusal(path: Path) -> str:
    """What is said of a file that is no baseline: one line that names it, and whose exit code is wrong use."""
    with pytest.raises(OomproofError) as caught:
        read_baseline(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    assert caught.value.exit_code == EXIT_USAGE
    return said.removeprefix(f"{path}: ")


def test_what_is_written_is_read_as_it_was(path: Path, baseline: Baseline) -> None:
    """GIVEN a baseline in its file THEN what is read is the same, and nothing is left beside it."""
    assert read_baseline(path) == baseline
    assert [file.name for file in path.parent.iterdir()] == ["gate-cached.json"]


def test_a_published_run_can_be_a_baseline(tmp_path: Path, conditions: Conditions) -> None:
    """GIVEN a run that was really made THEN the gate sees it in the baseline as it saw it when new."""
    record = VerdictRecord.model_validate(RunFolder(PUBLISHED).verdict)
    run = gate_run(PUBLISHED, record)
    path = baseline_path(tmp_path, "cached")
    write_baseline(
        baseline_of("cached", [run], conditions, commit="a32e9ed", dirty=False), path, replace=False
    )
    assert to_gate_runs(read_baseline(path)) == (replace(run, folder=None, evidence=(), oom_kills=None),)


def test_a_runs_figures_are_one_line_and_its_curve_is_one(path: Path) -> None:
    """GIVEN the file THEN a person reads a run in a few lines, and a difference of two files is as short."""
    memory = '"peak_tree_rss_mb": 81.4, "steady_rss_mb": 80.9, "peak_anon_mb": 73.2'
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["{", '  "schema_version": 1,', '  "scenario": "gate-cached",']
    run = lines[lines.index('  "runs": [') + 1 :][:10]
    assert run == [
        "    {",
        '      "started_at": "2026-11-23T06:05:22+00:00",',
        '      "verdict": "survived",',
        '      "met": true,',
        '      "duration_s": 21.7,',
        '      "peak_vm_mb": 104.5,',
        '      "peak_vm_kept_mb": 52.0,',
        '      "host_psi_some": 3.97,',
        f'      "figures": {{{memory}, "growth_bytes_per_session": -3.1}},',
        '      "curve": [[0.02, 61.5], [2.12, 81.4], [4.2, 80.9]]',
    ]


def test_the_gate_gets_its_runs_back(baseline: Baseline) -> None:
    """GIVEN a baseline THEN its runs have a value for every metric, and evidence where they did not survive."""
    survived, died = to_gate_runs(baseline)
    assert survived.figures == {
        "peak_tree_rss_mb": 81.4,
        "steady_rss_mb": 80.9,
        "peak_anon_mb": 73.2,
        "growth_bytes_per_session": -3.1,
        "chunk_p95_ms": None,
    }
    assert (survived.evidence, died.evidence) == ((), DIED.evidence)
    assert (died.verdict, died.met, died.curve, died.folder) == ("oom_killed", False, RUN.curve, None)


def test_a_run_of_which_little_was_measured_is_remembered_as_such(
    tmp_path: Path, conditions: Conditions
) -> None:
    """GIVEN a run without duration, peak or pressure THEN the file holds no null, and they come back unknown."""
    run = GateRun(verdict="survived", figures=dict.fromkeys(RUN.figures))
    path = tmp_path / "s.json"
    write_baseline(baseline_of("s", [run], conditions, commit=None, dirty=True), path, replace=False)
    assert "null" not in path.read_text(encoding="utf-8")
    assert to_gate_runs(read_baseline(path)) == (run,)


def test_a_baseline_says_which_state_it_is_of(baseline: Baseline) -> None:
    """A report names the commit, and that it does not tell all."""
    assert baseline.described == "a32e9ed"
    assert baseline.model_copy(update={"dirty": True}).described == "a32e9ed with changes not committed"
    assert baseline.model_copy(update={"commit": None}).described == "a state that git does not know"
    assert datetime.fromisoformat(baseline.created_at).tzinfo is not None


def test_a_baseline_is_never_overwritten_unasked(path: Path, baseline: Baseline) -> None:
    """GIVEN a baseline in its place THEN another is refused with the way out, and written only when asked."""
    before = path.read_bytes()
    other = baseline.model_copy(update={"commit": "fc060ac"})
    with pytest.raises(
        OomproofError, match=r"gate-cached\.json: there is a baseline already. Give --replace"
    ):
        write_baseline(other, path, replace=False)
    assert path.read_bytes() == before
    write_baseline(other, path, replace=True)
    assert read_baseline(path).commit == "fc060ac"


def test_a_write_that_fails_leaves_the_baseline_that_was_there(
    path: Path, baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that is full half-way THEN the old file is whole, and no half of a new one lies about."""

    def full(aside: Path, text: str, encoding: str) -> int:
        aside.write_bytes(text[:100].encode(encoding))
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_baseline(baseline, path, replace=True)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["gate-cached.json"]


def test_baselines_lie_where_version_control_has_them() -> None:
    """The usual folder is the repository's."""
    assert baseline_path(BASELINE_FOLDER, "live") == Path("reports/baselines/live.json")


def test_a_missing_baseline_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    """GIVEN no file THEN the line says how to have one, and speaks of replacing nothing."""
    said = refusal(tmp_path / "my own.json")
    assert said == "there is no such baseline. Make one with: oomproof baseline 'my own'"


def test_a_baseline_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """GIVEN a folder in its place THEN the system's own word is the line."""
    (tmp_path / "live.json").mkdir()
    assert refusal(tmp_path / "live.json").startswith("Is a directory. ")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            '"schema_version": 1',
            '"schema_version": 2',
            "schema_version: 2 is of a newer oomproof; 1 is known",
        ),
        ('"schema_version": 1', '"schema_version": 0', "schema_version: 0 is unknown, 1 is known"),
        (
            '"schema_version": 1',
            '"schema_version": true',
            "schema_version: True: Input should be a valid int",
        ),
        ('"schema_version": 1,', "", "schema_version: is missing"),
        (
            '"scenario": "gate-cached"',
            '"scenario": "live"',
            "scenario: 'live' is not what the file is called",
        ),
        (
            '"steady_rss_mb": 80.9',
            '"steady_rss_mb": NaN',
            "runs.0.figures.steady_rss_mb: nan: Input should be",
        ),
        ('"steady_rss_mb": 80.9', '"steady_rss_mb": "80.9"', "runs.0.figures.steady_rss_mb: '80.9': Input"),
        ('"steady_rss_mb"', '"rss_mb"', "runs.0.figures: no metric is called 'rss_mb'. Known are peak_tree"),
        (
            '"verdict": "oom_killed"',
            '"verdict": "died"',
            "runs.1.verdict: 'died': Input should be 'survived'",
        ),
        ('"dirty": false', '"dirty": 0', "dirty: 0: Input should be a valid boolean"),
        ('"commit": "a32e9ed"', '"commit": null', "'commit': null, where what was not measured is left out"),
        ('"dirty": false', '"dirty": false, "dirty": true', "'dirty': stands twice in one place"),
        ('"dirty": false', '"dirty": false, "more": 1', "more: 1: Extra inputs are not permitted"),
        ('  "runs": [', "<<<<<<< ours", "not JSON (Expecting property name"),
        ("[2.12, 81.4]", "[2.12]", "runs.0.curve.1.1: is missing"),
        (
            '"pace": 5.0',
            '"pace": -5.0',
            "conditions.scenario.load.pace: -5.0: Input should be greater than 0",
        ),
    ],
)
def test_a_damaged_baseline_is_refused_with_place_and_way_out(
    path: Path, was: str, becomes: str, said: str
) -> None:
    """GIVEN one thing in the file that is not what it should be THEN one line names it, and what to do."""
    text = path.read_text(encoding="utf-8")
    assert was in text
    path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
    told = refusal(path)
    assert said in told
    assert told.endswith(f". {ANEW}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"[]", "[]: Input should be an object"),
        (b'"text"', "'text': Input should be an object"),
        (b'{"scenario": "\xff"}', "byte 14: not UTF-8 text"),
        (b"\x00\x01", "line 1, column 1: not JSON"),
        (b'{"scenario": "\\ud800"}', "Invalid JSON: "),
    ],
)
def test_what_is_no_baseline_at_all_is_refused(path: Path, content: bytes, said: str) -> None:
    """GIVEN another file under a baseline's name THEN one line says what it is not."""
    path.write_bytes(content)
    told = refusal(path)
    assert said in told
    assert told.endswith(f". {ANEW}")


def test_a_baseline_without_runs_is_refused(path: Path) -> None:
    """GIVEN a file whose runs were taken out THEN there is nothing to compare with, and it says so."""
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**found, "runs": []}), encoding="utf-8")
    assert refusal(path).startswith("runs: []: Tuple should have at least 1 item")


def test_a_file_cut_off_at_any_byte_is_refused(path: Path, baseline: Baseline) -> None:
    """GIVEN only the file's beginning THEN it is refused, however much is there; only its last newline is no loss."""
    whole = path.read_bytes()
    for cut in range(len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert ("cut off in line" in refusal(path)) == (cut > 0), cut
    path.write_bytes(whole[:-1])
    assert read_baseline(path) == baseline


def places(value: Any, replace_with: Callable[[Any], None]) -> Iterator[tuple[Any, Callable[[Any], None]]]:
    """Every value in JSON, and what puts another in its place."""
    yield value, replace_with
    steps = (
        list(value.items())
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in steps:
        yield from places(part, partial(value.__setitem__, key))


def kind(value: object) -> str:
    """The type of a JSON value: a whole number is a number as any other."""
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def test_a_value_of_another_type_is_refused_wherever_it_stands(path: Path) -> None:
    """GIVEN any value of the file replaced by one of another type THEN the file is refused."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    tried = 0
    for value, put in places(whole, lambda _: None):
        if value is whole:
            continue
        for other in VALUES:
            if kind(other) != kind(value):
                put(other)
                path.write_text(json.dumps(whole), encoding="utf-8")
                assert refusal(path).endswith(f". {ANEW}"), (value, other)
                tried += 1
        put(value)
    assert tried > 500


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (replace(RUN, duration_s=math.nan), "duration_s"),
        (replace(RUN, figures={"peak_anon_mb": math.nan}), "figures.peak_anon_mb"),
    ],
)
def test_a_number_that_is_none_makes_no_baseline(conditions: Conditions, run: GateRun, name: str) -> None:
    """GIVEN a run with a figure that is not finite THEN no baseline is made of it, and the line says which."""
    with pytest.raises(
        OomproofError, match=rf"baseline of live: runs\.1\.{name}: nan: .* Measure again"
    ) as caught:
        baseline_of("live", [RUN, run], conditions, commit="a", dirty=False)
    assert caught.value.exit_code == EXIT_INVALID


def test_no_baseline_is_made_of_a_profiled_server(conditions: Conditions) -> None:
    """GIVEN runs under memray, which costs memory THEN they are refused with the way out."""
    profiled = conditions.model_copy(update={"profiled": True})
    with pytest.raises(
        OomproofError, match=r"baseline of live: its server ran under memray.* without --memray"
    ):
        baseline_of("live", [RUN], profiled, commit="a32e9ed", dirty=False)


def test_runs_that_all_survived_at_a_commit_are_worth_keeping() -> None:
    """GIVEN a commit without changes, and runs that survived THEN nothing is refused."""
    check_committed(TreeState("a32e9ed", dirty=False))
    check_worth_keeping([RUN, RUN])


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            TreeState("a32e9ed", dirty=True),
            r"^baseline of a32e9ed with changes not committed: .* give --allow-dirty\.$",
        ),
        (TreeState(None, dirty=False), "^baseline of a state that git does not know: nobody could"),
    ],
)
def test_what_nobody_could_measure_again_is_refused(state: TreeState, said: str) -> None:
    """GIVEN a dirty tree, or one without a commit THEN no baseline is made."""
    with pytest.raises(OomproofError, match=said) as caught:
        check_committed(state)
    assert caught.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "^baseline: there are no runs"),
        (
            [RUN, DIED],
            r"^baseline: run 2 of 2 was oom_killed \(Killed process 4242 \(python\)\)\. .*measure again\.$",
        ),
        ([GateRun(verdict="invalid", figures={})], r"^baseline: run 1 of 1 was invalid\. "),
        (
            [RUN, replace(RUN, met=False, evidence=("no kill", "expected fallbacks = 0, found 480"))],
            r"^baseline: run 2 of 2 did not show what its scenario expects \(expected fallbacks = 0, found 480\)\. ",
        ),
        ([replace(RUN, met=False)], r"^baseline: run 1 of 1 did not show what its scenario expects\. "),
    ],
)
def test_runs_that_are_not_worth_keeping_are_refused(runs: list[GateRun], said: str) -> None:
    """GIVEN no run, or one that died or did something else THEN no baseline is made."""
    with pytest.raises(OomproofError, match=said) as caught:
        check_worth_keeping(runs)
    assert caught.value.exit_code == EXIT_INVALID
