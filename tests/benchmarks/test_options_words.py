"""How the report of the options tells an end, a range and what is missing."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.options_figures import to_json
from benchmarks.options_runs import read_runs
from benchmarks.options_table import sections
from benchmarks.options_words import cell, headline, named, notes, verdicts, victims
from profiles.report_text import NONE
from tests.benchmarks.option_folders import CHILDREN_ONLY, KILLED, SURVIVED, make_run


def result(out: Path) -> dict[str, Any]:
    """The value of `options.json`."""
    return to_json(read_runs(out), {"machine": {"cpus": 2}, "most_runs_at_once": 1})


def entry(out: Path, *bases: dict[str, Any], **changes: Any) -> Any:
    """The one option whose repetitions ended so."""
    for number, base in enumerate(bases, start=1):
        make_run(out, f"balance-500/live-{number}", base, **changes)
    (found,) = result(out)["options"]
    return found


LATER = {**KILLED, "killed_after_s": 32.24}


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        ((KILLED, LATER), "2 of 2 killed after 31.1, 32.2 s"),
        ((SURVIVED,), "1 of 1 survived"),
        ((CHILDREN_ONLY,), "1 of 1 lost children only, from 299.6 s"),
        (
            (KILLED, SURVIVED, CHILDREN_ONLY),
            "1 of 3 killed after 31.1 s; 1 of 3 survived; 1 of 3 lost children only, from 299.6 s",
        ),
        (({**SURVIVED, "verdict": "crashed", "killed_after_s": None},), "1 of 1 crashed"),
    ],
)
def test_each_end_is_counted_and_timed(tmp_path: Path, bases: tuple[dict[str, Any], ...], said: str) -> None:
    """GIVEN repetitions that ended so THEN how many, how, and when; a server that lived is not called killed."""
    assert verdicts(entry(tmp_path, *bases)) == said


def test_a_panel_has_room_for_whole_seconds(tmp_path: Path) -> None:
    """GIVEN no digits THEN the times are whole."""
    assert verdicts(entry(tmp_path, KILLED, LATER), digits=0) == "2 of 2 killed after 31, 32 s"


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        ((SURVIVED,), "nobody"),
        ((KILLED, {**KILLED, "child_kills": 9, "oom_kills": 10}), "server in 2 of 2; 2 to 9 children"),
        ((KILLED, SURVIVED), "server in 1 of 2; 2 children"),
        (({**KILLED, "child_kills": 0, "oom_kills": 1},), "server in 1 of 1; no child"),
        ((CHILDREN_ONLY,), "server in 0 of 1; 17 children"),
        (({**KILLED, "oom_kills": 5},), "server in 1 of 1; 2 children; unknown up to 2"),
    ],
)
def test_the_victims_are_told_over_all_runs(
    tmp_path: Path, bases: tuple[dict[str, Any], ...], said: str
) -> None:
    """GIVEN runs with victims THEN in how many the server was among them, and how many children there were."""
    assert victims(entry(tmp_path, *bases)) == said


def test_a_range_is_told_once_where_it_is_none(tmp_path: Path) -> None:
    """GIVEN equal values, unequal ones, and none THEN one number, two, and a dash."""
    found = entry(tmp_path, KILLED, {**KILLED, "peak_anon_mb": 4056.1})
    assert cell(found, "peak_vm_mb") == "4,096"
    assert cell(found, "peak_anon_mb", "MB") == "4,046 to 4,056 MB"
    assert cell(found, "cpu_s", "s", 1) == "62.8 s"
    assert cell(found, "chunk_p95_ms") == NONE


def test_the_headline_says_who_died_at_each_balance(tmp_path: Path) -> None:
    """GIVEN options that died, lost children, and lived THEN a sentence for each balance tells them apart."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    make_run(tmp_path, "balance-500/live-2", SURVIVED)
    make_run(tmp_path, "balance-500/cached-1", SURVIVED)
    make_run(tmp_path, "balance-5/live-1", CHILDREN_ONLY)
    assert headline(result(tmp_path)) == (
        "With 500 s of balance the server was killed for memory: live (1 of 2); survived: live (1 of 2), "
        "cached (1 of 1). With 5 s of balance children were killed, the server not: live (1 of 1)."
    )


def test_without_a_run_the_headline_says_so(tmp_path: Path) -> None:
    """GIVEN nothing THEN nothing is claimed, and there is no table."""
    assert headline(result(tmp_path)) == "No run is finished yet."
    assert sections(result(tmp_path)) == []


def test_more_vcpus_than_cores_are_starred_and_explained(tmp_path: Path) -> None:
    """GIVEN a VM of four vCPUs on two cores THEN a star wherever it is named, and a note that says what is missing."""
    make_run(tmp_path, "balance-500/live-8gb-1", KILLED, vm_cpu=4.0, vm_memory_mb=8192.0)
    value = result(tmp_path)
    assert named(value["options"][0]) == "live-8gb *"
    assert notes(value)[0].startswith("* A VM of 4 vCPUs on a machine of 2 cores.")
    assert "live-8gb *" in headline(value)
    assert {row[0] for section in sections(value) for row in section.rows} == {"live-8gb *"}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """GIVEN a plan with one finished run and one begun THEN the note counts the others and names each."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    (make_run(tmp_path, "balance-500/live-3") / "verdict.json").unlink()
    (note,) = notes(result(tmp_path))
    assert note.startswith("49 of 50 runs are missing: balance-500/live 2, 3 (not finished); ")
    assert note.endswith("; balance-5/pregenerate 1, 2, 3.")


def test_nothing_is_said_of_nothing_missing(tmp_path: Path) -> None:
    """GIVEN a value without gaps THEN there is no note."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    assert notes({**result(tmp_path), "missing": []}) == []


def test_the_tables_have_a_row_an_option_and_balance(tmp_path: Path) -> None:
    """GIVEN two balances THEN each table has both, with the figures of each."""
    make_run(tmp_path, "balance-500/live-1", KILLED)
    make_run(tmp_path, "balance-5/cached-1", SURVIVED)
    make_run(
        tmp_path, "balance-5/pregenerate-1", load_kind="pregenerate", budget_mb=None, peak_tree_rss_mb=None
    )
    ends, memory, felt = sections(result(tmp_path))
    assert [row[:2] for row in ends.rows] == [("live", "500 s"), ("cached", "5 s"), ("pregenerate", "5 s")]
    assert dict(zip(ends.head, ends.rows[0], strict=True))["in the plan"] == "as deployed"
    under = [dict(zip(memory.head, row, strict=True))["tree under 2 GB"] for row in memory.rows]
    assert under == ["0 of 1", "1 of 1", NONE]
    assert dict(zip(felt.head, felt.rows[0], strict=True)) == {
        "option": "live", "balance": "500 s", "stalls": "9", "first audio p50, ms": "4,268", "chunk p95, ms": NONE,
        "CPU, s": "62.8", "throttled, s": "0.0", "host PSI, %": "7.5", "runs beside": "2", "others, cores": "1.50",
    }  # fmt: skip


@pytest.mark.parametrize(("peak_mb", "kept"), [(2047.9, "1 of 1"), (2048.0, "0 of 1")])
def test_the_budget_is_kept_below_it_and_not_at_it(tmp_path: Path, peak_mb: float, kept: str) -> None:
    """GIVEN a peak just below 2 GB, and one at it THEN only the first kept the budget."""
    make_run(tmp_path, "balance-500/live-1", peak_tree_rss_mb=peak_mb)
    memory = sections(result(tmp_path))[1]
    assert memory.rows[0][memory.head.index("tree under 2 GB")] == kept
