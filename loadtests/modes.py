"""The modes: where speech and word timings come from."""

from typing import Literal, get_args

Mode = Literal["live", "cached", "hybrid", "cached-to-the-letter"]
"""Where speech and word timings come from; `hybrid` is `cached`, and asks for pages to be made ahead."""
MODES: tuple[Mode, ...] = get_args(Mode)


def asks_timings_live(mode: Mode) -> bool:
    """Whether timings are always asked live, so that an MP3 may be needed again after it arrived."""
    return mode in {"live", "cached-to-the-letter"}
