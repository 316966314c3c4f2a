"""docs/reference/backends.md names the backends there are, the surest first."""

import re
from pathlib import Path

from profiles.backends import BACKENDS, TABLE

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "backends.md"


def test_every_backend_is_in_the_reference_in_its_order() -> None:
    """GIVEN the backends that can be asked for THEN the table's rows are these; the others are named on the page."""
    text = PAGE.read_text("utf-8")
    assert tuple(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) == BACKENDS
    assert all(f"`{backend.name}`" in text for backend in TABLE)
