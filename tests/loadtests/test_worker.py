import zlib
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
import pytest
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.chapters import Block, Chapters, ChaptersError, Voice
from loadtests.options import add_options
from loadtests.worker import Handout, Worker

CHAPTERS = Chapters("d", "ab", 3, (Voice("alloy", 1.0),), "tts-1", ((Block(1, 0, "One. " * 80, "h"),) * 100,))


def test_a_worker_gets_the_chapters_from_its_master(sent: Callable[[object], tuple[Any, int]]) -> None:
    """As Locust sends them, and small enough to be sent again with every step of the ramp."""
    arrived, size_bytes = sent(Handout.of(CHAPTERS, {"a_1": 0, "b_2": 1}).to_json())
    handout = Handout.from_json(arrived)
    assert handout.read_chapters() == CHAPTERS
    assert handout.ranks == {"a_1": 0, "b_2": 1}
    assert size_bytes < len(CHAPTERS.text()) / 10


def test_chapters_of_another_version_are_refused() -> None:
    """A master that is not of our version hands out what cannot be read."""
    broken = replace(Handout.of(CHAPTERS, {}), chapters=zlib.compress(b"{}"))
    with pytest.raises(ChaptersError):
        broken.read_chapters()


def test_a_worker_whose_master_hands_out_nothing_ends(capsys: pytest.CaptureFixture[str]) -> None:
    """A master of another version: one line, no readers, an exit code, and the master misses the worker."""
    quits: list[bool] = []
    runner: Any = SimpleNamespace(
        worker_index=3,
        client_id="a_1",
        register_message=lambda *_, **__: None,
        quit=lambda: quits.append(True),
    )
    parser = LocustArgumentParser()
    add_options(parser)
    environment = Environment(parsed_options=parser.parse_args([]))
    worker = Worker(environment, runner)
    worker.begin()
    gevent.sleep(0)
    assert worker.load is None
    assert (quits, environment.process_exit_code) == ([True], 1)
    said = capsys.readouterr().err
    assert said.startswith("worker 3: the master's options cannot be used: ")
    assert said.endswith("Is it of the same version?\n")
