"""What `benchmarks.gate` wrote is read whole, or refused with the line that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gate_runs import middle_s, nearest, read
from profiles.errors import OomproofError
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable, line


def test_pairs_come_in_the_order_of_time_and_effects_as_they_are_listed(tmp_path: Path) -> None:
    """GIVEN lines in any order THEN pairs are sorted by time, effects by kind and size, and the VM's size is known."""
    lines = list(believable(3, 2))
    found = read(gate_files.write(tmp_path, lines[::-1]))
    assert [pair.name for pair in found.pairs] == ["pair-1", "pair-2", "pair-3"]
    assert [len(pair.runs) for pair in found.pairs] == [12, 12, 12]
    assert [effect.name for effect, _ in found.effects][:3] == ["hold-2", "hold-4", "hold-6"]
    assert {len(runs) for _, runs in found.effects} == {2}
    assert (found.vm_memory_mb, found.left_out) == (4096.0, ())


def test_whole_gates_are_pairs_of_a_kind_of_their_own(tmp_path: Path) -> None:
    """GIVEN pairs of two commands THEN each pair's kind is what its name begins with."""
    lines = [line(of, side, 0) for of in ("pair-1", "gate-1") for side in ("base", "head")]
    assert {pair.kind for pair in read(gate_files.write(tmp_path, lines)).pairs} == {"pair", "gate"}


def test_a_pair_that_is_not_whole_is_left_out_and_named(tmp_path: Path) -> None:
    """GIVEN a pair of which a side is missing THEN it is no pair, and its name is told."""
    lines = [*believable(1, 0), line("pair-9", "base", 0)]
    found = read(gate_files.write(tmp_path, lines))
    assert [pair.name for pair in found.pairs] == ["pair-1"]
    assert found.left_out == ("pair-9",)


def test_the_peak_of_the_vm_is_the_anonymous_one_where_it_was_not_kept(tmp_path: Path) -> None:
    """GIVEN a line without the VM's peak, and one with it, THEN the budget has a peak to look at in both."""
    lines = [line("pair-1", "base", 0), {**line("pair-1", "head", 0), "peak_vm_mb": 99.5}]
    (pair,) = read(gate_files.write(tmp_path, lines)).pairs
    assert [run.peak_vm_mb for run in pair.runs] == [57.8, 99.5]


def test_what_is_nearest_in_time_comes_first(tmp_path: Path) -> None:
    """GIVEN pairs at 0, 100 and 200 s, and runs at 190 s, THEN the third is nearest, then the second."""
    lines = [line(f"pair-{n}", side, 100 * n) for n in range(3) for side in ("base", "head")]
    lines += [line("hold-8", "base", 190)]
    found = read(gate_files.write(tmp_path, lines))
    ((_, runs),) = found.effects
    assert [pair.name for pair in nearest(found.pairs, runs, 2)] == ["pair-2", "pair-1"]
    assert middle_s(found.pairs[1].runs) - middle_s(found.pairs[0].runs) == 100.0


def damaged(**changed: Any) -> str:
    """A line with something changed; None takes it away."""
    whole = {**line("pair-1", "base", 0), **changed}
    return json.dumps({key: value for key, value in whole.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"of": "pair-1"', "line 2: .* is no run"),
        ("[]", "line 2: .* is no run"),
        (damaged(started_at="soon"), "line 2: .*soon.* is no run"),
        (damaged(figures={}), "line 2: has no peak_tree_rss_mb, steady_rss_mb, .*chunk_p95_ms"),
        (damaged(side=None, verdict=None), "line 2: has no side, verdict"),
    ],
)
def test_a_line_that_is_no_run_is_named(tmp_path: Path, text: str, says: str) -> None:
    """GIVEN a line that is cut off or lacks something THEN it is named, and nothing is made of the rest."""
    gate_files.write(tmp_path, [line("pair-1", "base", 0)])
    with (tmp_path / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(text + "\n")
    with pytest.raises(OomproofError, match=says):
        read(tmp_path)


@pytest.mark.parametrize("missing", ["runs.jsonl", "conditions.json"])
def test_a_file_that_is_not_there_is_named_with_the_way_out(tmp_path: Path, missing: str) -> None:
    """GIVEN a folder without one of the two files THEN it is said which, and what makes it."""
    gate_files.write(tmp_path, list(believable(1, 0)))
    (tmp_path / missing).unlink()
    with pytest.raises(OomproofError, match=f"{missing}: No such file.*benchmarks.gate"):
        read(tmp_path)


def test_runs_without_a_pair_are_refused(tmp_path: Path) -> None:
    """GIVEN runs of an effect alone THEN there is nothing to compare them with."""
    with pytest.raises(OomproofError, match="has no whole pair"):
        read(gate_files.write(tmp_path, [line("hold-8", "base", 0)]))


def test_conditions_that_do_not_tell_the_vm_are_refused(tmp_path: Path) -> None:
    """GIVEN conditions without the VM's memory THEN that is said."""
    folder = gate_files.write(tmp_path, list(believable(1, 0)), vm={})
    with pytest.raises(OomproofError, match=r"conditions\.json: 'memory_mb'"):
        read(folder)
