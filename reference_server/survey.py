"""How much of a document is stored, page by page, and in what it differs from what is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reference_server.chunk import Voicing, Wanted, one_of_equals
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

_SETTINGS = ("voice", "speed", "model")
_EXAMPLES = 5
_EXAMPLE_CHARS = 200

StoreState = Literal["missing", "partial", "complete", "stale"]


@dataclass(frozen=True)
class PartialPage:
    """A page of which some blocks, but not all, are stored as wanted."""

    page: int
    done: int
    total: int


@dataclass(frozen=True)
class OtherSetting:
    """A setting under which chunks are stored, beside the one that is wanted."""

    name: str
    stored: str | float
    wanted: str | float


@dataclass(frozen=True)
class OtherText:
    """A block whose chunk speaks another text than the document has now; both are cut at 200 characters."""

    page: int
    block_index: int
    stored: str
    wanted: str


@dataclass(frozen=True)
class Survey:
    """What is stored of a document: `stored` chunks, `fitting` of them as wanted, of `total` blocks.

    `pages` are those of which every block fits; a page without blocks is none of them. `other_texts` counts
    the chunks of another text, of which `examples` shows the first five. `voicing` is that of most chunks.
    """

    total: int
    stored: int
    fitting: int
    pages: tuple[int, ...]
    partial_pages: tuple[PartialPage, ...]
    other_settings: tuple[OtherSetting, ...]
    other_texts: int
    examples: tuple[OtherText, ...]
    voicing: Voicing | None

    @property
    def state(self) -> StoreState:
        """`missing`, `partial`, `complete`, or `stale` as soon as one stored chunk is not as wanted."""
        if not self.stored:
            return "missing"
        if self.fitting < self.stored:
            return "stale"
        return "complete" if self.fitting == self.total else "partial"

    def to_json(self) -> dict[str, object]:
        """Return the survey as the status route shows it."""
        answer: dict[str, object] = {
            "state": self.state,
            "done": self.fitting,
            "total": self.total,
            "pages": self.pages,
            "partialPages": [
                {"page": page.page, "done": page.done, "total": page.total} for page in self.partial_pages
            ],
        }
        if self.fitting < self.stored:
            answer["stale"] = self._stale()
        if self.voicing is not None:
            answer["stored"] = {name: getattr(self.voicing, name) for name in _SETTINGS}
        return answer

    def _stale(self) -> dict[str, object]:
        settings = [
            {"name": other.name, "stored": other.stored, "wanted": other.wanted}
            for other in self.other_settings
        ]
        examples = [
            {"page": text.page, "blockIndex": text.block_index, "stored": text.stored, "wanted": text.wanted}
            for text in self.examples
        ]
        texts = {"count": self.other_texts, "examples": examples}
        return {"settings": settings, "texts": texts, "blocks": self.stored - self.fitting}


class Kind(NamedTuple):
    """How many chunks of a page have these settings, and the document's text or another."""

    voicing: Voicing
    same_text: bool
    chunks: int


@dataclass(frozen=True, slots=True)
class PageFound:
    """What is stored of the `total` blocks of one page, whatever is wanted.

    `kinds` are in the order in which they are met; `other_texts` are the first five chunks of another text.
    """

    total: int
    kinds: tuple[Kind, ...]
    other_texts: tuple[OtherText, ...]


Look = Callable[[ChunkStore, str, Outline, int], PageFound]
"""Tells what is stored of a document's page, counted from 1."""


def look(store: ChunkStore, document_id: str, outline: Outline, page: int) -> PageFound:
    """Look at every chunk of a page on disk, one at a time, against the document's own text."""
    return found_of(store, document_id, outline.page(page))


def found_of(store: ChunkStore, document_id: str, blocks: Iterable[Block]) -> PageFound:
    """Return what is stored of the blocks of a page, as the disk has it now."""
    total, kinds, examples = 0, Counter[tuple[Voicing, bool]](), list[OtherText]()
    for block in blocks:
        total += 1
        chunk = store.find(document_id, block)
        if chunk is None:
            continue
        same_text = chunk.text_hash == block.text_hash
        kinds[one_of_equals(chunk.voicing), same_text] += 1
        if not same_text and len(examples) < _EXAMPLES:
            texts = (chunk.text[:_EXAMPLE_CHARS], block.text[:_EXAMPLE_CHARS])
            examples.append(OtherText(block.page, block.index, *texts))
    return PageFound(total, tuple(Kind(*kind, count) for kind, count in kinds.items()), tuple(examples))


def survey(
    store: ChunkStore, document_id: str, outline: Outline, wanted: Wanted, look_at: Look = look
) -> Survey:
    """Hold every page of a document, one at a time, against what is wanted and the document's own text.

    `wanted.text_hash` is not looked at: each block has its own. Waits for the disk.
    """
    tally = _Tally(wanted)
    for page in range(1, outline.page_count + 1):
        tally.add(page, look_at(store, document_id, outline, page))
    return Survey(
        total=tally.total,
        stored=tally.voicings.total(),
        fitting=tally.fitting,
        pages=tuple(tally.pages),
        partial_pages=tuple(tally.partial_pages),
        other_settings=tuple(tally.other_settings),
        other_texts=tally.other_texts,
        examples=tuple(tally.examples[:_EXAMPLES]),
        voicing=next((voicing for voicing, _ in tally.voicings.most_common(1)), None),
    )


@dataclass
class _Tally:
    wanted: Wanted
    total: int = 0
    fitting: int = 0
    other_texts: int = 0
    pages: list[int] = field(default_factory=list)
    partial_pages: list[PartialPage] = field(default_factory=list)
    other_settings: dict[OtherSetting, None] = field(default_factory=dict)
    examples: list[OtherText] = field(default_factory=list)
    voicings: Counter[Voicing] = field(default_factory=Counter)

    def add(self, page: int, found: PageFound) -> None:
        done = sum(kind.chunks for kind in found.kinds if self._fits(kind))
        self.total += found.total
        self.fitting += done
        if len(self.examples) < _EXAMPLES:
            self.examples += found.other_texts
        if done and done == found.total:
            self.pages.append(page)
        elif done:
            self.partial_pages.append(PartialPage(page, done, found.total))

    def _fits(self, kind: Kind) -> bool:
        self.voicings[kind.voicing] += kind.chunks
        others = [
            OtherSetting(name, getattr(kind.voicing, name), wanted)
            for name in _SETTINGS
            if (wanted := getattr(self.wanted, name)) is not None and wanted != getattr(kind.voicing, name)
        ]
        self.other_settings.update(dict.fromkeys(others))
        self.other_texts += 0 if kind.same_text else kind.chunks
        return kind.same_text and not others
