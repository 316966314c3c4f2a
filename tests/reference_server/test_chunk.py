"""What makes a chunk the one that a client wants, and what a sidecar must hold."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.blocks import text_hash
from reference_server.chunk import Chunk, Voicing, Wanted, audio_name, open_audio, read_chunk
from reference_server.outline import Block

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)


@pytest.fixture
def chunk(tmp_path: Path) -> Chunk:
    """A chunk whose MP3 is there."""
    path = tmp_path / "0001__page-001__block-000.mp3"
    path.write_bytes(b"audio")
    return Chunk(
        path, 1, 1, 0, "Text é.", text_hash("Text é."), VOICING, 1.5, 5, "ab", 1700000000, {"alignments": []}
    )


def test_the_settings_hash_knows_every_setting() -> None:
    """The same settings have the same hash, a change of any one another."""
    others = [
        replace(VOICING, provider="x"),
        replace(VOICING, model="x"),
        replace(VOICING, voice="x"),
        replace(VOICING, speed=1.5),
    ]
    assert len({voicing.settings_hash for voicing in [VOICING, *others]}) == 5
    assert replace(VOICING).settings_hash == VOICING.settings_hash


def test_a_sidecar_gives_the_chunk_back(chunk: Chunk) -> None:
    """What is written is what is read, text in any script included."""
    sidecar = chunk.path.with_suffix(".json")
    sidecar.write_text(json.dumps(chunk.to_json()), "utf-8")
    assert read_chunk(sidecar) == chunk
    assert chunk.to_json()["settingsHash"] == VOICING.settings_hash


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", "{}", '{"voice": "alloy"}', "\udcff", "[" * 100_000]
)
def test_a_damaged_sidecar_is_no_chunk(chunk: Chunk, damage: str) -> None:
    """Cut off, of another type or make, or not UTF-8: the chunk is not there, and nothing is raised."""
    sidecar = chunk.path.with_suffix(".json")
    sidecar.write_bytes(damage.encode("utf-8", "surrogateescape"))
    assert read_chunk(sidecar) is None


def test_a_sidecar_without_its_whole_audio_is_no_chunk(chunk: Chunk) -> None:
    """An MP3 that is missing or of another size is never served."""
    sidecar = chunk.path.with_suffix(".json")
    sidecar.write_text(json.dumps(chunk.to_json()), "utf-8")
    chunk.path.write_bytes(b"audi")
    assert read_chunk(sidecar) is None
    chunk.path.unlink()
    assert read_chunk(sidecar) is None


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted("alloy", 1.0, "tts-1", text_hash("Text é.")), True),
        (Wanted(speed=1), True),
        (Wanted(voice="nova"), False),
        (Wanted(speed=1.25), False),
        (Wanted(model="tts-1-hd"), False),
        (Wanted(text_hash=text_hash("Text e.")), False),
        (Wanted(text_hash=""), False),
    ],
)
def test_only_what_is_given_must_fit(chunk: Chunk, wanted: Wanted, fits: bool) -> None:  # noqa: FBT001 - a parameter
    """What a client does not name is whatever is stored; what it names and differs is stale."""
    assert wanted.fits(chunk) is fits


def test_names_are_padded_and_do_not_collide_past_the_padding() -> None:
    """Names have at least the plan's width, and grow rather than lose digits."""
    assert audio_name(Block(1, 0, 1, "")) == "0001__page-001__block-000.mp3"
    assert audio_name(Block(1000, 1000, 10000, "")) == "10000__page-1000__block-1000.mp3"
    assert len({audio_name(Block(page, 0, page, "")) for page in range(1, 20_000)}) == 19_999


def _stored(chunk: Chunk) -> Chunk:
    chunk.path.with_suffix(".json").write_text(json.dumps(chunk.to_json()), "utf-8")
    return chunk


def test_a_chunk_that_is_still_the_same_is_opened(chunk: Chunk) -> None:
    """The file that is opened holds the chunk's bytes."""
    with open_audio(_stored(chunk)) as file:
        assert file.read() == b"audio"


def test_a_chunk_that_was_replaced_is_not_opened_as_the_old_one(chunk: Chunk) -> None:
    """GIVEN a chunk that was found WHEN another takes its place THEN its bytes never go out under the old tag."""
    old = _stored(chunk)
    chunk.path.write_bytes(b"other")
    _stored(replace(chunk, sha256="cd"))
    with pytest.raises(FileNotFoundError):
        open_audio(old)


def test_a_chunk_that_is_being_replaced_is_not_opened(chunk: Chunk) -> None:
    """Between the old sidecar's going and the new one's coming there is no chunk."""
    old = _stored(chunk)
    chunk.path.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError):
        open_audio(old)


def test_a_chunk_replaced_after_it_was_opened_is_not_opened(
    chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sidecar may be read in the moment before its going: the MP3 tells then that it is another."""
    old = _stored(chunk)

    def read_and_replace(sidecar: Path) -> Chunk | None:
        found = read_chunk(sidecar)
        other = chunk.path.with_name("other")
        other.write_bytes(b"other")
        other.replace(chunk.path)
        return found

    monkeypatch.setattr("reference_server.chunk.read_chunk", read_and_replace)
    with pytest.raises(FileNotFoundError):
        open_audio(old)


@pytest.mark.parametrize(
    ("key", "value"),
    [("createdAt", None), ("createdAt", "1700000000"), ("sizeBytes", 5.0), ("timings", []), ("speed", "1")],
)
def test_a_sidecar_with_another_type_in_it_is_no_chunk(chunk: Chunk, key: str, value: object) -> None:
    """Nothing that reads chunks later meets a field that is not what it should be."""
    sidecar = chunk.path.with_suffix(".json")
    sidecar.write_text(json.dumps({**chunk.to_json(), key: value}), "utf-8")
    assert read_chunk(sidecar) is None
