import pytest

from reference_server.upstream_answer import OPENAI_VOICES, check_is_audio, voices_of
from reference_server.upstream_client import BadAnswerError


@pytest.mark.parametrize("kind", ["audio/mpeg", "AUDIO/x; a=b", "application/octet-stream", ""])
def test_audio_and_bytes_without_a_name_may_be_audio(kind: str) -> None:
    """What calls itself audio, plain bytes, or nothing at all is let through."""
    check_is_audio(200, kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "text/html"), (200, "application/json"), (200, "text/event-stream"), (201, "audio/mpeg")],
)
def test_what_calls_itself_something_else_is_none(status: int, kind: str) -> None:
    """A page, a message or another success than 200 is refused before its body is read."""
    with pytest.raises(BadAnswerError):
        check_is_audio(status, kind)


def test_a_type_is_shown_in_one_short_line() -> None:
    """What the upstream calls its answer is shown, without what would break a log."""
    with pytest.raises(BadAnswerError) as caught:
        check_is_audio(200, "text/\x1b[31m" + "x" * 1000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_voices_are_texts() -> None:
    """A list of names is taken as it is, up to a thousand names of two hundred characters."""
    assert voices_of({"voices": list(OPENAI_VOICES)}) == list(OPENAI_VOICES)
    assert voices_of({"voices": []}) == []
    assert len(voices_of({"voices": ["x" * 200] * 1000})) == 1000


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "alloy",
        {},
        {"voices": {}},
        {"voices": [1]},
        {"voices": ["x" * 201]},
        {"voices": ["x"] * 1001},
        {"voices": ["\ud800"]},
        {"voices": ["a\nb"]},
    ],
)
def test_what_is_no_list_of_voices_is_refused(answer: object) -> None:
    """Another shape, too many, too long, or a name that no answer can carry."""
    with pytest.raises(BadAnswerError):
        voices_of(answer)
