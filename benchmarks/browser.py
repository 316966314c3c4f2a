"""The browser that the reader page is measured and tested in: which one, and how it is started."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

from benchmarks.errors import BenchmarkError

PROGRAMS = ("chromium", "google-chrome")
"""Looked for in this order; Debian's is the one that `.ci/install` installs. Both play MP3."""

ARGUMENTS = (
    "--no-sandbox",  # root cannot have one, and it is our own page
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",  # the clock of the audio runs all the same, with no sound card too
    "--force-color-profile=srgb",
)


def browser_program() -> str:
    """Return the path of a browser.

    Raises:
        BenchmarkError: there is none.
    """
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise BenchmarkError(f"no browser here ({' or '.join(PROGRAMS)}): .ci/install installs one")
    return found


def launch(driver: Playwright) -> Browser:
    """Start it, headless; a press must come before sound, as for everybody.

    Raises:
        BenchmarkError: there is none.
    """
    return driver.chromium.launch(executable_path=browser_program(), args=list(ARGUMENTS))
