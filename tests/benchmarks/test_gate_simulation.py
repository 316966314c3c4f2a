"""Gates that are put together of measured runs: which runs meet, that `decide` judges them, and how sure that is."""

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import gate_simulation as simulation
from benchmarks.gate import Effect
from benchmarks.gate_runs import Pair, read
from benchmarks.gate_simulation import (
    Places,
    Tally,
    alarm_bounds,
    can,
    equal_sides,
    judge,
    middle,
    power_bounds,
    regressed_head,
)
from profiles.gate.decision import ScenarioRuns, decide
from profiles.gate.outcome import GateRun
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable, line, noisy

VM_MB = 4096.0


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, ...]:
    """Four believable pairs."""
    return read(gate_files.write(tmp_path, list(believable(4, 0)))).pairs


def runs_of(tmp_path: Path, effect: Effect, count: int = 20) -> tuple[GateRun, ...]:
    """Believable runs of an effect."""
    draw = random.Random(7)
    lines = [line("pair-1", side, 0) for side in ("base", "head")]
    lines += [noisy(draw, effect.name, "base", 9 * at, effect) for at in range(count)]
    ((_, runs),) = read(gate_files.write(tmp_path / effect.name, lines)).effects
    return runs


def names(pairs: tuple[Pair, ...], runs: object) -> set[str]:
    """From which pairs runs are."""
    assert isinstance(runs, list | tuple)
    return {pair.name for pair in pairs for run in pair.runs for chosen in runs if run is chosen}


def test_sides_by_lot_share_a_pair_and_no_run(pairs: tuple[Pair, ...]) -> None:
    """GIVEN pairs of 12 runs THEN six a side are just one pair's, each used once, and either side's by lot."""
    draw, heads = random.Random(1), Counter[str]()
    for _ in range(40):
        base, head, places = simulation.relabelled(draw, pairs, 6)
        assert {id(run) for run in (*base, *head)} == {id(run) for run in pairs[places[0]].runs}
        assert len(base) == len(head) == 6
        heads.update(["head"] * sum(run in pairs[places[0]].head for run in head))
    assert 0 < heads["head"] < 40 * 6


def test_more_runs_than_a_pair_has_are_from_its_neighbour(pairs: tuple[Pair, ...]) -> None:
    """GIVEN eight a side THEN they are of two pairs that follow each other in time."""
    base, head, (first,) = simulation.relabelled(random.Random(1), pairs, 8)
    assert names(pairs, [*base, *head]) == {pairs[first].name, pairs[first + 1].name}
    assert len({id(run) for run in (*base, *head)}) == 16


def test_a_stored_baseline_is_another_pair(pairs: tuple[Pair, ...]) -> None:
    """GIVEN pairs THEN base is of one alone, head of another alone."""
    for seed in range(20):
        base, head, places = simulation.stored(random.Random(seed), pairs, 6)
        assert names(pairs, base) == {pairs[places[0]].name}
        assert names(pairs, head) == {pairs[places[1]].name}
        assert places[0] != places[1]


def test_all_runs_by_lot_use_none_twice(pairs: tuple[Pair, ...]) -> None:
    """GIVEN all runs THEN both sides are drawn from them, none twice, and no pair is named."""
    base, head, places = simulation.pooled(random.Random(1), pairs, 20)
    assert len({id(run) for run in (*base, *head)}) == 40
    assert places == ()


def test_what_cannot_be_drawn_is_known(pairs: tuple[Pair, ...]) -> None:
    """GIVEN two runs a pair short of what is asked THEN that way cannot be gone."""
    assert can("stored", pairs, 12)
    assert not can("stored", pairs, 13)
    assert not can("stored", pairs[:1], 6)
    assert can("pooled", pairs[:1], 6)
    assert can("relabelled", pairs, 24)
    assert not can("relabelled", pairs, 25)


def test_a_simulated_gate_is_the_gates_own_decision(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    """GIVEN the same runs THEN the decision is `decide`'s, to the last metric."""
    for head in (pairs[1].head, runs_of(tmp_path, Effect("hold", 8))[:6]):
        found = judge(pairs[0].base, head, VM_MB)
        assert (found,) == decide([ScenarioRuns("gate", tuple(head), pairs[0].base, VM_MB)])
    assert found.word == "regressed"


def test_the_same_runs_give_the_same_figures(pairs: tuple[Pair, ...]) -> None:
    """GIVEN the same runs twice THEN what is drawn is the same, and each way draws its own."""
    assert equal_sides("stored", pairs, 6, 30, VM_MB) == equal_sides("stored", pairs, 6, 30, VM_MB)


def test_too_few_runs_never_tell(pairs: tuple[Pair, ...]) -> None:
    """GIVEN four runs a side THEN nothing can be proven among four tests: neither a rise nor that there is none."""
    found = equal_sides("relabelled", pairs, 4, 25, VM_MB)
    assert found.words == Counter(inconclusive=25)
    assert found.gates == 25


def test_a_large_effect_is_found_and_a_small_one_is_passed(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    """GIVEN 12 MB more THEN each gate says regressed, by its metrics; of 2 MB more each says pass."""
    base = [run for pair in pairs for run in pair.runs]
    large = regressed_head("hold-12", base, runs_of(tmp_path, Effect("hold", 12)), 6, 25, VM_MB)
    small = regressed_head("hold-2", base, runs_of(tmp_path, Effect("hold", 2)), 6, 25, VM_MB)
    assert large.words == Counter(regressed=25)
    assert large.causes["steady_rss_mb", "regressed"] == 25
    assert large.causes["budget", "broken"] == 0
    assert small.words == Counter({"pass": 25})


def test_a_run_that_did_not_survive_is_told_as_the_budget(tmp_path: Path) -> None:
    """GIVEN a run that was killed for memory THEN gates whose head it is say regressed, and that the budget is why."""
    lines = list(believable(2, 0))
    lines[3]["verdict"] = "oom_killed"
    pairs = read(gate_files.write(tmp_path, lines)).pairs
    found = equal_sides("relabelled", pairs, 6, 40, VM_MB)
    assert 0 < found.words["regressed"] < 40
    assert found.causes["budget", "broken"] == found.words["regressed"]
    assert {places for places, (_, alarms) in found.alarms.items() if alarms} == {(0,)}


def test_bounds_of_alarms_come_from_the_pairs(pairs: tuple[Pair, ...]) -> None:
    """GIVEN one pair of four that always alarms THEN the share may be anything from none to three quarters."""
    alarms: dict[Places, tuple[int, int]] = {(place,): (10, 10 if place == 2 else 0) for place in range(4)}
    low, high = alarm_bounds(Tally(Counter(), Counter(), alarms), 4) or (-1.0, -1.0)
    assert (low, high) == (0.0, 0.75)


def test_a_draw_from_two_pairs_counts_as_often_as_both_were_drawn() -> None:
    """GIVEN two pairs THEN redrawings of one alone have no gate and are left out; the others all show the same."""
    alarms: dict[Places, tuple[int, int]] = {(0, 1): (10, 5), (1, 0): (30, 5)}
    assert alarm_bounds(Tally(Counter(), Counter(), alarms), 2) == (0.25, 0.25)


def test_runs_from_anywhere_have_no_bounds_of_pairs() -> None:
    """GIVEN draws that name no pair THEN there is nothing to draw again."""
    assert alarm_bounds(Tally(Counter(), Counter(), {(): (10, 1)}), 4) is None


def test_bounds_of_power_are_wider_where_the_runs_decide(
    pairs: tuple[Pair, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an effect of about half the smallest THEN which runs there are moves the share; of a large one nothing."""
    monkeypatch.setattr(simulation, "REDRAWN_RUNS", 12)
    monkeypatch.setattr(simulation, "GATES_EACH", 10)
    base = [run for pair in pairs for run in pair.runs]
    low, high = power_bounds("hold-4", base, runs_of(tmp_path, Effect("hold", 4)), 6, VM_MB)
    assert 0 <= low < high <= 1
    assert power_bounds("hold-12", base, runs_of(tmp_path, Effect("hold", 12)), 6, VM_MB) == (1.0, 1.0)


def test_the_middle_holds_95_of_100() -> None:
    """GIVEN evenly spaced values THEN a fortieth of them lies beyond either bound."""
    assert middle([float(value) for value in range(1001)]) == (25.0, 975.0)
