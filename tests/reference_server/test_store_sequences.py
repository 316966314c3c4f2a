"""Whatever is done to the store in whatever order, killed or out of disk at any step, its promises hold."""

import errno
import hashlib
import io
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import lameenc
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from reference_server.blocks import split_blocks
from reference_server.chunk import Chunk, Voicing, Wanted
from reference_server.chunk_index import ENTRY_BYTES, ChunkIndex
from reference_server.outline import Block, Outline
from reference_server.pages_file import PagesWriter
from reference_server.store import ChunkStore, Staged, StoreFullError
from reference_server.survey import survey
from reference_server.survey_memory import ENTRY_BYTES as PAGE_BYTES
from reference_server.survey_memory import SurveyMemory

DOCUMENTS = ("a", "b")
PAGES = ("One.\n\nTwo.", "Three.")
OUTLINE = Outline.of(PAGES)
BLOCKS = (*OUTLINE.blocks, Block(9, 0, 9, "Gone."))
VOICINGS = (Voicing("openai", "tts-1", "alloy", 1.0), Voicing("openai", "tts-1", "nova", 1.0))
LIMITS = (6_000, 9_000, 20_000)
STEPS = ("replace", "rename", "unlink", "rmdir", "mkdir", "fsync", "utime", "pwrite")
"""What changes the disk, of os; beside them the writing of a new file."""


class KilledError(BaseException):
    """The process ends here, as by SIGKILL: nothing after it reaches the disk."""


@cache
def _audio(sound: int) -> bytes:
    """Return one of six sounds: two lengths, and three tones that differ in content but not in size."""
    tenths, tone = sound // 3 + 1, sound % 3
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(64)
    encoder.set_in_sample_rate(24_000)
    encoder.set_channels(1)
    encoder.silence()
    samples = [2000 * tone * (at // 50 % 2) for at in range(2400 * tenths)]
    return bytes(encoder.encode(struct.pack(f"<{len(samples)}h", *samples)) + encoder.flush())


@contextmanager
def _failing(at: int, *, error: BaseException, dead: bool) -> Iterator[None]:
    """Let the `at`-th step fail, and where the process is `dead` every later one: a file is then half written."""
    left = at

    def fails() -> bool:
        nonlocal left
        left -= 1
        return left == -1 or (dead and left < 0)

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if fails():
                raise error
            return original(*args, **kwargs)

        return call

    class CountedFile(io.FileIO):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            if fails():
                if left == -1:
                    super().write(data[: len(data) // 2])
                raise error
            return super().write(data)

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS if dead else ("replace", "fsync", "mkdir"):
            patch.setattr(os, name, counted(getattr(os, name)))
        patch.setattr("reference_server.store_space.FileIO", CountedFile)
        yield


class StoreMachine(RuleBasedStateMachine):
    """A store beside what is known to have been put into it."""

    staged = Bundle("staged")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.open: set[str] = set()
        self.kept: dict[tuple[str, int], tuple[Voicing, str]] = {}
        self.pending: dict[Path, Staged] = {}
        self.by_hand_bytes = 0
        self.max_bytes = LIMITS[0]
        self.documents = Path(tempfile.mkdtemp())
        for document_id in DOCUMENTS:
            (self.documents / document_id).mkdir()
            (self.documents / document_id / "document.json").write_text("{}")
            self._write_pages(document_id)
        self.store = self._opened()
        self._fsync = os.fsync
        os.fsync = lambda _descriptor: None  # type: ignore[assignment]  # the disk of this test is never lost

    def teardown(self) -> None:
        """Leave nothing."""
        os.fsync = self._fsync
        shutil.rmtree(self.root)
        shutil.rmtree(self.documents)

    def _opened(self) -> ChunkStore:
        self.index = ChunkIndex(self.documents, 5 * ENTRY_BYTES)
        self.memory = SurveyMemory(self.root, 4 * PAGE_BYTES)
        return ChunkStore(
            self.root,
            max_bytes=self.max_bytes,
            is_open=self.open.__contains__,
            on_change=self._tell,
        )

    def _tell(self, document_id: str, *names: str) -> None:
        self.index.forget(document_id, *names)
        self.memory.forget(document_id, *names)

    def _write_pages(self, document_id: str) -> None:
        path = self.documents / document_id / "pages.bin"
        aside = path.with_name("aside")
        with aside.open("wb") as file:
            writer = PagesWriter(file)
            for page in PAGES:
                writer.add(split_blocks(page))
            writer.finish()
        aside.replace(path)

    def _forget_evicted(self, *, but: str = "") -> None:
        """Take note of documents that are gone; one that is open, or written to, may not be."""
        for document_id, _ in list(self.kept):
            if not (self.root / document_id).exists():
                assert document_id not in self.open
                assert document_id != but
                self._forget(document_id)

    def _forget(self, document_id: str) -> None:
        self.kept = {key: chunk for key, chunk in self.kept.items() if key[0] != document_id}
        for path in [path for path, staged in self.pending.items() if staged.document_id == document_id]:
            if not path.exists():
                del self.pending[path]

    @rule(document_id=st.sampled_from(DOCUMENTS))
    def open_or_close(self, document_id: str) -> None:
        """A reader comes or goes; what is being made stays open."""
        if any(staged.document_id == document_id for staged in self.pending.values()):
            return
        self.open ^= {document_id}

    @rule(target=staged, document_id=st.sampled_from(DOCUMENTS), sound=st.integers(0, 5))
    def stage(self, document_id: str, sound: int) -> Staged | None:
        """An MP3 comes, where there is room."""
        self.open.add(document_id)
        made: Staged | None = None
        with suppress(StoreFullError):
            made = self.store.stage(document_id, _audio(sound))
            self.pending[made.path] = made
        self._forget_evicted(but=document_id)
        return made

    @rule(staged=consumes(staged), block=st.sampled_from(BLOCKS), voicing=st.sampled_from(VOICINGS))
    def commit(self, staged: Staged | None, block: Block, voicing: Voicing) -> None:
        """It becomes a chunk, or what was there stays."""
        if staged is None or staged.path not in self.pending:
            return
        try:
            self.store.commit(staged.document_id, block, voicing, staged, {"alignments": []})
            self.kept[staged.document_id, block.ordinal] = (voicing, staged.sha256)
        except StoreFullError:
            pass
        self._let_go(staged)
        self._forget_evicted(but=staged.document_id)

    @rule(staged=consumes(staged))
    def discard(self, staged: Staged | None) -> None:
        """It does not become one."""
        if staged is not None and staged.path in self.pending:
            self._let_go(staged)

    def _let_go(self, staged: Staged) -> None:
        self.store.discard(staged)
        self.pending.pop(staged.path, None)

    @rule(document_id=st.sampled_from(DOCUMENTS), voicing=st.sampled_from(VOICINGS))
    def rebuild(self, document_id: str, voicing: Voicing) -> None:
        """The metadata is listed anew."""
        with suppress(StoreFullError):
            self.store.rebuild_metadata(document_id, voicing)
        self._forget_evicted(but=document_id)

    @rule(document_id=st.sampled_from(DOCUMENTS))
    def prune(self, document_id: str) -> None:
        """A job begins: blocks that the document does not have go."""
        if any(staged.document_id == document_id for staged in self.pending.values()):
            return
        self.store.prune(document_id, OUTLINE)
        self.kept.pop((document_id, BLOCKS[-1].ordinal), None)

    @rule(document_id=st.sampled_from(DOCUMENTS))
    def delete(self, document_id: str) -> None:
        """Somebody deletes a document's chunks, also while they are made."""
        self.store.delete(document_id)
        self._forget(document_id)

    @rule()
    def sweep(self) -> None:
        """The sweep comes round."""
        self.store.sweep()
        self._forget_evicted()
        closed = {document_id for document_id, _ in self.kept} - self.open
        assert self.store.stats().size_bytes <= self.max_bytes or not closed

    @rule(size_bytes=st.integers(1, 20_000), place=st.sampled_from(("file", "folder/file")))
    def put_by_hand(self, size_bytes: int, place: str) -> None:
        """Somebody copies a file in, which the next sweep finds."""
        path = self.root / place
        path.parent.mkdir(exist_ok=True)
        self.by_hand_bytes += size_bytes - (path.stat().st_size if path.exists() else 0)
        path.write_bytes(bytes(size_bytes))
        self.sweep()

    @rule(
        document_id=st.sampled_from(DOCUMENTS),
        block=st.sampled_from(BLOCKS),
        kind=st.sampled_from((".mp3", ".json")),
        how=st.sampled_from(("cut", "empty", "remove")),
    )
    def damage(self, document_id: str, block: Block, kind: str, how: str) -> None:
        """A file of a chunk is cut off, emptied or removed by another hand, behind the store's back."""
        chunk = self.store.find(document_id, block)
        if chunk is None:
            return
        path = chunk.path.with_suffix(kind)
        if how == "remove":
            path.unlink()
        else:
            os.truncate(path, path.stat().st_size // 2 if how == "cut" else 0)
        del self.kept[document_id, block.ordinal]
        self.sweep()

    @rule(document_id=st.sampled_from(DOCUMENTS))
    def replace_document(self, document_id: str) -> None:
        """The document is uploaded anew: what was known of it was of the one before."""
        other = self.documents / "other"
        other.write_text("{}")
        other.replace(self.documents / document_id / "document.json")
        self._write_pages(document_id)
        assert all(self.index.find(document_id, block.page, block.index) is None for block in BLOCKS)

    @rule(max_bytes=st.sampled_from(LIMITS))
    def restart(self, max_bytes: int) -> None:
        """The server starts again, perhaps with another limit; nobody has anything open then."""
        self.max_bytes = max_bytes
        self.open.clear()
        self.pending.clear()
        self.store = self._opened()
        self._forget_evicted()
        self.sweep()

    @rule(
        step=st.integers(0, 14),
        operation=st.sampled_from(("put", "put", "rebuild", "delete", "prune", "sweep", "open")),
        document_id=st.sampled_from(DOCUMENTS),
        block=st.sampled_from(BLOCKS),
        sound=st.integers(0, 5),
    )
    def kill(self, step: int, operation: str, document_id: str, block: Block, sound: int) -> None:
        """The server is killed in the middle of something, and started again."""
        self.open.add(document_id)
        chunk = (VOICINGS[0], hashlib.sha256(_audio(sound)).hexdigest())
        before = self.kept.get((document_id, block.ordinal))
        with suppress(KilledError, StoreFullError), _failing(step, error=KilledError(), dead=True):
            self._do(operation, document_id, block, sound)
        gone = {name for name, _ in self.kept if not (self.root / name).exists()}
        assert not (gone & self.open) - ({document_id} if operation in {"delete", "prune"} else set())
        self._settle(operation, document_id, block, (before, chunk))
        self.restart(self.max_bytes)

    @rule(
        step=st.integers(0, 12),
        operation=st.sampled_from(("put", "rebuild")),
        document_id=st.sampled_from(DOCUMENTS),
        block=st.sampled_from(BLOCKS),
        sound=st.integers(0, 5),
    )
    def fill_the_disk(self, step: int, operation: str, document_id: str, block: Block, sound: int) -> None:
        """The disk takes no more in the middle of something; the server goes on."""
        self.open.add(document_id)
        chunk = (VOICINGS[0], hashlib.sha256(_audio(sound)).hexdigest())
        before = self.kept.get((document_id, block.ordinal))
        full = OSError(errno.ENOSPC, "No space left on device")
        with suppress(OSError, StoreFullError), _failing(step, error=full, dead=False):
            self._do(operation, document_id, block, sound)
        self._settle(operation, document_id, block, (before, chunk))
        self._forget_evicted(but=document_id)

    def _do(self, operation: str, document_id: str, block: Block, sound: int) -> None:
        if operation == "put":
            staged = self.store.stage(document_id, _audio(sound))
            try:
                self.store.commit(document_id, block, VOICINGS[0], staged, {"alignments": []})
            finally:
                self.store.discard(staged)
        elif operation == "rebuild":
            self.store.rebuild_metadata(document_id, VOICINGS[0])
        elif operation == "delete":
            self.store.delete(document_id)
        elif operation == "prune":
            self.store.prune(document_id, OUTLINE)
        elif operation == "sweep":
            self.store.sweep()
        else:
            self._opened()

    def _settle(
        self,
        operation: str,
        document_id: str,
        block: Block,
        may_be: tuple[tuple[Voicing, str] | None, tuple[Voicing, str]],
    ) -> None:
        """Take note of what became of what was broken off: all of the old, all of the new, or nothing."""
        found = self.store.find(document_id, block)
        now = None if found is None else (found.voicing, found.sha256)
        if operation == "put":
            assert now in {None, *may_be}
            self.kept.pop((document_id, block.ordinal), None)
            if now is not None:
                self.kept[document_id, block.ordinal] = now
        elif operation == "delete" and not (self.root / document_id).exists():
            self._forget(document_id)
        elif operation == "prune" and self.store.find(document_id, BLOCKS[-1]) is None:
            self.kept.pop((document_id, BLOCKS[-1].ordinal), None)

    @invariant()
    def every_chunk_is_whole_and_there(self) -> None:
        """What is found is exactly what was put in and not taken out, each with its own bytes."""
        found = {}
        for document_id in DOCUMENTS:
            for block in BLOCKS:
                chunk = self.store.find(document_id, block)
                if chunk is not None:
                    assert hashlib.sha256(chunk.path.read_bytes()).hexdigest() == chunk.sha256
                    found[document_id, block.ordinal] = (chunk.voicing, chunk.sha256)
        assert found == self.kept

    @invariant()
    def what_is_known_is_what_is_on_disk(self) -> None:
        """Each find through the index equals that from disk, to the bytes; what is there is known from then on."""
        for document_id in DOCUMENTS:
            for block in BLOCKS:
                state = self.index.state_of(document_id)
                chunk = self.store.find(document_id, block)
                self._compare(document_id, block, chunk)
                if chunk is not None:
                    self.index.open(document_id, chunk, state).close()
                    assert self.index.find(document_id, block.page, block.index) is not None
        assert len(self.index) <= 5

    @invariant()
    def what_is_told_of_pages_is_what_is_on_disk(self) -> None:
        """The status from memory equals that from disk, whatever is wanted, and what was just told is told again."""
        for document_id in DOCUMENTS:
            outline = Outline.open(self.documents / document_id / "pages.bin", document_id)
            for wanted in (Wanted(), Wanted(voice="nova")):
                on_disk = survey(self.store, document_id, outline, wanted)
                for _ in range(2):
                    assert survey(self.store, document_id, outline, wanted, self.memory.look) == on_disk
            outline.close()
        assert len(self.memory) <= 4

    def _compare(self, document_id: str, block: Block, chunk: Chunk | None) -> None:
        known = self.index.find(document_id, block.page, block.index)
        file = known.open_audio() if known else None
        if known is None or file is None or chunk is None:
            assert file is None, "what is not on disk any more is still known"
            return
        with file:
            assert hashlib.sha256(file.read()).hexdigest() == chunk.sha256
        assert (known.text_hash, known.voicing) == (chunk.text_hash, chunk.voicing)
        assert (known.etag, known.size_bytes) == (f'"{chunk.sha256}"', chunk.size_bytes)
        assert json.loads(known.read_timings() or b"") == chunk.timings

    @invariant()
    def the_totals_are_what_is_on_the_disk(self) -> None:
        """As `du --apparent-size` counts files, and never above the limit."""
        total = sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file())
        assert self.store.stats().size_bytes == total
        assert total <= self.max_bytes + self.by_hand_bytes

    @invariant()
    def nothing_hidden_is_left(self) -> None:
        """But what is staged at this moment."""
        hidden = {path for path in self.root.rglob(".*") if path.is_file()}
        assert hidden == {path for path in self.pending if path.exists()}


@pytest.mark.slow
def test_any_sequence_keeps_the_promises() -> None:
    """Chunks whole, totals true, limit kept, open documents there, nothing left over."""
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=80,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
