from pathlib import Path

import pytest

from profiles.watchdog_files import CPUS, STATE, State, StateWriter, read_cpus, read_state, write_cpus

SEEN = State(12.5, 1000, 2000, 3, 4.25, 0.5)


def test_a_state_is_read_as_written_also_when_it_gets_shorter(tmp_path: Path) -> None:
    """GIVEN states written one after the other THEN the last one is read, with nothing of a longer one left."""
    writer = StateWriter(tmp_path)
    writer.write(State(123456.123456, 10**15, 10**15, 10**6, 123456.123456, 123456.123456))
    writer.write(SEEN)
    assert read_state(tmp_path) == SEEN


@pytest.mark.parametrize("text", ["", "1 2 3", "1 12.5 1000 2000 3 4.25 0.5 2", "1 x 1000 2000 3 4.25 0.5 1"])
def test_a_torn_state_is_none(tmp_path: Path, text: str) -> None:
    """GIVEN a state that was half overwritten, is cut off or is none THEN nothing is known."""
    assert read_state(tmp_path) is None
    (tmp_path / STATE).write_text(text)
    assert read_state(tmp_path) is None


def test_cpus_are_read_as_asked_for(tmp_path: Path) -> None:
    """GIVEN one share after the other THEN the last is read; a broken file is unknown."""
    assert read_cpus(tmp_path) is None
    write_cpus(tmp_path, 16)
    write_cpus(tmp_path, 0.125)
    assert read_cpus(tmp_path) == 0.125
    (tmp_path / CPUS).write_text("many")
    assert read_cpus(tmp_path) is None
