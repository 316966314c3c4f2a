from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.capacity import Capacity
from profiles.capacity_outcome import Aim, Outcome, Showed, answers, outcome
from profiles.capacity_text import COLUMNS, table_rows
from profiles.rules import CUT_OFF
from profiles.run_folder import LOAD_COLUMNS, RunFolder
from profiles.verdict_record import VerdictRecord

MakeRun = Callable[..., Path]


def invalid(**changes: object) -> VerdictRecord:
    """The verdict of a run that is not valid."""
    found = {"scenario": "cached", "verdict": "invalid", "readers": 8, "evidence": ("recorder: starved",)}
    return VerdictRecord.model_validate({**found, **changes})


def one(readers: int, showed: Showed) -> Outcome:
    """A run of so many readers."""
    record = VerdictRecord(scenario="cached", verdict="survived", readers=readers)
    return Outcome(f"cached-{readers}", record, {}, showed, 0.0)


def test_a_busy_generator_is_the_limit_and_not_the_vm(make_run: MakeRun) -> None:
    """GIVEN an invalid run whose generator used its whole core THEN the generator was the limit, with the figure."""
    folder = make_run("cached")
    rows = (f"{1010 + second},0,{second * 0.95},0.01,1,1,1000,8" for second in range(30))
    (folder / "generator.csv").write_text("\n".join([",".join(LOAD_COLUMNS), *rows, ""]))
    found = outcome(RunFolder(folder), invalid(), Aim())
    assert (found.showed, found.passed) == ("generator", ())
    assert "used 0.95 of a core" in found.why


def test_a_generator_that_sends_late_is_the_limit(make_run: MakeRun) -> None:
    """GIVEN every hundredth request sent 800 ms late THEN the generator was the limit."""
    found = outcome(RunFolder(make_run("cached")), invalid(load_late_p99_ms=800.0), Aim())
    assert found.showed == "generator"
    assert "800 ms late" in found.why


def test_another_invalid_run_is_only_invalid(make_run: MakeRun) -> None:
    """GIVEN a starved recorder THEN the run shows nothing, and says why."""
    found = outcome(RunFolder(make_run("cached")), invalid(), Aim())
    assert (found.showed, found.why) == ("invalid", "recorder: starved")


def test_a_run_that_survived_in_its_limits_is_carried(make_run: MakeRun) -> None:
    """GIVEN a judged run with nothing passed THEN it is carried; under a smaller budget it is not."""
    folder = RunFolder(make_run("cached"))
    record = VerdictRecord.model_validate(folder.verdict)
    assert outcome(folder, record, Aim()).showed == "carried"
    assert outcome(folder, record, Aim(budget_mb=100)).showed == "failed"


@pytest.mark.parametrize(
    ("changes", "showed", "limits"),
    [({}, "machine", []), ({"peak_tree_rss_mb": 2048.0}, "failed", ["memory"])],
    ids=["alone", "beside memory"],
)
def test_this_machines_cpu_alone_says_nothing_of_the_vm(
    make_run: MakeRun, changes: dict[str, object], showed: str, limits: list[str]
) -> None:
    """GIVEN stalls while the machine was busy THEN nobody knows what the VM carries, unless it failed otherwise."""
    folder = make_run("cached")
    plays = "".join(f"{1008 + at},1,play,200,0,,0.5,chunk\n" for at in range(3))
    (folder / "requests.csv").write_text(f"t,reader,kind,status,bytes,latency_s,late_s,source\n{plays}")
    used = "".join(f"{1008 + at},{1.95 * at}\n" for at in range(100))
    (folder / "samples.csv").write_text(f"t,machine_cpu_s\n{used}")
    facts = {
        "scenario": "cached", "verdict": "survived", "readers": 2, "readers_heard": 2, "blocks_played": 15,
        "stalls": 3, "duration_s": 100.0, "cpu_s": 20.0, "vm_cpu": 2.0, **changes,
    }  # fmt: skip
    found = outcome(RunFolder(folder), VerdictRecord.model_validate(facts), Aim())
    assert (found.showed, [limit.resource for limit in found.limits]) == (showed, limits)
    assert "this machine's CPU" in [limit.resource for limit in found.passed]


@pytest.mark.parametrize(
    ("showed", "runs", "answer"),
    [
        (["carried"], 1, "carried"),
        (["carried", "carried"], 3, None),
        (["carried", "carried", "carried"], 3, "carried"),
        (["carried", "failed"], 3, "failed"),
        (["carried", "generator"], 3, "generator"),
        (["carried", "machine"], 3, "machine"),
        (["machine", "failed"], 3, "failed"),
        (["invalid"], 1, None),
        (["invalid", "carried"], 1, "carried"),
        (["invalid", "invalid"], 1, "broken"),
        (["invalid", "failed"], 1, "failed"),
    ],
)
def test_the_runs_of_a_number_make_one_answer_or_ask_for_another(
    showed: list[Showed], runs: int, answer: str | None
) -> None:
    """All must carry, the first failure decides, an invalid run is repeated once."""
    found = answers([one(8, each) for each in showed], Aim(runs=runs))
    assert found.get(8) == answer


@pytest.mark.parametrize("showed", ["invalid", "generator"])
def test_a_run_that_somebody_cut_off_is_no_answer(showed: Showed) -> None:
    """GIVEN an invalid run whose repetition was interrupted THEN its number is open; one that failed itself counts."""
    cut, broken = (
        Outcome("cached-8-2", invalid(evidence=evidence), {}, showed, None)
        for evidence in ((CUT_OFF,), ("recorder: it ended early.", CUT_OFF))
    )
    assert answers([one(8, "invalid"), cut], Aim()) == {}
    assert table_rows(Capacity("cached", Aim(), (cut,)))[0][COLUMNS.index("result")] == "cut off"
    assert answers([one(8, "invalid"), broken], Aim()).keys() == {8}
