"""What a machine offers: each backend's answer to whether it can build a VM's walls here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """One backend's answer, each of its texts one line.

    `reason` says why it is not available; of an available one, what its walls lack, or nothing. `way_out` says what
    to do about that. `best` is False of a backend that is only used when it is named.
    """

    backend: str
    available: bool
    reason: str = ""
    way_out: str = ""
    emulated: bool = False
    best: bool = True

    @property
    def text(self) -> str:
        """What is lacking and the way out, as one line; empty where nothing is."""
        return " ".join(filter(None, [f"{self.reason}." if self.reason else "", self.way_out]))
