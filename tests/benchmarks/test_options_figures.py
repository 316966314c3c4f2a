"""The figures of `options.json`."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.options_figures import BESIDE, HOST_PSI, OTHERS, spread, to_json
from benchmarks.options_runs import read_runs
from tests.benchmarks.option_folders import KILLED, MIB, make_run, write_samples


def entries(out: Path) -> list[dict[str, Any]]:
    """The options of the value that is published, as a reader of the file gets them."""
    value = json.loads(json.dumps(to_json(read_runs(out), {"machine": {}})))
    options: list[dict[str, Any]] = value["options"]
    return options


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, None], None),
        ([], None),
        ([3.0], {"low": 3.0, "median": 3.0, "high": 3.0, "values": [3.0]}),
        ([3.0, None, 1.0, 2.0], {"low": 1.0, "median": 2.0, "high": 3.0, "values": [3.0, 1.0, 2.0]}),
        ([0, 0], {"low": 0, "median": 0, "high": 0, "values": [0, 0]}),
    ],
)
def test_a_spread_is_of_what_was_measured(values: list[float | None], expected: object) -> None:
    """GIVEN values of which some are unknown THEN lowest, median and highest of the others; nothing where none is."""
    assert spread(values) == expected


def test_an_option_has_all_its_repetitions(tmp_path: Path) -> None:
    """GIVEN two runs of one option THEN how each ended, and each figure over both."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    make_run(tmp_path, "balance-500/live-2", KILLED, killed_after_s=25.3, peak_anon_mb=4050.0)
    (entry,) = entries(tmp_path)
    assert (entry["option"], entry["balance_s"], entry["repetitions"]) == ("live", 500.0, 2)
    assert [run["killed_after_s"] for run in entry["runs"]] == [31.1, 25.3]
    assert entry["figures"]["peak_anon_mb"] == {
        "low": 4045.7, "median": 4047.85, "high": 4050.0, "values": [4045.7, 4050.0]
    }  # fmt: skip
    assert "chunk_p95_ms" not in entry["figures"]


def test_nobody_listens_to_a_pregeneration(tmp_path: Path) -> None:
    """GIVEN a pre-generation whose verdict counts no stall THEN that is no figure: there was nobody to hear one."""
    make_run(tmp_path, "balance-500/pregenerate-1", load_kind="pregenerate", stalls=0)
    (entry,) = entries(tmp_path)
    assert "stalls" not in entry["figures"]
    assert entry["figures"]["cpu_s"]["values"] == [4.2]


def test_the_machine_around_a_run_is_told(tmp_path: Path) -> None:
    """GIVEN samples with the host's pressure and CPU time THEN the highest, and what others used of the cores."""
    make_run(tmp_path, "balance-500/cached-1")
    (entry,) = entries(tmp_path)
    figures = entry["figures"]
    assert figures[HOST_PSI]["values"] == [7.5]
    assert figures[OTHERS]["values"] == [1.5]  # 1.66 of the machine less 0.1, 0.05 and 0.01
    assert figures[BESIDE]["values"] == [0]


def test_what_the_machine_does_not_tell_is_no_figure(tmp_path: Path) -> None:
    """GIVEN too few samples to see a rise THEN nothing is said of the others' CPU."""
    folder = make_run(tmp_path, "balance-500/cached-1")
    write_samples(folder, [(0.0, 60 * MIB), (0.5, 60 * MIB)])
    (entry,) = entries(tmp_path)
    assert OTHERS not in entry["figures"]


def test_captures_and_missing_runs_stand_apart(tmp_path: Path) -> None:
    """GIVEN a capture and an unfinished plan THEN neither is among the options that were measured."""
    make_run(tmp_path, "balance-500/live-memray-1", KILLED)
    value = to_json(read_runs(tmp_path), {"commits": ["abc"]})
    assert value["options"] == []
    assert [entry["option"] for entry in value["heap_captures"]] == ["live-memray"]
    assert {"run": "balance-500/live-1", "why": "not made"} in value["missing"]
    assert value["commits"] == ["abc"]
