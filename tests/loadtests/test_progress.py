import pytest

from loadtests.progress import Progress


def test_counts_are_told_rarely_and_the_last_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line in two seconds, the end at once, and no line twice."""
    now_s = 100.0
    monkeypatch.setattr("loadtests.progress.time.monotonic", lambda: now_s)
    told: list[str] = []
    counts = Progress("made", told.append)
    for done in (0, 1, 2):
        counts.say(done, 4)
    now_s += 2
    counts.say(3, 4)
    counts.say(4, 4)
    counts.say(4, 4)
    assert told == ["made 0/4", "made 3/4", "made 4/4"]
