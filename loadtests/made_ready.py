"""What a run reads: chapters that were made ready before, or made ready now."""

from collections.abc import Callable
from pathlib import Path

import gevent  # type: ignore[import-untyped]  # gevent carries no types

from loadtests import corpus, corpus_dialogue
from loadtests.chapters import Chapters
from loadtests.corpus import Corpus
from loadtests.mixes import Mix
from loadtests.options import LoadOptions
from loadtests.prepare import Preparation, prepare
from loadtests.progress import Tell

OWN_DOCUMENT = Path(".cache/document.pdf")
OWN_DIALOGUE = Path(".cache/dialogue.pdf")


def make_ready(options: LoadOptions, host: str, tell: Tell) -> Chapters:
    """Returns the chapters of the file that is named; without one uploads the document and chooses them.

    Readers of dialogue read a document of short lines beside the others', which is ours; where nobody else
    reads, it is the only one.

    Raises:
        CorpusError: our own document cannot be built.
        ChaptersError: the chapters file cannot be used, or the document gives no chapter.
        WrongUseError: an option or a file cannot be used.
        PrepareError: the server did not do its part.
    """
    if options.chapters_file is not None:
        chapters = Chapters.load(options.chapters_file)
        chapters.require_mode(options.mode)
        return chapters
    kinds = _kinds(options.mix)
    document, dialogue = options.document, None
    if "dialogue" in kinds and (len(kinds) > 1 or document is None):
        dialogue = _dialogue(tell)
    if document is None and kinds != {"dialogue"}:
        document = _built(OWN_DOCUMENT, corpus.build_pdf, tell)
    preparation = Preparation(
        host=host,
        document=document,
        document_id=options.document_id,
        dialogue_document=dialogue,
        mode=options.mode,
        chapters=options.chapters,
        blocks=options.blocks,
        voice=options.asked_with,
        model=options.model,
        pregenerate=options.pregenerate,
        insecure=options.insecure,
    )
    chapters = prepare(preparation, tell)
    _tell_what_is_read(chapters, document or dialogue, tell)
    if chapters.dialogue is not None:
        _tell_what_is_read(chapters.dialogue, dialogue, tell)
    return chapters


def _tell_what_is_read(chapters: Chapters, document: Path | None, tell: Tell) -> None:
    blocks = sum(map(len, chapters.chapters))
    tell(f"{document}: {blocks} blocks, chapters: {len(chapters.chapters)}, pages: {chapters.pages}")


def _kinds(mix: Mix) -> set[str]:
    return {kind for kind, weight in mix.weights if weight}


def _dialogue(tell: Tell) -> Path:
    return _built(OWN_DIALOGUE, corpus_dialogue.build_pdf, tell)


def _built(path: Path, build: Callable[[Path], Corpus], tell: Tell) -> Path:
    """Build our document in a thread: the web page and the workers are answered meanwhile."""
    if not path.exists():
        tell(f"{path}: being built, once")
        gevent.get_hub().threadpool.apply(corpus.own_document, (path, build))
    return path
