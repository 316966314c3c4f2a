"""What readers ask and hear, through the real Locust; test_session.py has the rest."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

Stub = Callable[..., Any]
Locusts = Any

pytestmark = pytest.mark.slow


def test_live_readers_do_what_the_contract_says(stub: Stub, locusts: Locusts) -> None:
    """Speech of each block once, timings with every byte of the MP3 for each, plays one after another."""
    server = stub()
    ended = locusts.run(server.url, "--mode", "live")
    rows = ended.rows
    assert "all 2 readers have finished" in ended.log
    for reader in ("0", "1"):
        mine = [row for row in rows if row["reader"] == reader]
        kinds = Counter((row["kind"], row["source"].split(":")[0]) for row in mine)
        assert kinds[("play", "first")] == 1
        # 10 s of session and blocks of just over 1 s: every block of the chapter, then again from the cache.
        assert kinds[("tts", "needed")] + kinds[("tts", "ahead")] == 4
        assert kinds[("whisper", "first")] == 4
        assert kinds[("play", "live")] == 3
        assert 4 <= kinds[("play", "cache")] <= 6
        plays = [float(row["t"]) for row in mine if row["kind"] == "play"]
        assert all(0.2 <= later - earlier < 0.5 for earlier, later in pairwise(plays))
    assert {row["status"] for row in rows} == {"200"}
    whispers = server.asked("/api/whisper")
    assert all(asked["whole"] for asked in whispers)
    assert {asked["text"] for asked in whispers} == {asked["text"] for asked in server.asked("/api/tts")}
    assert server.asked("/api/tts/chunk") == []


def test_timings_that_do_not_come_back_are_asked_again_and_left_at_the_end(
    stub: Stub, locusts: Locusts
) -> None:
    """An aligner that never answers gets more work; what is open when the reader leaves is a 499."""
    rows = locusts.run(stub(whisper="never").url, "--mode", "live").rows
    whispers = Counter((row["source"], row["status"]) for row in rows if row["kind"] == "whisper")
    plays_from_cache = sum(row["source"] == "cache" for row in rows)
    assert set(whispers) == {("first", "499"), ("again", "499")}
    assert whispers[("again", "499")] >= plays_from_cache > 0


def test_cached_readers_never_ask_live(stub: Stub, locusts: Locusts) -> None:
    """Chunks and stored timings by name and hash, once each; nothing is made live."""
    server = stub()
    rows = locusts.run(server.url, "--mode", "cached").rows
    kinds = Counter(row["kind"] for row in rows)
    assert (kinds["chunk"], kinds["timings"], kinds["tts"], kinds["whisper"]) == (8, 8, 0, 0)
    assert {row["source"] for row in rows if row["kind"] == "play"} == {"first:chunk", "chunk", "cache"}
    asked = server.asked("/api/tts/chunk")[0]
    assert asked["textHash"] == f"hash-{asked['page']}-{asked['blockIndex']}"
    assert (asked["documentId"], asked["voice"], asked["speed"], asked["model"]) == (
        "d",
        "alloy",
        "1",
        "tts-1",
    )


def test_who_reads_several_sessions_is_somebody_else_in_each(stub: Stub, locusts: Locusts) -> None:
    """GIVEN two readers of three sessions THEN six people read one after the other, and nothing is kept between."""
    ended = locusts.run(stub().url, "--mode", "cached", "--sessions", "3")
    assert ended.status == 0
    assert set(ended.numbers()) == {str(number) for number in range(6)}
    firsts = [row for row in ended.rows if row["kind"] == "play" and row["source"] == "first:chunk"]
    assert Counter(row["reader"] for row in firsts) == dict.fromkeys(map(str, range(6)), 1)
    assert max(int(row["readers"]) for row in ended.samples) == 2
    assert "Readers              6, 6 of them heard something" in ended.log


def test_a_missing_chunk_is_read_live(stub: Stub, locusts: Locusts) -> None:
    """Blocks without a chunk are made live, their timings once; the others stay on disk."""
    rows = locusts.run(stub(missing="1+2").url, "--mode", "cached").rows
    kinds = Counter((row["kind"], row["status"]) for row in rows)
    assert kinds[("chunk", "404")] == kinds[("tts", "200")] == kinds[("whisper", "200")] == 4
    assert kinds[("chunk", "200")] == kinds[("timings", "200")] == 4
    assert Counter(row["source"] for row in rows)["fallback"] == 3


def test_hybrid_readers_ask_for_each_page_as_it_begins(stub: Stub, locusts: Locusts) -> None:
    """One ask a page and visit, with the reading's own settings, before its first block is fetched."""
    server = stub(missing="2")
    rows = locusts.run(server.url, "--mode", "hybrid", "--users", "1").rows
    asks = [row for row in rows if row["kind"] == "preprocess"]
    assert [row["source"] for row in asks[:3]] == ["page:1", "page:2", "page:1"]
    assert {row["status"] for row in asks} == {"202"}
    assert server.asked("/api/tts/preprocess")[0] == {
        "path": "/api/tts/preprocess",
        "documentId": "d",
        "pages": "current+next",
        "page": 1,
        "voice": "alloy",
        "speed": 1.0,
        "model": "tts-1",
    }
    kinds = Counter((row["kind"], row["status"]) for row in rows)
    assert kinds[("chunk", "404")] == kinds[("tts", "200")] == kinds[("whisper", "200")] == 2
    assert kinds[("chunk", "200")] == kinds[("timings", "200")] == 2


@pytest.mark.parametrize(("ahead", "status"), [("503", "503"), ("cut", "0"), ("never", "499")])
def test_an_ask_that_fails_is_recorded_and_disturbs_nobody(
    stub: Stub, locusts: Locusts, ahead: str, status: str
) -> None:
    """Refused, broken off or never answered: the reader plays block after block, and asks at the next page."""
    ended = locusts.run(stub(ahead=ahead).url, "--mode", "hybrid", "--users", "1")
    rows = ended.rows
    assert "all 1 readers have finished" in ended.log
    asks = [row for row in rows if row["kind"] == "preprocess"]
    assert {row["status"] for row in asks} == {status}
    assert {row["source"] for row in asks} == {"page:1", "page:2"}
    plays = [float(row["t"]) for row in rows if row["kind"] == "play"]
    assert len(plays) >= 7
    assert all(later - earlier < 0.5 for earlier, later in pairwise(plays))


def test_to_the_letter_takes_audio_from_disk_and_timings_live(stub: Stub, locusts: Locusts) -> None:
    """Chunks from disk, timings by POST with the chunk's bytes."""
    server = stub()
    rows = locusts.run(server.url, "--mode", "cached-to-the-letter").rows
    kinds = Counter(row["kind"] for row in rows)
    assert (kinds["chunk"], kinds["whisper"], kinds["tts"], kinds["timings"]) == (8, 8, 0, 0)
    assert all(asked["whole"] for asked in server.asked("/api/whisper"))
