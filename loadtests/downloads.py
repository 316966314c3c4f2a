"""A tab's requests for speech: one a block, three attempts, live where there is no chunk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from loadtests.actions import Action, FetchAudio, Source
from loadtests.chapters import Block, Voice
from loadtests.timeline import Timeline

ATTEMPTS = 3


def retry_wait_s(failed_attempts: int) -> float:
    """Session seconds before the next attempt: 1, doubling, at most 5."""
    return min(5.0, 2.0 ** (failed_attempts - 1))


@dataclass(slots=True)
class Download:
    """Speech of a block on its way, or about to be asked for again."""

    block: Block
    source: Source
    voice: Voice
    attempt: int = 1
    number: int | None = None


class Downloads:
    """What a tab has asked for and not got yet.

    Args:
        say: takes what is to be done.
        timeline: when to try again.
        numbers: the session's next free request numbers.
        source: where speech is asked for first.
        waited_for: whether the listener waits for a block.
    """

    def __init__(
        self,
        say: Callable[[Action], None],
        timeline: Timeline,
        numbers: Iterator[int],
        source: Source,
        waited_for: Callable[[Block], bool],
    ) -> None:
        self._say = say
        self._timeline = timeline
        self._numbers = numbers
        self._source = source
        self._waited_for = waited_for
        self._by_text: dict[str, Download] = {}

    def ask(self, t: float, block: Block, voice: Voice) -> None:
        """Asks for a block unless that is under way."""
        if block.text_hash not in self._by_text:
            download = Download(block, self._source, voice)
            self._by_text[block.text_hash] = download
            self._send(t, download)

    def arrived(self, number: int) -> Download | None:
        """Takes out what this request was for; None where it was given up."""
        download = self._numbered(number)
        if download is not None:
            del self._by_text[download.block.text_hash]
        return download

    def failed(self, t: float, number: int, *, missing: bool) -> Download | None:
        """Asks live for a chunk that is missing, or again later; returns what has failed for good, if it has."""
        download = self._numbered(number)
        if download is None:
            return None
        if missing and download.source == "chunk":
            download.source, download.attempt = "tts", 1
            self._send(t, download)
        elif download.attempt < ATTEMPTS:
            self._timeline.after(t, retry_wait_s(download.attempt), lambda t: self._retry(t, download))
            download.attempt += 1
            download.number = None
        else:
            return self.arrived(number)
        return None

    def give_up(self) -> tuple[int, ...]:
        """Forgets everything; returns the numbers of the requests that are out."""
        out = tuple(download.number for download in self._by_text.values() if download.number is not None)
        self._by_text.clear()
        return out

    def _numbered(self, number: int) -> Download | None:
        return next((download for download in self._by_text.values() if download.number == number), None)

    def _retry(self, t: float, download: Download) -> None:
        if self._by_text.get(download.block.text_hash) is download:
            self._send(t, download)

    def _send(self, t: float, download: Download) -> None:
        download.number = next(self._numbers)
        ahead = not self._waited_for(download.block)
        self._say(
            FetchAudio(
                download.number, download.block, download.source, download.attempt, t, ahead, download.voice
            )
        )
