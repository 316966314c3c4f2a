"""What a person sees while it works: one living line on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

LOG_EVERY_S = 15.0
REDRAW_EVERY_S = 0.2


class Progress:
    """Shows the current stage; as a context it cleans its line up.

    It draws when told to and has no thread of its own: processes are forked beside it.
    """

    def __init__(self, console: Console, log_every_s: float | None = None) -> None:
        self.console = console
        self._log_every_s = LOG_EVERY_S if log_every_s is None else log_every_s
        self._live = (
            Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        )
        self._stage = ""
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def stage(self, name: str) -> None:
        """Begin a stage, such as a scenario."""
        self._stage = name
        self._shown_at = 0.0

    def tell(self, text: str) -> None:
        """Show what goes on in this stage; call it as often as you like."""
        now = time.monotonic()
        if now - self._shown_at < (REDRAW_EVERY_S if self._live is not None else self._log_every_s):
            return
        self._shown_at = now
        if self._live is not None:
            line = Text.assemble((self._stage, "bold"), "  ", text, no_wrap=True, overflow="ellipsis")
            self._live.update(line, refresh=True)
        else:
            self.line(f"{self._stage}: {text}")

    def line(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, highlight=False, soft_wrap=True)
