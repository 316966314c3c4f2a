"""Fly's restart policy: a machine that fails is started again, but not for ever."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

Policy = Literal["no", "on-failure", "always"]

MOST_RESTARTS = 10
WITHIN_S = 300.0
"""Fly's own: ten tries in five minutes."""


@dataclass
class RestartPolicy:
    """Decides whether a machine that has ended is started again, and counts how often it was."""

    policy: Policy = "on-failure"
    most: int = MOST_RESTARTS
    within_s: float = WITHIN_S
    _restarts: deque[float] = field(default_factory=deque)

    def restarts(self, exit_code: int, now: float) -> bool:
        """Return whether a machine that ended with that status is started again, and count it if so."""
        if self.policy == "no" or (self.policy == "on-failure" and exit_code == 0):
            return False
        while self._restarts and self._restarts[0] <= now - self.within_s:
            self._restarts.popleft()
        if len(self._restarts) >= self.most:
            return False
        self._restarts.append(now)
        return True

    def forget(self) -> None:
        """Begin anew, as when somebody starts the machine."""
        self._restarts.clear()
