"""The store that is made without speech."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.servers import reference_server
from benchmarks.suite.made_store import DOCUMENT_ID, MadeBlock, _spoken_evenly, make_store
from reference_server.words import map_words


def test_words_are_spread_over_the_sound() -> None:
    """GIVEN a text and its length WHEN it is spoken evenly THEN each word is mapped, in order and within the sound."""
    text = "One two, three."
    words = map_words(text, _spoken_evenly(text, 15.0))
    assert [(word.text, word.start_s, word.end_s) for word in words] == [
        ("One", 0.0, 3.0),
        ("two,", 4.0, 8.0),
        ("three.", 9.0, 15.0),
    ]


def test_a_block_is_asked_for_with_all_that_a_reader_expects() -> None:
    """GIVEN a block THEN its path names settings and text, so that the server checks them."""
    path = MadeBlock(2, 0, "abc", 100).path
    assert path == (
        "/api/tts/chunk?documentId=made&page=2&blockIndex=0&voice=alloy&speed=1&model=tts-1&textHash=abc"
    )


@pytest.mark.slow
def test_the_server_takes_what_is_made_for_its_own(tmp_path: Path) -> None:
    """GIVEN a made store WHEN the reference server opens it THEN it serves every chunk whole."""
    store = make_store(tmp_path, blocks=3, smallest_bytes=1000, largest_bytes=2000)
    with reference_server(store.docstore, tmp_path / "log", settings={"ALIGNER": "none"}) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        for block in store.blocks:
            connection.request("GET", block.path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200
            assert 1000 <= len(body) == block.size_bytes <= 2000
            assert body == (store.files / "chunk" / f"{block.page}-{block.index}").read_bytes()
        connection.request("GET", store.blocks[0].path.replace("/chunk?", "/timings?"))
        (sentence,) = json.loads(connection.getresponse().read())["alignments"]
        assert sentence["words"]
        connection.request("GET", f"/api/tts/preprocess/status?documentId={DOCUMENT_ID}")
        status = json.loads(connection.getresponse().read())
        assert (status["done"], status["state"]) == (3, "complete")
        connection.close()
