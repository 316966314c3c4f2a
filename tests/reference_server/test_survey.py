"""What is stored of a document, told against what is wanted and against the document's own text."""

from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.chunk import Voicing, Wanted
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore
from reference_server.survey import OtherSetting, PartialPage, Survey, survey

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of(["One.\n\nTwo.", "", "Three."])
ONE, TWO, THREE = OUTLINE.blocks


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    """An empty store."""
    return ChunkStore(tmp_path / "tts_cache_v1")


def _put(store: ChunkStore, mp3: bytes, block: Block, voicing: Voicing = VOICING) -> None:
    store.commit("doc", block, voicing, store.stage("doc", mp3), {"alignments": []})


def _look(store: ChunkStore, wanted: Wanted | None = None, outline: Outline = OUTLINE) -> Survey:
    return survey(store, "doc", outline, wanted or Wanted())


def test_nothing_stored_is_missing(store: ChunkStore) -> None:
    """A document without chunks has no settings and no pages, but its number of blocks."""
    found = _look(store)
    assert (found.state, found.stored, found.fitting, found.total) == ("missing", 0, 0, 3)
    assert (found.pages, found.partial_pages, found.voicing) == ((), (), None)
    assert found.to_json() == {"state": "missing", "done": 0, "total": 3, "pages": (), "partialPages": []}


def test_pages_are_told_whole_from_begun(store: ChunkStore, mp3: bytes) -> None:
    """A page with all blocks is complete, one with some is partial, and an empty page is neither."""
    _put(store, mp3, TWO)
    _put(store, mp3, THREE)
    found = _look(store)
    assert (found.state, found.pages, found.partial_pages) == ("partial", (3,), (PartialPage(1, 1, 2),))
    _put(store, mp3, ONE)
    found = _look(store)
    assert (found.state, found.pages, found.partial_pages) == ("complete", (1, 3), ())


def test_a_document_without_blocks_has_nothing_to_be_complete(store: ChunkStore) -> None:
    """Its chunks are missing, not complete: nothing can be read of it."""
    assert _look(store, outline=Outline.of(["", ""])).state == "missing"


@pytest.mark.parametrize(
    ("wanted", "name", "stored", "other"),
    [
        (Wanted(voice="nova"), "voice", "alloy", "nova"),
        (Wanted(speed=1.5), "speed", 1.0, 1.5),
        (Wanted(model="tts-1-hd"), "model", "tts-1", "tts-1-hd"),
    ],
)
def test_a_setting_that_differs_makes_it_stale(
    store: ChunkStore, mp3: bytes, wanted: Wanted, name: str, stored: str | float, other: str | float
) -> None:
    """The setting is named once with both sides, however many chunks it concerns; nothing fits."""
    _put(store, mp3, ONE)
    _put(store, mp3, TWO)
    found = _look(store, wanted)
    assert (found.state, found.fitting, found.pages) == ("stale", 0, ())
    assert found.other_settings == (OtherSetting(name, stored, other),)
    assert _look(store, Wanted("alloy", 1.0, "tts-1")).state == "partial"


def test_all_settings_of_a_mixed_store_are_listed(store: ChunkStore, mp3: bytes) -> None:
    """Chunks of three voices: the two unwanted are listed; what most are made with is what is stored."""
    _put(store, mp3, ONE, replace(VOICING, voice="echo"))
    _put(store, mp3, TWO, replace(VOICING, voice="nova"))
    _put(store, mp3, THREE, replace(VOICING, voice="nova"))
    found = _look(store, Wanted(voice="nova"))
    assert found.other_settings == (OtherSetting("voice", "echo", "nova"),)
    assert (found.state, found.fitting, found.pages) == ("stale", 2, (3,))
    assert found.voicing == replace(VOICING, voice="nova")
    assert len(_look(store, Wanted(voice="alloy")).other_settings) == 2
    assert _look(store).state == "complete"


def test_another_text_is_stale_with_both_sides(store: ChunkStore, mp3: bytes) -> None:
    """Old and new text are shown for the first five, 200 characters of each; the rest is counted."""
    old = Outline.of([f"{number} " + "old " * 60 for number in range(7)])
    for block in old.blocks:
        _put(store, mp3, block)
    new = Outline.of([f"{number} " + "new " * 60 for number in range(6)] + ["6 " + "old " * 60])
    found = _look(store, outline=new)
    assert (found.state, found.fitting, found.stored, found.other_texts) == ("stale", 1, 7, 6)
    assert [(text.page, text.block_index) for text in found.examples] == [(n, 0) for n in range(1, 6)]
    assert found.examples[0].stored.startswith("0 old")
    assert found.examples[0].wanted.startswith("0 new")
    assert {len(text.stored) for text in found.examples} | {len(text.wanted) for text in found.examples} == {
        200
    }
    stale = found.to_json()["stale"]
    assert isinstance(stale, dict)
    assert (stale["blocks"], stale["settings"], stale["texts"]["count"]) == (6, [], 6)


def test_a_block_of_another_text_and_voice_counts_once(store: ChunkStore, mp3: bytes) -> None:
    """Both reasons are told, and one block is stale."""
    _put(store, mp3, ONE)
    found = _look(store, Wanted(voice="nova"), Outline.of(["Uno."]))
    assert (found.stored, found.fitting, found.other_texts, len(found.other_settings)) == (1, 0, 1, 1)


def test_the_text_hash_of_a_query_is_no_setting(store: ChunkStore, mp3: bytes) -> None:
    """Each block has its own: one that is given for all says nothing of the document."""
    _put(store, mp3, ONE)
    assert _look(store, Wanted(text_hash="0" * 64)).state == "partial"
