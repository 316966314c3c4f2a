import os
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.duty_cycle import DutyCycle
from profiles.watchdog_files import FOLDER, read_state, write_cpus
from profiles.watchdog_process import Watchdog, watch


@pytest.fixture
def watchdog(tmp_path: Path) -> Watchdog:
    """A watchdog over nobody."""
    (tmp_path / FOLDER).mkdir()
    return Watchdog(tmp_path, 1000, DutyCycle(2.0, 2))


@pytest.mark.parametrize(
    ("say", "told"),
    [(lambda pipe: os.write(pipe, b"end\n"), True), (os.close, False)],
    ids=["a line", "the owner's end"],
)
def test_it_watches_until_told_or_alone(
    watchdog: Watchdog, tmp_path: Path, say: Callable[[int], object], told: object
) -> None:
    """GIVEN a line on its input, or the end of it THEN it ends, and tells the two apart; it has looked before."""
    out, into = os.pipe()
    with os.fdopen(out) as commands:
        say(into)
        assert watch(watchdog, commands) is told
    state = read_state(tmp_path / FOLDER)
    assert state is not None
    assert (state.held_bytes, state.limit_bytes, state.oom_kills) == (0, 1000, 0)
    if told:
        os.close(into)


def test_the_share_that_was_asked_for_is_kept_from_the_next_look_on(
    watchdog: Watchdog, tmp_path: Path
) -> None:
    """GIVEN another share WHEN it looks THEN it is the one it keeps; a glance between two looks needs no file."""
    write_cpus(tmp_path / FOLDER, 0.5)
    watchdog.look()
    assert watchdog.duty.cpus == 0.5
    assert watchdog.duty.next_s < 1.0
    watchdog.glance()
