"""What the gate says of runs as they were measured."""

from pathlib import Path

from benchmarks.gate import Effect
from benchmarks.gate_runs import read
from benchmarks.gate_verdicts import effect_verdicts, pair_verdicts
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable


def test_identical_pairs_pass_and_one_with_a_kill_does_not(tmp_path: Path) -> None:
    """GIVEN three pairs, a head of which was killed, THEN it alone regressed, and why is told with the pressure."""
    lines = list(believable(3, 0))
    lines[18]["verdict"], lines[18]["host_psi_some"] = "oom_killed", 77.5
    first, second, third = pair_verdicts(read(gate_files.write(tmp_path, lines)))
    assert (first.word, third.word, second.word) == ("pass", "pass", "regressed")
    assert (second.name, second.kind, second.psi_some) == ("pair-2", "pair", 77.5)
    assert second.not_survived == {"oom_killed": 1}
    assert "5 of 6 valid runs of head survived" in second.why[0]
    assert first.why == ()


def test_a_metric_that_cannot_tell_is_named_with_its_reason(tmp_path: Path) -> None:
    """GIVEN a head whose growth scatters by more than matters THEN the pair is inconclusive for it."""
    lines = list(believable(1, 0))
    for at, run in enumerate(lines):
        run["figures"]["growth_bytes_per_session"] = 100.0 * (at % 3)
    (found,) = pair_verdicts(read(gate_files.write(tmp_path, lines)))
    assert found.word == "inconclusive"
    assert [line.partition(":")[0] for line in found.why[1:]] == ["growth_bytes_per_session"]


def test_an_effect_is_judged_in_gates_that_share_no_run(tmp_path: Path) -> None:
    """GIVEN twenty runs of an effect THEN they make three gates; two runs are left over."""
    effects = [Effect("hold", 2), Effect("hold", 12)]
    small, large = effect_verdicts(read(gate_files.write(tmp_path, list(believable(3, 20, effects)))))
    assert (small.effect, small.words) == ("hold-2", {"pass": 3})
    assert (large.effect, large.words) == ("hold-12", {"regressed": 3})


def test_a_side_is_the_base_of_one_gate_only(tmp_path: Path) -> None:
    """GIVEN one pair, which has two sides, THEN twenty runs of an effect make two gates."""
    (found,) = effect_verdicts(
        read(gate_files.write(tmp_path, list(believable(1, 20, [Effect("hold", 12)]))))
    )
    assert found.words == {"regressed": 2}


def test_fewer_runs_than_a_gate_needs_are_judged_by_nobody(tmp_path: Path) -> None:
    """GIVEN five runs of an effect THEN there is no gate of them."""
    (found,) = effect_verdicts(read(gate_files.write(tmp_path, list(believable(1, 5, [Effect("hold", 12)])))))
    assert found.words == {}
