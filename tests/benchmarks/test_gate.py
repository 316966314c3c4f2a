"""What the gate's benchmark measures next, and what it keeps: nothing is measured here."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import gate
from benchmarks.gate import EFFECTS, RUNS, Effect, Runs, chunks_per_session, main, wanted
from profiles.errors import EXIT_INTERRUPTED, EXIT_USAGE, OomproofError
from profiles.gate.outcome import GateRun
from profiles.run_folder import REQUEST_COLUMNS
from profiles.scenario import load_scenario

RUN = GateRun("survived", {"steady_rss_mb": 72.1}, started_at="2026-11-23T01:00:00+00:00", host_psi_some=0.5)


def filled(runs: Runs, name: str, count: int) -> None:
    """Put so many runs down."""
    runs.add(name, {"base": [RUN] * count}, 2)


def names(runs: Runs, pairs: range, repeat: int) -> list[str]:
    """What is missing."""
    return [name for name, _ in wanted(runs, pairs, repeat)]


def test_everything_is_missing_at_first(tmp_path: Path) -> None:
    """GIVEN no runs THEN each pair is missing once, and of each effect as many batches as make twenty runs."""
    found = names(Runs(tmp_path / "runs.jsonl"), range(1, 4), 20)
    assert found[:3] == ["pair-1", "pair-2", "pair-3"]
    assert found[3:7] == ["hold-2"] * 4
    assert len(found) == 3 + 4 * len(EFFECTS)


def test_what_is_there_is_not_measured_again(tmp_path: Path) -> None:
    """GIVEN a pair, one whole effect and one that was cut off after a batch THEN the rest alone is missing."""
    runs = Runs(tmp_path / "runs.jsonl")
    filled(runs, "pair-2", RUNS)
    filled(runs, "hold-2", 20)
    filled(runs, "hold-4", RUNS)
    found = names(Runs(tmp_path / "runs.jsonl"), range(1, 4), 20)
    assert found[:2] == ["pair-1", "pair-3"]
    assert (found.count("hold-2"), found.count("hold-4"), found.count("hold-6")) == (0, 3, 4)


def test_no_effect_is_measured_where_none_is_asked_for(tmp_path: Path) -> None:
    """GIVEN no repetitions THEN only pairs are missing; and without pairs nothing is."""
    runs = Runs(tmp_path / "runs.jsonl")
    assert names(runs, range(1, 3), 0) == ["pair-1", "pair-2"]
    assert names(runs, range(1, 1), 0) == []


def test_a_run_is_on_disk_as_soon_as_it_is_told(tmp_path: Path) -> None:
    """GIVEN a side's runs THEN each is a line with its conditions of the moment, and a new reader has them all."""
    runs = Runs(tmp_path / "runs.jsonl")
    runs.add("pair-1", {"head": [RUN, replace(RUN, verdict="unhealthy")]}, 2)
    lines = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["verdict"] for line in lines] == ["survived", "unhealthy"]
    assert lines[0].items() >= {
        "of": "pair-1", "side": "head", "at_once": 2, "host_psi_some": 0.5,
        "started_at": "2026-11-23T01:00:00+00:00", "figures": {"steady_rss_mb": 72.1},
    }.items()  # fmt: skip
    assert Runs(tmp_path / "runs.jsonl").of("pair-1") == runs.of("pair-1") == lines
    assert runs.of("pair-2") == []


@pytest.mark.parametrize(
    ("effect", "arguments"),
    [
        (Effect("hold", 8), ("--hold-mb", "8.000000")),
        (Effect("burst", 16), ("--burst-mb", "16.000000")),
        (Effect("leak", 64), ("--leak-kib-per-chunk", "16.000000")),
    ],
)
def test_an_effect_is_a_program(effect: Effect, arguments: tuple[str, str]) -> None:
    """GIVEN sessions of four chunks THEN a leak of 64 KiB a session is 16 a chunk; what is held is as it is."""
    assert effect.program(4.0) == ("-P", "-m", "benchmarks.injected", *arguments)


def test_effects_have_names_of_their_own() -> None:
    """GIVEN all effects THEN each is called by what it does and how much, and the required ones are among them."""
    found = [effect.name for effect in EFFECTS]
    assert len(set(found)) == len(found)
    assert {"hold-8", "leak-64"} <= set(found)


def test_chunks_a_session_are_counted_in_a_run(tmp_path: Path) -> None:
    """GIVEN a run of 240 requests for chunks, and others, THEN a session of 24 readers, 5 each, asked for two."""
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    row = dict.fromkeys(REQUEST_COLUMNS, "")
    rows = [{**row, "t": "1", "kind": kind} for kind in ["chunk"] * 240 + ["timings"] * 90]
    text = "\n".join([",".join(REQUEST_COLUMNS), *(",".join(row.values()) for row in rows)])
    (tmp_path / "requests.csv").write_text(text + "\n", encoding="utf-8")
    scenario = load_scenario("gate-cached")
    assert (scenario.load.readers, scenario.load.sessions) == (24, 5)
    assert chunks_per_session(tmp_path, scenario) == 2.0


@pytest.mark.parametrize(
    ("error", "code"),
    [(OomproofError("no memory controller"), EXIT_USAGE), (KeyboardInterrupt(), EXIT_INTERRUPTED)],
)
def test_a_machine_that_cannot_ends_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    """GIVEN a measurement that cannot be, or is interrupted, THEN the exit code says which."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(gate, "measure", fail)
    assert main(["--out", str(tmp_path)]) == code
