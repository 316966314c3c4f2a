"""The reader page as a person has it in front of them: what can be seen, pressed and heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.browser.watched import Watched

_SOUNDS = """least => {
    const audio = document.getElementById("audio");
    return !audio.paused && audio.currentTime > least;
}"""


@dataclass
class ReaderPage:
    """One tab."""

    page: Page
    url: str
    watched: Watched

    def open(self) -> ReaderPage:
        """Open the library."""
        self.page.goto(self.url + "/")
        expect(self.page.locator("html[data-ready]")).to_be_attached()
        return self

    def read(self, document_id: str) -> ReaderPage:
        """Open a document by its address, as a bookmark does, and wait until it is known whether it is cached."""
        self.page.goto(f"{self.url}/#/read/{quote(document_id, safe='')}")
        return self._opened()

    def _opened(self) -> ReaderPage:
        expect(self.block(0)).to_be_visible()
        expect(self.at("#mode")).to_be_visible()
        return self

    def choose(self, name: str) -> ReaderPage:
        """Open a document from the library, by the name that it has there."""
        self.at("#documents .open").filter(has_text=name).click()
        return self._opened()

    def prefer(self, **chosen: object) -> ReaderPage:
        """Have chosen something on an earlier visit: also what no control offers, such as to play 16 times as fast."""
        self.open()
        self.script("it => localStorage.setItem('oomproof.preferences', JSON.stringify(it))", chosen)
        self.page.reload()
        return self

    def at(self, selector: str) -> Locator:
        """What the page has there."""
        return self.page.locator(selector)

    @property
    def blocks(self) -> Locator:
        """The blocks of the page of the document that is shown."""
        return self.at("#text .block")

    def block(self, index: int) -> Locator:
        """A block of the page of the document that is shown, counted from 0."""
        return self.at(f'#text .block[data-block="{index}"]')

    @property
    def word(self) -> Locator:
        """The word that is marked as spoken."""
        return self.at("#text mark.word")

    def expect_spoken(self, page: int, block: int, within_ms: float = 15_000) -> None:
        """Wait until this block is the one that is marked as spoken, alone."""
        expect(self.at("#text .block.spoken")).to_have_count(1)
        spoken = self.at(f'#text .block.spoken[data-page="{page}"][data-block="{block}"]')
        expect(spoken).to_be_visible(timeout=within_ms)

    def expect_mode(self, mode: str, within_ms: float = 15_000) -> None:
        """Wait until the badge says `live` or `cached`."""
        expect(self.at("#mode")).to_have_attribute("data-mode", mode, timeout=within_ms)

    def expect_state(self, state: str, within_ms: float = 15_000) -> None:
        """Wait until the button *Pre-generate* has this state."""
        expect(self.at("#pregenerate")).to_have_attribute("data-state", state, timeout=within_ms)

    def play(self) -> None:
        """Press play, and wait until something is heard."""
        self.at("#play").click()
        self.until_it_sounds()

    def until_it_sounds(self, least_s: float = 0.1, within_ms: float = 20_000) -> None:
        """Wait until the audio runs and is beyond so many seconds."""
        self.page.wait_for_function(_SOUNDS, arg=least_s, timeout=within_ms)

    def pause(self) -> None:
        """Press pause."""
        self.at("#play").click()
        expect(self.at("#play")).to_have_attribute("data-state", "paused")

    @property
    def audio_s(self) -> float:
        """Where in its block the audio is, in seconds."""
        return float(self.page.evaluate("document.getElementById('audio').currentTime"))

    def pregenerate(self, pages: str = "all") -> None:
        """Press *Pre-generate*, choose `all`, `page` or `next` in its dialog, and begin."""
        self.at("#pregenerate").click()
        dialog = self.at("#ask")
        dialog.locator(f'input[name="pages"][value="{pages}"]').check()
        self.press("Pre-generate", dialog)
        expect(dialog).to_be_hidden()

    def press(self, name: str, within: Locator | None = None) -> None:
        """Press the button of this name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()

    def upload(self, name: str, content: bytes, kind: str = "application/octet-stream") -> None:
        """Choose a file to upload, by the picker."""
        self.at("#file-input").set_input_files({"name": name, "mimeType": kind, "buffer": content})

    def script(self, expression: str, argument: Any = None) -> Any:
        """What an expression of JavaScript gives in the page."""
        return self.page.evaluate(expression, argument)
