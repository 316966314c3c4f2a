"""Settings that are a number of something: `1,000 readers`."""

from __future__ import annotations

import re

_COUNTED = re.compile(r"([\d,]+) ([a-z]+?)s?")


def counted(setting: str) -> tuple[float, str] | None:
    """Return number and word, in the singular, of a setting such as `1,000 readers`; None of any other."""
    found = _COUNTED.fullmatch(setting)
    return (float(found[1].replace(",", "")), found[2]) if found else None
