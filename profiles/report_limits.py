"""What the numbers of a report cannot tell; it stands in every report, since no number shows it."""

from __future__ import annotations

from collections.abc import Iterable

_TEXT = """\
MB and GB are powers of two (1 MB = 1,048,576 bytes), as Fly.io and the kernel count them.

Peak tree RSS adds up what each process holds, so pages that processes share count more than once: it is
an upper bound. The VM's anonymous memory counts each page once; it is what kills.

Peak VM memory, sampled ten times a second, and the kernel's own peak of it, over the VM's whole life,
include the page cache, which the kernel gives back before it kills. The picture leaves it out.

Pace divides playing, pauses and the upstream's latency; it does not divide CPU work. N readers at pace P
ask the server for as much work per second as N times P readers at pace 1. All latencies are wall time.

The words' times come from two programs with the same Whisper tiny.en weights (int8). Live starts a fresh
process for each block, which transcribes the audio. Pre-generation keeps one worker, which aligns the
text it knows already and needs less CPU for it. So the modes differ in more than where the audio lies.

Unless the conditions name another upstream, the speech engine is a stand-in for the paid speech API: real
speech as real MP3, made on this machine outside the VM, with the latency drawn from a seeded
distribution.

The VM is a limit on memory and CPU around real processes on this machine's kernel. It is not a Fly.io
machine: disk, network and the kernel's own memory are this machine's.

A scenario that is expected to die is stopped once its server was killed, restarted and served a block
again: its requests, stalls and failures are those of that time, not of a whole session.

Readers start within 5 s of session time, keep the last 50 blocks, ask ahead for one block, never across
a page, and wrap inside their chapter. After three failed attempts for a block they wait 5 s and press
play again. The stand-in for the speech API answers after 2 to 5 s unless the conditions say otherwise.
All of these are divided by the pace. How often people skip, pause or leave, in a behaviour other than
steady, is assumed and not measured on people.

A stall is a block, the next in turn, that was not ready within 0.25 s (wall time) of when it was needed.
The wait for a session's first block, and for one that the reader asked for by a skip, a jump or a change of
voice, is told apart. Silence is the stalls, and every wait above 0.25 s that ended with no block; its share is of the
time from when each reader first wanted to hear something to the end of the session, or of the load. Pauses
are in that time, and are no silence.

Memory per reader is how far memory rose above what it was when the load began, by all readers: what is needed
once, however many they are, is in it, so few readers make it large.
"""

LIMITS: tuple[str, ...] = tuple(" ".join(paragraph.split()) for paragraph in _TEXT.split("\n\n"))
_OF_READING = (
    "Pace ", "The words' times", "Unless the conditions", "A scenario that", "Readers start", "A stall is",
    "Memory per reader",
)  # fmt: skip
SOAK = "soak"
"""Readers who were sent at a server far away."""
_SOAK_TEXT = """\
A server far away is seen through what it and its platform tell. Memory is read once an interval, so a peak between
two looks goes by unseen. Why it restarted rests on what was told; what nobody told of is not known.

Anonymous memory is what the machine says that it cannot give back, with the kernel's own.
"""
_OF_SOAKS = tuple(" ".join(paragraph.split()) for paragraph in _SOAK_TEXT.split("\n\n"))
_OF_THIS_MACHINE = (
    "Peak VM memory",
    "The words' times",
    "Unless the conditions",
    "The VM is",
    "A scenario that",
)
OTHER_LOADS = frozenset({"command", "none"})
"""Loads that read no document: a program of somebody's own, and none where a server was only watched."""


def limits(load_kinds: Iterable[str]) -> tuple[str, ...]:
    """Return those that concern a report of these loads: readers where somebody reads, a VM where one was made."""
    kinds = set(load_kinds)
    if kinds == {SOAK}:
        return *(limit for limit in LIMITS if not limit.startswith(_OF_THIS_MACHINE)), *_OF_SOAKS
    if kinds - OTHER_LOADS:
        return LIMITS
    others = (*_OF_READING, "The VM is") if kinds == {"none"} else _OF_READING
    return tuple(limit for limit in LIMITS if not limit.startswith(others))
