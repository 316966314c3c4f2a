"""What a capture of the heap cannot tell; it stands in every report of one, since no number shows it."""

from __future__ import annotations

_TEXT = """\
Only the server's own process is captured, and no process that it starts. The table above says how much these held.

A line held what it asked for and had not given back. What was asked for and never touched is in the heap and not
in RSS; what was given back and kept by the allocator is in RSS and not in the heap.

Python takes memory for objects of up to 512 bytes in pools of 1 MiB. A pool stands at the line that needed a new
one, not at those that fill it. With --env PYTHONMALLOC=malloc every object has its own line, at a higher cost.

Both waves are the same to the last request, with the same seed, so a cache that is keyed by what is asked for has
stopped after the first. A store without a bound, keyed in the same way, has stopped too: it shows in the growth of
a run in which people read other text all the time.

memray costs the server CPU and memory, so the other figures of such a run are no measure of it.
"""

HEAP_LIMITS: tuple[str, ...] = tuple(" ".join(paragraph.split()) for paragraph in _TEXT.split("\n\n"))
