import json
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.asking import Host
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Block, Voice
from loadtests.speech_ahead import make_speech_ahead

Scripted = Callable[..., Any]
ALLOY, NOVA = Voice("alloy", 1.0), Voice("nova", 1.25)
CHAPTERS = [
    [Block(1, at, text, "") for at, text in enumerate(texts)] for texts in (("a", "b", "a"), ("b", "c"))
]


def upstream(memo_bytes: object, stats: int = 200) -> Callable[[Any], tuple[int, str, bytes]]:
    """A speech upstream that makes 10 bytes of each input and says how much it holds."""

    def answer(asked: Any) -> tuple[int, str, bytes]:
        if asked.path == "/stats":
            return stats, "application/json", json.dumps({"memo_bytes": memo_bytes}).encode()
        return (
            200,
            "application/json",
            json.dumps({"bytes": 10 * len(json.loads(asked.body)["inputs"])}).encode(),
        )

    return answer


def test_every_voice_says_every_text_once(scripted: Scripted) -> None:
    """Chapter by chapter, what was said before is left out; the count is of blocks."""
    server, told = scripted(upstream(60)), list[str]()
    with Host(server.url) as host:
        make_speech_ahead(host, CHAPTERS, (ALLOY, NOVA), told.append)
    orders = [json.loads(asked.body) for asked in server.asked if asked.path == "/prepare"]
    assert [(order["voice"], order["speed"], order["inputs"]) for order in orders] == [
        ("alloy", 1.0, ["a", "b"]),
        ("alloy", 1.0, ["c"]),
        ("nova", 1.25, ["a", "b"]),
        ("nova", 1.25, ["c"]),
    ]
    assert told[-1] == "synthesised 10/10"


def test_an_upstream_that_cannot_hold_it_all_is_refused(scripted: Scripted) -> None:
    """One byte too few in its memo, and some speech would come late; one that does not say is believed."""
    with (
        Host(scripted(upstream(59)).url) as host,
        pytest.raises(
            PrepareError, match=r"of this run is 60 bytes, and only 59 are kept\. .*--memo-mib 1 or more"
        ),
    ):
        make_speech_ahead(host, CHAPTERS, (ALLOY, NOVA), print)
    with Host(scripted(upstream(0, stats=404)).url) as host:
        make_speech_ahead(host, CHAPTERS, (ALLOY,), print)


def test_what_is_no_upstream_is_one_line(scripted: Scripted) -> None:
    """An upstream without /prepare, and one that answers something else."""
    for status, body in ((404, b"{}"), (200, b"{}"), (200, b"<html>")):

        def answer(_: object, status: int = status, body: bytes = body) -> tuple[int, str, bytes]:
            return status, "application/json", body

        with Host(scripted(answer).url) as host, pytest.raises(PrepareError, match="/prepare: "):
            make_speech_ahead(host, CHAPTERS, (ALLOY,), print)
