"""What a session says (actions) and hears (results). Times are seconds of one monotonic clock."""

from dataclasses import dataclass
from typing import Literal

from loadtests.chapters import Block, Voice

Source = Literal["chunk", "tts"]
Route = Literal["whisper", "timings"]
Reason = Literal["first", "next", "asked"]


@dataclass(frozen=True, slots=True)
class FetchAudio:
    """Ask for a block's speech: the stored chunk, or live. ``ahead``: nobody waits for it yet.

    ``number`` is the request's own within its session, as it is of every request that is answered or given up.
    """

    number: int
    block: Block
    source: Source
    attempt: int
    intended_t: float
    ahead: bool
    voice: Voice


@dataclass(frozen=True, slots=True)
class FetchTimings:
    """Ask for a block's word timings and do not wait. ``audio`` is the key that arrived, for the whisper route."""

    number: int
    block: Block
    route: Route
    repeat: bool
    intended_t: float
    audio: object | None
    voice: Voice


@dataclass(frozen=True, slots=True)
class MakeAhead:
    """Ask the server to make this page and the next ahead, and do not wait: whatever comes of it is not told."""

    page: int
    intended_t: float
    voice: Voice


@dataclass(frozen=True, slots=True)
class Abort:
    """Give up these requests. Those that have ended by now are no matter."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Played:
    """A block began to play at ``at``, ``waited_s`` after it was needed (wall seconds).

    ``source``: ``chunk``, ``live`` or ``fallback`` by how it was fetched, ``cache`` when it is played again
    from the client's own cache. ``never``: the listener stopped waiting for it, or the session ended.
    ``reason``: ``first`` until the session's first block has been heard, ``next`` for the one that follows in
    turn, ``asked`` where the person chose it (skipped, jumped, changed the voice, came back, took the other tab).
    """

    block: Block
    at: float
    source: str
    waited_s: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Unhighlighted:
    """A block that began to play at ``at`` did so ``late_s`` wall seconds long without its word timings.

    Said when it stops playing. ``never``: they had not come by then.
    """

    block: Block
    at: float
    late_s: float
    never: bool


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``woke`` at this time, unless something arrives before; replaces every earlier WakeAt."""

    t: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The session is over, every request that is still out is given up; nothing follows."""


Action = FetchAudio | FetchTimings | MakeAhead | Abort | Played | Unhighlighted | WakeAt | Finished


@dataclass(frozen=True, slots=True)
class SpeechArrived:
    """A block's whole speech is here. ``audio``, a key to it, is handed back with a FetchTimings that needs it."""

    number: int
    size_bytes: int
    duration_s: float
    audio: object | None


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """A speech request failed. ``missing``: the server says it has no such chunk (404)."""

    number: int
    missing: bool = False


@dataclass(frozen=True, slots=True)
class TimingsEnded:
    """A timings request ended."""

    number: int
    ok: bool


Result = SpeechArrived | SpeechFailed | TimingsEnded
