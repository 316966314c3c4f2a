"""What a person sees while it works: one living line on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

LOG_EVERY_S = 15.0


class Progress:
    """Shows the current stage; as a context it cleans its line up."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = console.status("") if console.is_terminal else None
        self._stage = ""
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def stage(self, name: str) -> None:
        """Begin a stage, such as a scenario."""
        self._stage = name
        self._shown_at = 0.0

    def tell(self, text: str) -> None:
        """Show what goes on in this stage; call it as often as you like."""
        now = time.monotonic()
        if self._status is not None:
            self._status.update(f"[bold]{self._stage}[/bold]  {text}")
        elif now - self._shown_at >= LOG_EVERY_S:
            self._shown_at = now
            self.line(f"{self._stage}: {text}")

    def line(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, highlight=False, soft_wrap=True)
