"""A session told line by line, and the fingerprints that say whether anybody behaves otherwise than before."""

import json
from pathlib import Path

import pytest

from loadtests.mixes import MIXES
from loadtests.modes import MODES
from loadtests.rehearsal import fingerprints, main, rehearsed

GOLDEN = Path(__file__).parent / "data" / "golden.json"
RENEW = "python -m loadtests.rehearsal --fingerprints > tests/loadtests/data/golden.json"


def test_nobody_behaves_otherwise_than_when_this_was_checked_in() -> None:
    """Each mix in each mode says the same, in the same order, at the same times, in the same made-up world."""
    assert fingerprints() == json.loads(GOLDEN.read_text(encoding="utf-8")), f"If it is meant so: {RENEW}"


def test_the_golden_file_is_what_its_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    """Renewing it when nothing has changed changes no byte."""
    assert main(["--fingerprints"]) == 0
    assert capsys.readouterr().out == GOLDEN.read_text(encoding="utf-8")


def test_dialogue_and_steady_differ_only_in_what_they_read() -> None:
    """On the same blocks they do the same; everybody else does something else, in every mode."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert set(golden) == {f"{mix}/{mode}" for mix in MIXES for mode in MODES}
    for mode in MODES:
        assert golden[f"dialogue/{mode}"] == golden[f"steady/{mode}"]
    assert len(set(golden.values())) == len(golden) - len(MODES)


def test_a_rehearsal_tells_everything_that_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """The default is a restless reader, who does everything there is to do within ten minutes."""
    assert main([]) == 0
    told = capsys.readouterr().out
    for word in (
        "ask #1 tts 1.0 needed, attempt 1",
        "answer #1",
        "play 1.0",
        "give up #",
        "no highlighting of",
    ):
        assert word in told
    assert told.splitlines()[-1].endswith("  finished")


def test_a_rehearsal_is_as_fast_as_its_pace() -> None:
    """Ten minutes at pace 10 are over after one."""
    *_, last = rehearsed("steady", "cached", "1:0", pace=10.0)
    assert 60.0 <= float(last.split()[0]) <= 60.5


def test_what_is_heard_is_set_apart_from_what_is_said() -> None:
    """Answers are indented, so that the eye finds what the reader does."""
    told = list(rehearsed("steady", "hybrid", "1:0"))
    assert any("make ahead page 1 and the next, alloy at 1" in each for each in told)
    assert any("no such chunk" in each for each in told)
    answers = [each for each in told if "answer #" in each]
    assert all(each[10:].startswith("      answer") for each in answers)
    assert len(answers) > 20
