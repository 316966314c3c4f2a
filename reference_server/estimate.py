"""What making the missing chunks of some pages will take: bytes of the store, seconds of waiting."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reference_server.chunk import Voicing
from reference_server.outline import Outline
from reference_server.rates import Rates
from reference_server.store import ChunkStore

ASSUMED_BYTES_PER_CHARACTER = 525_000 / 450
ASSUMED_BLOCK_S = 3.5
"""The middle of what is known of the speech service before anything was measured.

The plan's figures: a call takes 2-5 s; 450 characters are about 30 s of speech, which at 128-160 kb/s are
450-600 kB of MP3.
"""


@dataclass(frozen=True)
class Need:
    """Of some pages: their blocks, how many of these are missing, and the characters of either kind."""

    blocks: int
    missing: int
    missing_characters: int
    stored_characters: int
    stored_bytes: int


@dataclass(frozen=True)
class Estimate:
    """What the missing blocks will take; the bytes are those of their MP3s.

    `basis` is `measured` where this server has made chunks since its start, else `assumed`. The seconds hold
    while no other job runs.
    """

    size_bytes: int
    seconds: float
    basis: Literal["measured", "assumed"]


def need_of(
    store: ChunkStore, document_id: str, outline: Outline, pages: Iterable[int], voicing: Voicing
) -> Need:
    """Look which blocks of some pages are stored with these settings. Waits for the disk."""
    blocks = missing = missing_characters = stored_characters = stored_bytes = 0
    for page in pages:
        for block in outline.page(page):
            blocks += 1
            chunk = store.find(document_id, block)
            if chunk is not None and chunk.voicing == voicing and chunk.text_hash == block.text_hash:
                stored_characters += len(block.text)
                stored_bytes += chunk.size_bytes
            else:
                missing += 1
                missing_characters += len(block.text)
    return Need(blocks, missing, missing_characters, stored_characters, stored_bytes)


def estimate(need: Need, measured: Rates | None, concurrency: int) -> Estimate:
    """Return what making the missing blocks takes: `concurrency` of them as long as one, each other comes after it.

    Before any was made, nothing but the service is taken to need time.

    The bytes follow the chunks that these pages have already, where they have any: the same voice reads the
    same book. Else they follow the last chunks made, and before any was made what is known of the service.
    """
    rates = measured or Rates(ASSUMED_BYTES_PER_CHARACTER, ASSUMED_BLOCK_S, ASSUMED_BLOCK_S / concurrency)
    later = max(0, need.missing - concurrency)
    per_character = rates.bytes_per_character
    if need.stored_characters:
        per_character = need.stored_bytes / need.stored_characters
    return Estimate(
        size_bytes=math.ceil(need.missing_characters * per_character),
        seconds=round(rates.block_s + later * rates.every_s if need.missing else 0.0, 1),
        basis="measured" if measured else "assumed",
    )
