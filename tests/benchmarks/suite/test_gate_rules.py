"""The gate's rule beside simpler ones, on made-up runs whose truth is known."""

import random
from dataclasses import replace

import pytest

from benchmarks.gate import Effect
from benchmarks.gate_runs import Measured, read
from benchmarks.suite import gate_rules as rules
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable

HOLD_12, LEAK_96 = Effect("hold", 12), Effect("leak", 96)
GATE, MEDIANS = rules.Rule("gate", 6, rules.by_gate), rules.Rule("medians", 6, rules.by_medians)
ONE = rules.Rule("one", 1, rules.by_medians)
MEMORY = ("peak_tree_rss_mb", "steady_rss_mb", "peak_anon_mb")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Twelve believable pairs, and ten runs of two regressions."""
    lines = list(believable(12, 10, (HOLD_12, LEAK_96)))
    return read(gate_files.write(tmp_path_factory.mktemp("runs"), lines))


def equal(measured: Measured, runs: int, gates: int = 60) -> list[rules.Sides]:
    """Sides of equal states."""
    return list(rules.equal(random.Random(1), measured.pairs, runs, gates))


def test_rounds_share_no_pair(measured: Measured) -> None:
    """GIVEN twelve pairs and five rounds THEN each pair is in just one round, in the order of time."""
    parts = [rules.part_of(measured.pairs, number, 5) for number in range(5)]
    assert [pair for part in parts for pair in part] == list(measured.pairs)
    assert all(2 <= len(part) <= 3 for part in parts)


@pytest.mark.parametrize("rule", [GATE, MEDIANS], ids=lambda rule: rule.name)
@pytest.mark.parametrize("effect", [HOLD_12, LEAK_96], ids=lambda effect: effect.name)
def test_what_is_large_is_found_by_either_rule(measured: Measured, rule: rules.Rule, effect: Effect) -> None:
    """GIVEN a regression of one and a half times what matters THEN six runs find it in every gate."""
    sides = rules.changed(random.Random(1), measured, effect, 6, 40)
    assert rules.share_regressed(rule, sides, measured.vm_memory_mb) == 1.0


def test_equal_states_are_no_regression_to_the_gate(measured: Measured) -> None:
    """GIVEN equal states THEN the gate says so of all, and a single run a side does not."""
    assert rules.share_regressed(GATE, equal(measured, 6), measured.vm_memory_mb) == 0.0
    assert rules.share_regressed(ONE, equal(measured, 1, 400), measured.vm_memory_mb) > 0.0


def test_a_median_that_rose_by_half_of_what_matters_counts(measured: Measured) -> None:
    """GIVEN a run and the same run raised THEN 4 MB of the 8 that matter count, and a hair less does not."""
    (run,) = measured.pairs[0].base[:1]
    for raised, counts in ((4.0, True), (3.999, False)):
        head = rules.higher(run, ["steady_rss_mb"], raised)
        assert rules.by_medians([run], [head], measured.vm_memory_mb) is counts


def test_a_latency_that_rose_decides_nothing(measured: Measured) -> None:
    """GIVEN a run whose chunks took a minute longer THEN no rule says regressed: latency is shown, not judged."""
    (run,) = measured.pairs[0].base[:1]
    assert not rules.by_medians([run], [rules.higher(run, ["chunk_p95_ms"], 60_000)], measured.vm_memory_mb)


def test_runs_that_did_not_survive_are_not_compared(measured: Measured) -> None:
    """GIVEN head's only run was killed THEN the medians say nothing of it, however large it was."""
    (run,) = measured.pairs[0].base[:1]
    killed = replace(rules.higher(run, MEMORY, 500.0), verdict="killed")
    assert not rules.by_medians([run], [killed], measured.vm_memory_mb)


def test_a_figure_that_was_not_measured_is_not_raised(measured: Measured) -> None:
    """GIVEN a run without a growth WHEN growth is raised THEN it is still unknown, and nothing else has changed."""
    (run,) = measured.pairs[0].base[:1]
    unknown = replace(run, figures={**run.figures, "growth_bytes_per_session": None})
    assert rules.higher(unknown, ["growth_bytes_per_session"], 64.0) == unknown


def test_the_smallest_rise_is_found_and_a_little_less_is_not(measured: Measured) -> None:
    """GIVEN gates on equal states THEN the rise that is told is found in 95 of 100 of them, and 0.2 MB less is not."""
    sides = equal(measured, 6)
    smallest_mb = rules.smallest_found(GATE, sides, MEMORY, 16.0, measured.vm_memory_mb)
    assert 4.0 < smallest_mb < 8.0

    def found(by_mb: float) -> float:
        raised = [(base, [rules.higher(run, MEMORY, by_mb) for run in head]) for base, head in sides]
        return rules.share_regressed(GATE, raised, measured.vm_memory_mb)

    assert found(smallest_mb) >= 0.95 > found(smallest_mb - 0.2)


def test_what_is_never_found_is_told_as_the_most_that_was_tried(measured: Measured) -> None:
    """GIVEN a rise of what no rule judges THEN the end of the search is told."""
    found = rules.smallest_found(
        MEDIANS, equal(measured, 6, 5), ["chunk_p95_ms"], 16.0, measured.vm_memory_mb
    )
    assert found == 16.0


def test_a_round_draws_the_regressed_runs_again(measured: Measured) -> None:
    """GIVEN two draws THEN their gates are of other runs; the same draw gives the same ones, all of the regression."""
    first, second, again = (
        list(rules.changed(random.Random(seed), measured, HOLD_12, 6, 5)) for seed in (1, 2, 1)
    )
    assert first == again != second
    runs = dict(measured.effects)[HOLD_12]
    assert all(run in runs for _, head in first for run in head)
    assert not any(run in runs for base, _ in first for run in base)
