"""What both ways to start the server in an environment of its own need: somebody who speaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.stand import Speech

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def speech() -> Iterator[Speech]:
    """A speech API that answers at once."""
    speech = Speech()
    speech.start()
    yield speech
    speech.stop()
