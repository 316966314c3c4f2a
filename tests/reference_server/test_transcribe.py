"""The live aligner asks the library for what the real application's aligner asks for, and no less."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reference_server import transcribe


class FakeWhisperModel:
    """Notes how it is made and asked, and hears two words."""

    calls: list[tuple[tuple[Any, ...], dict[str, Any]]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append((args, kwargs))

    def transcribe(self, *args: Any, **kwargs: Any) -> tuple[Iterator[SimpleNamespace], None]:
        """Hear one segment, and one in which there is nothing."""
        self.calls.append((args, kwargs))
        words = [
            SimpleNamespace(word=" Hello", start=0.2, end=0.5),
            SimpleNamespace(word=" there", start=0.5, end=1),
        ]
        return iter([SimpleNamespace(words=words), SimpleNamespace(words=None)]), None


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """How the library was called: first the model's making, then the question."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    monkeypatch.setattr(FakeWhisperModel, "calls", calls, raising=False)
    monkeypatch.setattr(transcribe, "WhisperModel", FakeWhisperModel)
    return calls


@pytest.mark.parametrize("lang", [None, "en"])
def test_the_library_s_own_beam_and_threads_are_used(
    tmp_path: Path, calls: list[tuple[tuple[Any, ...], dict[str, Any]]], lang: str | None
) -> None:
    """Faithful: whatever says less (a narrow beam, one thread, no word times) would be another load."""
    (tmp_path / "text.txt").write_text("Hello there.")
    language = [] if lang is None else ["--lang", lang]
    arguments = ["a.wav", "--text-file", str(tmp_path / "text.txt"), "--model", "folder", *language]
    assert transcribe.main(arguments) == 0
    assert calls == [
        (("folder",), {"device": "cpu", "compute_type": "int8"}),
        (("a.wav",), {"language": lang, "word_timestamps": True}),
    ]


def test_the_words_of_the_text_get_the_times_heard(
    tmp_path: Path,
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The answer is one line: the text's words, with the model's lag taken off."""
    (tmp_path / "text.txt").write_text("Hello there.")
    assert transcribe.main(["a.wav", "--text-file", str(tmp_path / "text.txt"), "--model", "folder"]) == 0
    assert len(calls) == 2
    assert json.loads(capsys.readouterr().out) == [["Hello", 0.1, 0.4, 0, 5], ["there.", 0.4, 0.9, 6, 12]]


def test_a_text_that_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read ends the program with 1 and names the file."""
    arguments = ["a.wav", "--text-file", str(tmp_path / "none.txt"), "--model", "folder"]
    assert transcribe.main(arguments) == 1
    assert "none.txt" in capsys.readouterr().err
