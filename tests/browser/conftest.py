"""A real browser, a real server and the stand-in speech upstream; what the page may not do fails any test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from benchmarks.browser import launch
from benchmarks.errors import BenchmarkError
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Speech, Stand
from tests.browser.watched import Watched

QUICK_ALIGNER = Path(__file__).with_name("quick_aligner.sh")
PICTURES_OF_FAILURES = Path(__file__).parents[2] / ".cache" / "browser"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

FAILED = pytest.StashKey[bool]()

PATIENCE_MS = 15_000
"""How long anything is waited for unless a test says otherwise: long, for it costs only where something is wrong."""

MakeStand = Callable[..., Stand]
Visit = Callable[..., ReaderPage]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as slow: each has real processes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the fixtures know how the test went."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver: a module's, for while it lives no other event loop can run in this thread."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A headless browser."""
    try:
        running = launch(playwright)
    except BenchmarkError as error:
        pytest.skip(str(error))
    yield running
    running.close()


@pytest.fixture(scope="module")
def make_stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStand]:
    """Start a server and its upstream, with the upstream's options and the server's settings; all end with the module.

    Unless the settings name an aligner, it is a quick one that does not listen.
    """
    stands: list[Stand] = []

    def make(*speech_options: str, **settings: str) -> Stand:
        folder = tmp_path_factory.mktemp("stand")
        (folder / "no-model.bin").touch()
        quick = {
            "ALIGNER": "whisper.cpp",
            "ALIGNER_COMMAND": str(QUICK_ALIGNER),
            "ALIGNER_MODEL": str(folder / "no-model.bin"),
        }
        chosen = settings if "ALIGNER" in settings else {**quick, **settings}
        speech = Speech()
        speech.start(*speech_options)
        stands.append(Stand(folder / "docstore", chosen, speech))
        return stands[-1]

    yield make
    for stand in stands:
        stand.close()


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Open a tab in a context of its own, at the library; what it did is checked when the test is over.

    Options are those of Playwright's `new_context`.
    """
    opened: list[ReaderPage] = []

    def open_tab(stand: Stand, **options: Any) -> ReaderPage:
        told = {"locale": "en-US", "viewport": DESKTOP, **options}
        context = browser.new_context(**told)
        context.set_default_timeout(PATIENCE_MS)
        watched = Watched(context, stand.url)
        opened.append(ReaderPage(context.new_page(), stand.url, watched))
        return opened[-1]

    yield open_tab
    numbers = itertools.count()
    for reader in opened:
        if request.node.stash.get(FAILED, True) and not reader.page.is_closed():
            PICTURES_OF_FAILURES.mkdir(parents=True, exist_ok=True)
            reader.page.screenshot(path=PICTURES_OF_FAILURES / f"{request.node.name}-{next(numbers)}.png")
        reader.watched.context.close()
    for reader in opened:
        reader.watched.check()
