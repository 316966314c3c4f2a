import json

import pytest

from loadtests.speech import SpeechOrder
from loadtests.speech_api import BadOrderError, parse_order, parse_preparation

GOOD: dict[str, object] = {"model": "tts-1", "voice": "alloy", "input": "Hello."}


def test_defaults_are_those_of_openai() -> None:
    """Speed 1 and MP3 unless asked otherwise; fields it does not know are let be."""
    assert parse_order(json.dumps({**GOOD, "instructions": "softly"}).encode()) == SpeechOrder(
        "Hello.", "alloy"
    )


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": 3}, "voice"),
        ({"input": " \n"}, "input"),
        ({"input": ["a"]}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"response_format": "opus"}, "response_format"),
        ({"response_format": ["mp3"]}, "response_format"),
        ({"speed": 0.249}, "speed"),
        ({"speed": 4.001}, "speed"),
        ({"speed": "1"}, "speed"),
        ({"speed": True}, "speed"),
        ({"speed": float("nan")}, "speed"),
    ],
)
def test_a_bad_parameter_is_named(change: dict[str, object], parameter: str) -> None:
    """What cannot be spoken is refused with the parameter's name in the error and in its message."""
    with pytest.raises(BadOrderError, match=parameter.replace("response_", "")) as caught:
        parse_order(json.dumps({**GOOD, **change}).encode())
    assert caught.value.parameter == parameter


@pytest.mark.parametrize("change", [{"input": "x" * 4096}, {"speed": 0.25}, {"speed": 4}])
def test_the_limits_themselves_are_allowed(change: dict[str, object]) -> None:
    """4096 characters, speed 0.25 and speed 4 are inside."""
    order = parse_order(json.dumps({**GOOD, **change}).encode())

    assert {"input": order.text, "speed": order.speed}.items() >= change.items()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """Neither broken JSON nor another value passes for an order or a preparation."""
    for parse in (parse_order, parse_preparation):
        with pytest.raises(BadOrderError, match="JSON"):
            parse(body)


def test_a_preparation_names_each_text_once() -> None:
    """Texts keep their order, repeats are dropped, and all are MP3 in the voice and at the speed given."""
    body = {"voice": "echo", "speed": 2, "inputs": ["b", "a", "b"]}

    assert parse_preparation(json.dumps(body).encode()) == [
        SpeechOrder("b", "echo", 2.0),
        SpeechOrder("a", "echo", 2.0),
    ]


@pytest.mark.parametrize("inputs", [None, "text", [1], [""], ["x" * 4097]])
def test_a_bad_preparation_is_refused(inputs: object) -> None:
    """Inputs must be a list of texts that could each be spoken."""
    with pytest.raises(BadOrderError, match="input"):
        parse_preparation(json.dumps({"voice": "alloy", "inputs": inputs}).encode())
