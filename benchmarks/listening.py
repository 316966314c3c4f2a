"""What a listener hears of the reader page: how much was played, and every silence, noted in the page itself."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Page

STALL_S = 0.25
"""The silence that counts as a stall: docs/decisions/0002-what-a-stall-is.md."""

_NOTE = """() => {
    const audio = document.getElementById("audio");
    const heard = {played_s: 0, blocks: 0, waits_ms: [], gaps_ms: [], failed: 0};
    window.heard = heard;
    let silence = null; // since when, and in which list it goes
    const notes = {
        ended() {
            silence = [performance.now(), heard.gaps_ms];
            heard.played_s += audio.duration;
            heard.blocks += 1;
        },
        playing() {
            if (!silence) return;
            const [since, list] = silence;
            list.push(performance.now() - since);
            silence = null;
        },
        waiting() {
            silence ??= [performance.now(), heard.waits_ms];
        },
        error() {
            if (audio.getAttribute("src")) heard.failed += 1;
        },
    };
    // on the way down, so before the page itself hears of it
    for (const [name, note] of Object.entries(notes)) document.addEventListener(name, note, {capture: true});
}"""


@dataclass(frozen=True)
class Heard:
    """What was heard: speech (in its own seconds), whole blocks, silences within and between blocks, failures."""

    played_s: float
    blocks: int
    waits_ms: tuple[float, ...]
    gaps_ms: tuple[float, ...]
    failed: int


def listen(page: Page) -> None:
    """Note from now on what the page plays."""
    page.evaluate(_NOTE)


def until_played(page: Page, least_s: float, within_ms: float) -> None:
    """Wait until so much speech was played."""
    page.wait_for_function("least => window.heard.played_s >= least", arg=least_s, timeout=within_ms)


def until_heard(page: Page, blocks: int, within_ms: float) -> None:
    """Wait until so many blocks were played to their ends."""
    page.wait_for_function("blocks => window.heard.blocks >= blocks", arg=blocks, timeout=within_ms)


def heard_on(page: Page) -> Heard:
    """Return what was noted so far."""
    told = page.evaluate("window.heard")
    return Heard(
        told["played_s"], told["blocks"], tuple(told["waits_ms"]), tuple(told["gaps_ms"]), told["failed"]
    )
