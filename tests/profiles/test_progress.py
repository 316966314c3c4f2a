from io import StringIO

import pytest
from rich.console import Console

from profiles.progress import LOG_EVERY_S, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    now = [1000.0]
    monkeypatch.setattr("profiles.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then(clock: list[float]) -> None:
    """GIVEN no terminal THEN the first word of a stage is a line, and the next only after a quarter of a minute."""
    out = StringIO()
    with Progress(Console(file=out)) as shown:
        shown.stage("live")
        for text in ("1 MB", "2 MB"):
            shown.tell(text)
        clock[0] += LOG_EVERY_S
        shown.tell("3 MB")
    assert out.getvalue().splitlines() == ["live: 1 MB", "live: 3 MB"]


def test_a_terminal_has_one_living_line_that_is_gone_at_the_end(clock: list[float]) -> None:
    """GIVEN a terminal THEN the line is drawn over itself, a line that stays stands above, and nothing else remains."""
    out = StringIO()
    with Progress(Console(file=out, force_terminal=True, width=40, legacy_windows=False)) as shown:
        shown.stage("live")
        shown.tell("7 MB")
        shown.line("pregenerate: survived")
        clock[0] += 1
        shown.tell("8 MB [not markup]")
    written = out.getvalue()
    assert "7 MB" in written
    assert "8 MB [not markup]" in written
    assert "pregenerate: survived\n" in written
    assert written.rstrip("\x1b[?25h").endswith("\x1b[2K")


def test_a_long_line_is_cut_at_the_terminals_edge(clock: list[float]) -> None:
    """GIVEN a narrow terminal THEN the living line stays one line."""
    out = StringIO()
    with Progress(Console(file=out, force_terminal=True, width=20)) as shown:
        shown.stage("cached-to-the-letter")
        shown.tell("a long way to go")
    assert "to go" not in out.getvalue()
