"""Rows packed and read back."""

from __future__ import annotations

from profiles.request_rows import Request, RequestRows

ROWS = [
    Request(1.5, "7", "tts", 200, 480768, 0.25, 0.0, "needed"),
    Request(2.5, "8", "play", 0, 0, None, 9.75, "never"),
    Request(3.5),
    Request(4.5, "x" * 300, "session", -1, 2**40, None, None, ""),
]


def test_rows_come_back_as_they_were() -> None:
    """GIVEN rows with and without each value THEN the same, by number, in part, in turn, and from the end."""
    rows = RequestRows(ROWS)
    assert list(rows) == ROWS
    assert [rows[index] for index in range(-4, 4)] == ROWS + ROWS
    assert rows[1:3] == ROWS[1:3]
    assert len(rows) == 4
    assert rows == tuple(ROWS)
    assert rows != ROWS[1:]
    assert RequestRows() == ()


def test_a_word_is_kept_once() -> None:
    """GIVEN a thousand rows of few words THEN few words."""
    rows = RequestRows(Request(float(t), str(t % 3), "chunk", 200, 1, 0.1, 0.0, "ahead") for t in range(1000))
    assert sorted(rows._words) == ["0", "1", "2", "ahead", "chunk"]
