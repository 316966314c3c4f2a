"""tts.meta.json: written in parts, checked by its ends, rebuilt at a pace that costs little."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server import store_metadata
from reference_server.chunk import Chunk, Voicing
from reference_server.store_metadata import RebuildPace, read_created_at, sidecars_of, write_metadata

VOICING = Voicing("openai", "tts-1", 'al"loy é "chunks": [', 1.0)


class File:
    """Where the metadata goes in these tests."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.longest = 0

    def write(self, data: bytes) -> None:
        """Add."""
        self.longest = max(self.longest, len(data))
        self.data += data

    def overwrite(self, at: int, data: bytes) -> None:
        """Put over."""
        self.data[at : at + len(data)] = data


def _store(folder: Path, ordinal: int, voicing: Voicing = VOICING) -> Path:
    stem = f"{ordinal:04d}__page-001__block-{ordinal:03d}"
    audio = folder / f"{stem}.mp3"
    audio.write_bytes(b"audio")
    created_at = 1700000000 - ordinal
    chunk = Chunk(audio, ordinal, 1, ordinal, "Text é.", "ab", voicing, 1.5, 5, "cd", created_at, {})
    sidecar = audio.with_suffix(".json")
    sidecar.write_text(json.dumps(chunk.to_json()), "utf-8")
    return sidecar


def test_the_list_is_json_in_document_order(tmp_path: Path) -> None:
    """Only chunks with the asked settings are in it; `createdAt` is the oldest of these."""
    for ordinal in (10_000, 2, 1):
        _store(tmp_path, ordinal)
    _store(tmp_path, 20_000, replace(VOICING, speed=2.0))
    file = File()
    names = sidecars_of(tmp_path)
    created_at = write_metadata(file, "doc", VOICING, (tmp_path / name for name in names))
    fields = json.loads(file.data)
    assert list(fields) == [
        "documentId",
        "ttsProvider",
        "ttsModel",
        "voice",
        "nativeSpeed",
        "createdAt",
        "settingsHash",
        "chunks",
    ]
    assert (fields["voice"], fields["settingsHash"]) == (VOICING.voice, VOICING.settings_hash)
    assert [entry["index"] for entry in fields["chunks"]] == [0, 1, 9999]
    assert fields["createdAt"] == created_at == 1700000000 - 10_000


def test_a_long_list_goes_out_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many chunks there are, about one part of the list is in memory."""
    monkeypatch.setattr(store_metadata, "_PART_BYTES", 1000)
    for ordinal in range(1, 51):
        _store(tmp_path, ordinal)
    file = File()
    write_metadata(file, "doc", VOICING, (tmp_path / name for name in sidecars_of(tmp_path)))
    assert len(json.loads(file.data)["chunks"]) == 50
    assert file.longest < 2000


def test_a_list_of_nothing_is_json_too() -> None:
    """No chunk with these settings: the list is empty and dated now."""
    file = File()
    assert write_metadata(file, "doc", VOICING, ()) == json.loads(file.data)["createdAt"] > 1700000000
    assert json.loads(file.data)["chunks"] == []


def _written(tmp_path: Path, count: int) -> Path:
    folder = tmp_path / "doc"
    folder.mkdir()
    file = File()
    sidecars = [_store(folder, ordinal) for ordinal in range(1, count + 1)]
    write_metadata(file, "doc", VOICING, sidecars)
    path = folder / "tts.meta.json"
    path.write_bytes(file.data)
    return path


@pytest.mark.parametrize("count", [0, 1, 100])
def test_whole_metadata_tells_its_age(tmp_path: Path, count: int) -> None:
    """Short or longer than what is read of it, what was written is known as sound."""
    path = _written(tmp_path, count)
    assert read_created_at(path) == json.loads(path.read_bytes())["createdAt"]


def test_metadata_cut_off_anywhere_is_damaged(tmp_path: Path) -> None:
    """GIVEN any beginning of a metadata file THEN it is not taken for the whole."""
    path = _written(tmp_path, 3)
    whole = path.read_bytes()
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        assert read_created_at(path) is None, length


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"chunks": []}',
        '{"documentId": "other", "createdAt": 1, "chunks": []}',
        '{"documentId": "doc", "createdAt": "1", "chunks": []}',
        '{"documentId": "doc", "createdAt": 1}',
        '{"documentId": "doc", "createdAt": -1, "chunks": []}',
        '{"documentId": "doc", "createdAt": 1764000000000, "chunks": []}',
        "[" * 100_000,
    ],
)
def test_metadata_of_another_make_is_damaged(tmp_path: Path, text: str) -> None:
    """Another document's, without an age, with one in milliseconds, or without a list."""
    path = _written(tmp_path, 0)
    path.write_text(text, "utf-8")
    assert read_created_at(path) is None


def test_bytes_that_are_no_text_are_damaged(tmp_path: Path) -> None:
    """Zeroes where the file's blocks never reached the disk."""
    path = _written(tmp_path, 1)
    path.write_bytes(bytes(path.stat().st_size))
    assert read_created_at(path) is None
    path.unlink()
    assert read_created_at(path) is None


class Clock:
    """A clock that a test turns."""

    now_s = 100.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


def _rebuild(pace: RebuildPace, clock: Clock, took_s: float) -> None:
    with pace.timed("doc"):
        clock.now_s += took_s


@pytest.mark.parametrize(("took_s", "pause_s"), [(0.0, 5.0), (0.25, 5.0), (1.0, 20.0)])
def test_the_next_rebuild_waits_five_seconds_or_twenty_times_the_last(took_s: float, pause_s: float) -> None:
    """Whichever is longer, from the end of the last one on, and due at that very moment."""
    clock = Clock()
    pace = RebuildPace(clock)
    assert pace.claim("doc")
    _rebuild(pace, clock, took_s)
    clock.now_s += pause_s - 0.001
    assert not pace.claim("doc")
    clock.now_s += 0.001
    assert pace.claim("doc")


def test_a_rebuild_is_claimed_once() -> None:
    """While one is being made nobody else makes it; another document's is its own."""
    clock = Clock()
    pace = RebuildPace(clock)
    assert pace.claim("doc")
    assert not pace.claim("doc")
    assert pace.claim("other")
    _rebuild(pace, clock, 0.0)
    assert not pace.claim("doc")


def test_the_cost_of_all_rebuilds_is_a_twentieth_of_the_time() -> None:
    """GIVEN chunks one a second, of which each makes a rebuild dearer THEN rebuilding all stays linear."""
    clock = Clock()
    pace = RebuildPace(clock)
    rebuilding_s = 0.0
    for chunks in range(10_000):
        clock.now_s += 1
        if pace.claim("doc"):
            rebuilding_s += chunks * 0.001
            _rebuild(pace, clock, chunks * 0.001)
    assert 0 < rebuilding_s <= (clock.now_s - 100) / 20


def test_the_pace_forgets_what_is_due() -> None:
    """A server that makes ten thousand documents remembers those of the last seconds."""
    clock = Clock()
    pace = RebuildPace(clock)
    for number in range(100):
        assert pace.claim(str(number))
        with pace.timed(str(number)):
            clock.now_s += 1
    assert len(pace._due_at) < 30
