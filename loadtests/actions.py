"""What a session says (actions) and hears (results). Times are seconds of one monotonic clock."""

from dataclasses import dataclass
from typing import Literal

from loadtests.chapters import Block

Source = Literal["chunk", "tts"]
Route = Literal["whisper", "timings"]


@dataclass(frozen=True, slots=True)
class FetchAudio:
    """Ask for a block's speech: the stored chunk, or live. ``ahead``: nobody waits for it yet."""

    block: Block
    source: Source
    attempt: int
    intended_t: float
    ahead: bool


@dataclass(frozen=True, slots=True)
class FetchTimings:
    """Ask for a block's word timings and do not wait. ``audio`` is what arrived, for the whisper route."""

    block: Block
    route: Route
    repeat: bool
    intended_t: float
    audio: object | None


@dataclass(frozen=True, slots=True)
class MakeAhead:
    """Ask the server to make this page and the next ahead, and do not wait: whatever comes of it is not told."""

    page: int
    intended_t: float


@dataclass(frozen=True, slots=True)
class Played:
    """A block began to play at ``at``, ``waited_s`` after it was needed (wall seconds).

    ``source``: ``chunk``, ``live`` or ``fallback`` by how it was fetched, ``cache`` when it is played again
    from the client's own cache. ``never``: the session ended while the listener still waited for it.
    """

    block: Block
    at: float
    source: str
    waited_s: float
    first: bool


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``woke`` at this time, unless something arrives before; replaces every earlier WakeAt."""

    t: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The session is over; nothing follows."""


Action = FetchAudio | FetchTimings | MakeAhead | Played | WakeAt | Finished


@dataclass(frozen=True, slots=True)
class SpeechArrived:
    """A block's whole speech is here. ``audio`` is handed back with a FetchTimings that needs it."""

    block: Block
    source: Source
    size_bytes: int
    duration_s: float
    audio: object | None


@dataclass(frozen=True, slots=True)
class SpeechFailed:
    """A speech request failed. ``missing``: the server says it has no such chunk (404)."""

    block: Block
    missing: bool = False


@dataclass(frozen=True, slots=True)
class TimingsEnded:
    """A timings request ended."""

    block: Block
    ok: bool


Result = SpeechArrived | SpeechFailed | TimingsEnded
