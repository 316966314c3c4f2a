"""The minimal users."""

import pytest

from benchmarks import minimal


def test_a_block_plays_as_long_as_its_bytes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN 32 s of 128 kb/s THEN it plays 32 s, and a eighth of that at pace 8."""
    assert minimal.plays_s(bytes(512_000)) == 32.0
    monkeypatch.setattr(minimal, "PACE", 8.0)
    assert minimal.plays_s(bytes(512_000)) == 4.0


@pytest.mark.parametrize("audio", [None, b""])
def test_a_server_that_gives_nothing_is_not_asked_in_a_circle(audio: bytes | None) -> None:
    """GIVEN no answer, or none with a byte in it THEN a second passes all the same."""
    assert minimal.plays_s(audio) == 1.0
