import math
from pathlib import Path
from typing import Any

import pytest

from loadtests.asking import WrongUseError
from loadtests.chapters import Voice
from loadtests.preparation import Preparation


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"document": None}, "--document: there is nothing to read. Name a file."),
        ({"document_id": "../x"}, "--document-id: '../x' is no id. Use letters, digits, '.', '_' and '-'."),
        ({"chapters": 0}, "--chapters: 0 is too few. Use a whole number from 1."),
        ({"blocks": -1}, "--blocks: -1 is too few. Use a whole number from 1."),
        ({"voice": Voice("alloy", 0)}, "--speed: 0 is no speed. Use a number such as 1 or 1.25."),
        ({"voice": Voice("alloy", math.nan)}, "--speed: nan is no speed. Use a number such as 1 or 1.25."),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_option(change: dict[str, Any], said: str) -> None:
    """One line names the option, the value and the way out, before any server is asked."""
    wanted: dict[str, Any] = {"host": "http://127.0.0.1:1", "document": Path("a.pdf"), **change}
    with pytest.raises(WrongUseError) as raised:
        Preparation(**wanted).check()
    assert str(raised.value) == said


def test_either_document_is_enough() -> None:
    """Where all read dialogue there is no other document."""
    Preparation("http://127.0.0.1:1", Path("a.pdf")).check()
    Preparation("http://127.0.0.1:1", dialogue_document=Path("a.pdf"), chapters=1, blocks=1).check()
