"""What a source found at one look: figures of now, samples of before, events."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from profiles.remote_page import Page
from profiles.soak.moments import Moment
from profiles.soak.web import Fault

Values = Mapping[str, float | None]
"""Columns of `samples.csv`."""


@dataclass(frozen=True)
class Told:
    """An event that a source tells of."""

    t: float
    event: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What one look found: columns of this moment, samples of their own times, events, and the page where it was one.

    `ahead_s` is how far the source's clock is ahead of ours; None: it does not say.
    """

    values: Values = field(default_factory=dict)
    samples: tuple[Values, ...] = ()
    events: tuple[Told, ...] = ()
    page: Page | None = None
    ahead_s: float | None = None


class Source(Protocol):
    """Something that is asked once an interval."""

    @property
    def name(self) -> str:
        """What it is called in events."""

    def look(self, now: Moment) -> Finding:
        """Return what is new; raises Fault."""

    def state(self) -> dict[str, object]:
        """Return what it must remember for a soak that goes on later."""


class Asking:
    """Asks one source aside, so that none waits for another; an answer that comes late is told at the next look."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._thread: threading.Thread | None = None
        self._answer: list[Finding | Fault] = []
        self.state = source.state()
        """What it must remember, as of the last answer that was heard: one that nobody heard yet is asked for again."""

    def begin(self, now: Moment) -> None:
        """Ask, unless it still answers."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask, args=(now,), daemon=True)
            self._thread.start()

    def answer(self, within_s: float) -> Finding | None:
        """Return the answer; None while the source still waits for its own, which it does not do for ever.

        Raises:
            Fault: there is none.
        """
        assert self._thread is not None
        self._thread.join(max(0.0, within_s))
        if self._thread.is_alive():
            return None
        self._thread = None
        self.state = self.source.state()
        answer = self._answer.pop()
        if isinstance(answer, Fault):
            raise answer
        return answer

    def _ask(self, now: Moment) -> None:
        try:
            self._answer.append(self.source.look(now))
        except Fault as fault:
            self._answer.append(fault)
        except Exception as error:  # noqa: BLE001  # what a source's answer does to us must not end a soak of days
            self._answer.append(Fault("content", f"cannot be read ({type(error).__name__})"))
