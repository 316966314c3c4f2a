"""The budget: what head must keep to whatever the baseline says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from profiles.gate.budget import NOTHING_MEASURED, check_budget
from profiles.gate.outcome import GateRun

VM_MB = 4096.0


def run(vm_mb: float | None = 200.0, tree_mb: float | None = 150.0, verdict: str = "survived") -> GateRun:
    """A run with these peaks."""
    return GateRun(verdict, {"peak_tree_rss_mb": tree_mb}, peak_vm_mb=vm_mb)


def test_all_kept() -> None:
    """GIVEN runs far below every limit THEN the budget is kept, and each limit is told with what was measured."""
    check = check_budget([run(200, 150), run(210.5, 140)], VM_MB)
    assert check.kept
    assert not check.unknown
    assert check.lines == (
        "2 of 2 valid runs of head survived: kept",
        "peak memory of the VM: 210.5 MB at most; limit 3,686 MB (90% of the VM's 4,096 MB): kept",
        "peak RSS of the process tree: 150.0 MB at most; limit 2,048 MB (the budget): kept",
    )


@pytest.mark.parametrize(("peak", "broken"), [(3686.3, 0), (3686.4, 1), (3686.5, 1)])
def test_the_vm_has_headroom(peak: float, broken: int) -> None:
    """GIVEN a peak just under, at and just over 90 % of the VM THEN only the first keeps the budget."""
    check = check_budget([run(), run(vm_mb=peak)], VM_MB)
    assert check.kept is (not broken)
    assert len(check.broken) == broken


@pytest.mark.parametrize(
    ("limit", "peak", "broken"), [(None, 2047.9, 0), (None, 2048, 1), (151, 150.9, 0), (151, 151, 1)]
)
def test_the_tree_stays_below_its_own_limit_or_the_plans(
    limit: float | None, peak: float, broken: int
) -> None:
    """GIVEN a scenario's limit, or none THEN the tree's peak is held against it, or against 2,048 MB."""
    check = check_budget([run(), run(tree_mb=peak)], VM_MB, limit)
    assert check.kept is (not broken)
    assert all(line.startswith("peak RSS of the process tree") for line in check.broken)
    assert len(check.broken) == broken


@pytest.mark.parametrize("verdict", ["killed", "unhealthy"])
def test_what_may_be_the_machines_doing_leaves_it_open(verdict: str) -> None:
    """GIVEN a run that did not serve, or was killed by somebody THEN the budget is neither kept nor broken."""
    check = check_budget([run(), run(verdict=verdict), run()], VM_MB)
    assert (check.kept, check.unknown, check.broken) == (False, True, ())
    assert check.lines[0] == f"2 of 3 valid runs of head survived (1 {verdict}): not known to be kept"


@pytest.mark.parametrize("verdict", ["oom_killed", "crashed"])
def test_one_death_breaks_it(verdict: str) -> None:
    """GIVEN one run of three that did not survive THEN the budget is broken, and how it ended is told."""
    check = check_budget([run(), run(verdict=verdict), run()], VM_MB)
    assert not check.kept
    assert not check.unknown
    assert check.broken == (f"2 of 3 valid runs of head survived (1 {verdict}): not kept",)


def test_an_invalid_run_that_is_left_is_not_known_to_be_kept() -> None:
    """GIVEN a run of head that measured nothing THEN nobody knows, and what it measured proves nothing."""
    check = check_budget([run(), run(9999, 9999, "invalid")], VM_MB)
    assert (check.kept, check.unknown, check.broken) == (False, True, ())
    assert check.lines[0] == (
        "1 of 1 valid run of head survived, and 1 run was invalid: not known to be kept"
    )
    assert check.lines[1].endswith("but 9,999.0 MB in an invalid run: not known to be kept")
    small = check_budget([run(), run(verdict="invalid")], VM_MB)
    assert [line.endswith(": kept") for line in small.lines] == [False, True, True]


@pytest.mark.parametrize("others", [[], [run(), run()]])
def test_a_kill_for_memory_breaks_it_whatever_the_verdict(others: list[GateRun]) -> None:
    """GIVEN runs and first tries killed for memory that are otherwise invalid THEN it is broken, in plain words."""
    lost = replace(run(None, None, "invalid"), oom_kills=1)
    check = check_budget([*others, lost, lost], VM_MB, first_tries=[lost])
    assert not check.unknown
    assert check.broken == (
        "processes of head were killed for memory in 2 invalid runs and 1 invalid first try: not kept",
    )


def test_a_kill_is_told_once() -> None:
    """GIVEN a run whose verdict is oom_killed THEN that line says it, and no other."""
    check = check_budget([run(), replace(run(verdict="oom_killed"), oom_kills=3)], VM_MB)
    assert check.broken == ("1 of 2 valid runs of head survived (1 oom_killed): not kept",)


@pytest.mark.parametrize("runs", [[run()], []])
def test_the_peaks_of_first_tries_count(runs: list[GateRun]) -> None:
    """GIVEN a first try that fell silent over a limit THEN it is broken; without a peak it leaves nothing open."""
    check = check_budget(runs, VM_MB, first_tries=[run(3900, 3000, "unhealthy"), run(None, None, "killed")])
    assert [line.split(";")[0] for line in check.broken] == [
        "peak memory of the VM: 3,900.0 MB at most",
        "peak RSS of the process tree: 3,000.0 MB at most",
    ]
    assert check_budget([run()], VM_MB, first_tries=[run(None, None, "killed")]).kept


def test_the_peak_of_an_invalid_first_try_leaves_it_open() -> None:
    """GIVEN a first try over a limit that measured nothing valid THEN that proves nothing, and is not passed over."""
    check = check_budget([run(), run()], VM_MB, first_tries=[run(200, 2048, "invalid")])
    assert check.unknown
    assert check.lines[2].endswith("but 2,048.0 MB in an invalid run: not known to be kept")
    assert check_budget([run()], VM_MB, first_tries=[run(200, 2047.9, "invalid")]).kept


def test_page_cache_is_no_memory_that_is_kept() -> None:
    """GIVEN a VM full of page cache THEN what is left without it is judged, and the line says so."""
    check = check_budget([replace(run(vm_mb=4096), peak_vm_kept_mb=kept) for kept in (210.5, 200.0)], VM_MB)
    assert check.kept
    assert check.lines[1].startswith("peak memory of the VM without its page cache: 210.5 MB at most; limit")
    over = check_budget([replace(run(vm_mb=4096), peak_vm_kept_mb=3686.4)], VM_MB)
    assert len(over.broken) == 1


def test_where_page_cache_is_not_known_the_peak_is_judged() -> None:
    """GIVEN runs of which one does not say how much was page cache THEN its peak counts, and the line claims less."""
    check = check_budget([replace(run(vm_mb=4096), peak_vm_kept_mb=200.0), run(vm_mb=300)], VM_MB)
    assert check.lines[1].startswith("peak memory of the VM: 300.0 MB at most")


@pytest.mark.parametrize("runs", [[], [run(verdict="invalid")]])
def test_nothing_measured_is_not_kept(runs: list[GateRun]) -> None:
    """GIVEN no valid run THEN that is said; it is not kept, and nothing is said to be broken."""
    check = check_budget(runs, VM_MB)
    assert check.lines == (NOTHING_MEASURED,)
    assert not check.kept
    assert check.unknown


def test_no_figure_is_not_kept() -> None:
    """GIVEN no peak of either kind in any run THEN both are said to be unmeasured, and it is not known to be kept."""
    check = check_budget([run(None, None)], VM_MB)
    assert not check.kept
    assert check.unknown
    assert [line.endswith("not known to be kept") for line in check.lines] == [False, True, True]
    assert "peak memory of the VM: not measured in any run" in check.lines[1]


def test_a_run_without_a_figure_leaves_it_open() -> None:
    """GIVEN one run of two without the tree's peak THEN the other does not speak for it."""
    check = check_budget([run(), GateRun("survived", {}, peak_vm_mb=100.0)], VM_MB)
    assert check.unknown
    assert "not measured in 1 of 2 runs: not known to be kept" in check.lines[2]


def test_a_broken_limit_outweighs_a_missing_figure() -> None:
    """GIVEN one run over the limit and one without a figure THEN the budget is broken, not unknown."""
    check = check_budget([run(tree_mb=3000), run(None, None)], VM_MB)
    assert not check.unknown
    assert len(check.broken) == 1


@pytest.mark.parametrize("runs", [[run()], [run(verdict="invalid")], []], ids=["measured", "invalid", "none"])
def test_the_limits_are_told_for_a_picture(runs: list[GateRun]) -> None:
    """GIVEN any runs THEN the limit of the tree, the scenario's or the plan's, and the VM's memory can be drawn."""
    check = check_budget(runs, VM_MB, 151)
    assert (check.tree_limit_mb, check.vm_memory_mb) == (151, VM_MB)
    assert check_budget(runs, VM_MB).tree_limit_mb == 2048
