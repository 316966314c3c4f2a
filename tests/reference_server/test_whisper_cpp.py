"""What is asked of whisper.cpp, and what its answers mean. The answers here are written after its format."""

import json
from pathlib import Path

import pytest

from reference_server.whisper_cpp import WhisperCpp, heard_words

PROGRAM = WhisperCpp("whisper-cli", Path("ggml-tiny.en.bin"))


def _token(text: str, start_ms: int, end_ms: int) -> dict[str, object]:
    return {"text": text, "offsets": {"from": start_ms, "to": end_ms}, "id": 1, "p": 0.9}


def _answer(*segments: list[dict[str, object]]) -> bytes:
    return json.dumps({"transcription": [{"text": "", "tokens": tokens} for tokens in segments]}).encode()


@pytest.mark.parametrize(("lang", "more"), [(None, ()), ("fr", ("-l", "fr"))])
def test_it_is_asked_as_the_application_asks(lang: str | None, more: tuple[str, ...]) -> None:
    """Model, file, the answer's place, full JSON, no printing; a language only where one is named."""
    assert PROGRAM.command(Path("/a/audio.wav"), lang) == (
        "whisper-cli",
        *("-m", "ggml-tiny.en.bin", "-f", "/a/audio.wav", "-of", "/a/heard", "-ojf", "-np"),
        *more,
    )


def test_tokens_are_joined_to_words() -> None:
    """A space begins a word, a token without one goes on with it, and what is not said is left out."""
    answer = _answer(
        [
            _token("[_BEG_]", 0, 0),
            _token(" An", 50, 380),
            _token(" ident", 380, 800),
            _token("ity", 800, 900),
            _token(",", 900, 950),
            _token("[_TT_100]", 2000, 2000),
        ],
        [_token(" next", 2000, 2400), _token(" [_", 2400, 2500)],
    )
    assert heard_words(answer) == [
        (" An", 0.05, 0.38),
        (" identity,", 0.38, 0.95),
        (" next", 2.0, 2.4),
        (" [_", 2.4, 2.5),
    ]


def test_a_segment_without_tokens_is_one_long_word() -> None:
    """What shares the segment's time is better than nothing; the text's words are fitted into it later."""
    segment = {"text": " Two words", "offsets": {"from": 100, "to": 900}}
    for whole in (segment, {**segment, "tokens": []}):
        answer = json.dumps({"transcription": [whole]}).encode()
        assert heard_words(answer) == [(" Two words", 0.1, 0.9)]


def test_a_character_cut_by_a_token_is_whole_again() -> None:
    """Tokens can end inside a character, as whisper.cpp writes bytes; a half that stays alone does no harm."""
    answer = _answer([_token(" caf@", 0, 1), _token("#", 1, 2), _token(" @", 2, 3)])
    answer = answer.replace(b"@", b"\xc3").replace(b"#", b"\xa9")
    assert [word for word, _, _ in heard_words(answer)] == [" café", " �"]


def test_characters_that_json_forbids_are_read() -> None:
    """whisper.cpp escapes quotes and backslashes only: a line end may stand in a text as it is."""
    assert heard_words(_answer([_token(" a@b", 0, 1)]).replace(b"@", b"\n")) == [(" a\nb", 0, 0.001)]


@pytest.mark.parametrize(("start", "end"), [(-50, 10**30), (0, 86_400_000)])
def test_times_stay_within_a_day(start: int, end: int) -> None:
    """What no block can last is cut, so that no number is too large for what comes after."""
    assert heard_words(_answer([_token(" a", start, end)])) == [(" a", 0.0, 86_400.0)]


@pytest.mark.parametrize(
    "answer", [b'{"transcription": []}', _answer([]), _answer([_token("[_BEG_]", 0, 0)])]
)
def test_silence_has_no_words(answer: bytes) -> None:
    """Nothing said is an answer, too."""
    answer = answer.replace(b'"text": "", ', b'"text": "[_BEG_]", "offsets": {"from": 0, "to": 0}, ')
    assert heard_words(answer) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b"7",
        b"[" * 100_000,
        b'{"transcription": 7}',
        b'{"transcription": [7]}',
        b'{"transcription": [{"tokens": [7]}]}',
        b'{"transcription": [{"tokens": [{}]}]}',
        b'{"transcription": [{"tokens": [{"text": 7, "offsets": {"from": 0, "to": 1}}]}]}',
        b'{"transcription": [{"tokens": [{"text": " a"}]}]}',
        b'{"transcription": [{"tokens": [{"text": " a", "offsets": {"from": "0", "to": 1}}]}]}',
        b'{"transcription": [{"tokens": [{"text": " a", "offsets": {"from": NaN, "to": 1}}]}]}',
        b'{"transcription": [{"tokens": [{"text": " a", "offsets": {"from": true, "to": 1}}]}]}',
    ],
)
def test_anything_else_is_a_value_error(answer: bytes) -> None:
    """Whatever the program wrote, it ends in one kind of error, and in one line."""
    with pytest.raises(ValueError, match=r".") as caught:
        heard_words(answer)
    assert "\n" not in str(caught.value)


def test_the_words_of_the_text_get_the_times_heard(tmp_path: Path) -> None:
    """The answer lies beside the WAV; the words are the text's, with its punctuation and its places."""
    (tmp_path / "heard.json").write_bytes(_answer([_token(" hello", 100, 400), _token(" there", 400, 900)]))
    words = PROGRAM.words(tmp_path / "audio.wav", "Hello, there!")
    assert [(word.text, word.start_s, word.char_end) for word in words] == [
        ("Hello,", 0.1, 6),
        ("there!", 0.4, 13),
    ]


def test_an_answer_that_is_missing_or_monstrous_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file, and one byte more than is read, are told by the file's name; the limit itself is read."""
    with pytest.raises(ValueError, match=r"wrote no heard\.json"):
        PROGRAM.words(tmp_path / "audio.wav", "text")
    answer = _answer([_token(" text", 0, 1)])
    (tmp_path / "heard.json").write_bytes(answer)
    monkeypatch.setattr("reference_server.whisper_cpp._LONGEST_ANSWER_BYTES", len(answer))
    assert len(PROGRAM.words(tmp_path / "audio.wav", "text")) == 1
    (tmp_path / "heard.json").write_bytes(answer + b" ")
    with pytest.raises(ValueError, match=r"heard\.json has more than"):
        PROGRAM.words(tmp_path / "audio.wav", "text")
