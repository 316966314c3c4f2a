"""How one chunk is made ahead: spoken upstream, aligned by the jobs' one aligner, stored whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from reference_server.aligner_programs import AlignerError
from reference_server.aligner_slots import AlignerSlots
from reference_server.block_aligner import BlockAligner, block_aligner
from reference_server.chunk import Voicing
from reference_server.model import ModelError
from reference_server.outline import Block
from reference_server.settings import Settings
from reference_server.speech import Speech, SpeechError, SpeechRequest
from reference_server.speech_turns import SpeechTurns
from reference_server.store import AudioError, ChunkStore, Staged
from reference_server.threads import run_to_end
from reference_server.words import alignment_json
from reference_server.workshop import GenerationError, MakeChunk, UpstreamBusyError


@asynccontextmanager
async def open_chunk_maker(
    settings: Settings, speech: Speech, store: ChunkStore, slots: AlignerSlots, turns: SpeechTurns
) -> AsyncIterator[MakeChunk]:
    """Give what makes chunks, with an aligner that ends with this context.

    The maker raises GenerationError where speech or aligner fail for a block, and leaves nothing behind then.

    Raises:
        GenerationError: the aligner's model is gone since the server started.
    """
    try:
        aligner = block_aligner(settings, slots)
    except ModelError as error:
        raise GenerationError(str(error)) from error
    async with aligner:
        yield partial(_make, speech, turns, aligner, store)


async def _make(
    speech: Speech,
    turns: SpeechTurns,
    aligner: BlockAligner,
    store: ChunkStore,
    document_id: str,
    block: Block,
    voicing: Voicing,
) -> int:
    request = SpeechRequest(block.text, voicing.voice, voicing.speed, voicing.model)
    try:
        async with _spoken(speech, turns, store, document_id, request) as staged:
            timings = alignment_json(block.text, await aligner.align(block.text, staged.path))
            await run_to_end(store.commit, document_id, block, voicing, staged, timings)
            return staged.size_bytes
    except SpeechError as error:
        if error.retry_after_s is not None:  # too many requests, or a restart of the upstream
            raise UpstreamBusyError(str(error), error.retry_after_s) from error
        raise GenerationError(str(error)) from error
    except (AudioError, AlignerError) as error:  # the block's; others are the server's or its disk's
        raise GenerationError(str(error)) from error


@asynccontextmanager
async def _spoken(
    speech: Speech, turns: SpeechTurns, store: ChunkStore, document_id: str, request: SpeechRequest
) -> AsyncIterator[Staged]:
    """Give the staged MP3, and discard it unless it became a chunk, also when cancelled while it is staged.

    It goes to disk within its turn: no more MP3s are held than turns are had, however many blocks wait for the aligner.
    """
    done: list[Staged] = []
    try:
        async with turns.turn():
            await run_to_end(_stage, store, document_id, await speech.synthesize(request), done)
        yield done[0]
    finally:
        for staged in done:
            await run_to_end(store.discard, staged)


def _stage(store: ChunkStore, document_id: str, audio: bytes, done: list[Staged]) -> None:
    done.append(store.stage(document_id, audio))
