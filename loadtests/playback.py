"""The audio clock of one block: how much of it has been heard, and for how long without its word timings."""

from loadtests.actions import Unhighlighted
from loadtests.chapters import Block


class Playback:
    """A block that began to play. All seconds are wall seconds.

    Args:
        block: what plays.
        t: when it began.
        length_s: how long it takes to play.
        highlighted: whether its word timings are there.
    """

    def __init__(self, block: Block, t: float, length_s: float, *, highlighted: bool) -> None:
        self.block = block
        self._began_t = t
        self._length_s = length_s
        self._heard_s = 0.0
        self._plays_since: float | None = t
        self._late_s = 0.0 if highlighted else None

    @property
    def ends_t(self) -> float | None:
        """When it ends; None while it is paused."""
        return None if self._plays_since is None else self._plays_since + (self._length_s - self._heard_s)

    def pause(self, t: float) -> None:
        """Stops where it is."""
        self._heard_s = self._heard_at(t)
        self._plays_since = None

    def resume(self, t: float) -> None:
        """Plays on from there."""
        self._plays_since = t

    def timings_came(self, t: float) -> None:
        """Its words are highlighted from now on."""
        if self._late_s is None:
            self._late_s = self._heard_at(t)

    def unhighlighted(self, t: float) -> Unhighlighted | None:
        """Returns how long it played without its timings, as it stops playing; None where they were there."""
        never = self._late_s is None
        late_s = self._heard_at(t) if self._late_s is None else self._late_s
        return Unhighlighted(self.block, self._began_t, late_s, never) if never or late_s > 0 else None

    def _heard_at(self, t: float) -> float:
        # What arrived may be stamped earlier than what has been done since.
        return self._heard_s + (0.0 if self._plays_since is None else max(0.0, t - self._plays_since))
