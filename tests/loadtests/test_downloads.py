from itertools import count

import pytest

from loadtests.actions import Action, FetchAudio, Source
from loadtests.chapters import Block, Voice
from loadtests.downloads import Downloads, retry_wait_s
from loadtests.timeline import Timeline

BLOCK, OTHER = (Block(1, index, f"Text {index}.", f"hash-{index}") for index in range(2))
VOICE = Voice("alloy", 1.0)


class Tab:
    """Downloads of a tab whose listener waits for the first block."""

    def __init__(self, source: Source = "tts") -> None:
        self.timeline = Timeline(1.0)
        self.said: list[Action] = []
        self.downloads = Downloads(
            self.said.append, self.timeline, count(1), source, lambda block: block == BLOCK
        )


def test_waits_before_retries_double_up_to_five_seconds() -> None:
    """1, 2, 4, then never more than 5 session seconds."""
    assert [retry_wait_s(failed) for failed in (1, 2, 3, 4, 9)] == [1, 2, 4, 5, 5]


def test_a_block_on_its_way_is_not_asked_for_twice() -> None:
    """Another one is; only the one that is waited for is not ahead."""
    tab = Tab()
    for block in (BLOCK, BLOCK, OTHER):
        tab.downloads.ask(0.0, block, VOICE)
    assert tab.said == [
        FetchAudio(1, BLOCK, "tts", 1, 0.0, ahead=False, voice=VOICE),
        FetchAudio(2, OTHER, "tts", 1, 0.0, ahead=True, voice=VOICE),
    ]


def test_what_arrived_is_on_its_way_no_longer() -> None:
    """It is handed out once, and can be asked for again."""
    tab = Tab()
    tab.downloads.ask(0.0, BLOCK, VOICE)
    download = tab.downloads.arrived(1)
    assert download is not None
    assert download.block == BLOCK
    assert tab.downloads.arrived(1) is None
    tab.downloads.ask(1.0, BLOCK, VOICE)
    assert len(tab.said) == 2


def test_three_attempts_each_with_its_own_number() -> None:
    """The second 1 s and the third 2 s after a failure; then it has failed for good."""
    tab = Tab()
    tab.downloads.ask(0.0, BLOCK, VOICE)
    assert tab.downloads.failed(10.0, 1, missing=False) is None
    tab.timeline.run_due(11.0)
    assert tab.downloads.failed(20.0, 1, missing=False) is None  # not the number that is out
    assert tab.downloads.failed(20.0, 2, missing=False) is None
    tab.timeline.run_due(22.0)
    failed = tab.downloads.failed(30.0, 3, missing=False)
    assert failed is not None
    assert [
        (asked.number, asked.attempt, asked.intended_t) for asked in tab.said if isinstance(asked, FetchAudio)
    ] == [(1, 1, 0.0), (2, 2, 11.0), (3, 3, 22.0)]
    assert tab.timeline.next_t is None


@pytest.mark.parametrize(("source", "again"), [("chunk", [("chunk", 1), ("tts", 1)]), ("tts", [("tts", 1)])])
def test_only_a_missing_chunk_is_asked_for_live_at_once(source: Source, again: list[tuple[str, int]]) -> None:
    """A 404 of the live route is a failure like others."""
    tab = Tab(source)
    tab.downloads.ask(0.0, BLOCK, VOICE)
    tab.downloads.failed(1.0, 1, missing=True)
    assert [(asked.source, asked.attempt) for asked in tab.said if isinstance(asked, FetchAudio)] == again


def test_what_is_given_up_is_forgotten_retries_included() -> None:
    """The numbers that are out are told; one between two attempts has none."""
    tab = Tab()
    tab.downloads.ask(0.0, BLOCK, VOICE)
    tab.downloads.ask(0.0, OTHER, VOICE)
    tab.downloads.failed(1.0, 1, missing=False)
    assert tab.downloads.give_up() == (2,)
    tab.timeline.run_due(60.0)
    assert len(tab.said) == 2
    assert tab.downloads.arrived(2) is None
