"""A real browser, a real server and the stand-in speech upstream; what the page may not do fails any test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

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
KEPT = pytest.StashKey["Kept"]()

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


class Kept:
    """What tests in a row share: the browser, and speech upstreams by their options, each started when first wanted.

    It ends before a test elsewhere: while Playwright's driver lives, no other event loop can run in this thread.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._browser: Browser | None = None
        self._speech: dict[tuple[str, ...], Speech] = {}

    def browser(self) -> Browser:
        """A headless browser; raises BenchmarkError where there is none."""
        if self._browser is None:
            expect.set_options(timeout=PATIENCE_MS)
            with ExitStack() as started:
                self._browser = launch(started.enter_context(sync_playwright()))
                started.callback(self._browser.close)
                self._running.push(started.pop_all())
        return self._browser

    def speech(self, options: tuple[str, ...]) -> Speech:
        """An upstream with these options, which goes on as it is."""
        if options not in self._speech:
            speech = self._speech[options] = Speech()
            self._running.callback(speech.stop)
            speech.start(*options)
        return self._speech[options]

    def end(self) -> None:
        """End all of it; what is wanted later is started again."""
        self._running.close()
        self._browser = None
        self._speech.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """End what is kept when a test of another folder is next, or none."""
    try:
        return (yield)
    finally:
        if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
            item.session.stash.get(KEPT, Kept()).end()


@pytest.fixture(scope="module")
def kept(request: pytest.FixtureRequest) -> Kept:
    """What the tests of this folder share."""
    return request.session.stash.setdefault(KEPT, Kept())


@pytest.fixture(scope="module")
def browser(kept: Kept) -> Browser:
    """A headless browser."""
    try:
        return kept.browser()
    except BenchmarkError as error:
        pytest.skip(str(error))


@pytest.fixture
def own_speech() -> Iterator[Speech]:
    """An upstream that is the test's alone, to be started and stopped; it ends with the test."""
    speech = Speech()
    yield speech
    speech.stop()


@pytest.fixture(scope="module")
def make_stand(kept: Kept, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeStand]:
    """Start a server with these settings; it ends with the module.

    Its speech is that of an upstream with these options, which others may ask too, unless one is given. Unless the
    settings name an aligner, it is a quick one that does not listen. `like` is a stand whose documents it has from the
    start, with all that is made of them.
    """
    stands: list[Stand] = []

    def make(
        *speech_options: str, speech: Speech | None = None, like: Stand | None = None, **settings: str
    ) -> Stand:
        folder = tmp_path_factory.mktemp("stand")
        if like is not None:
            shutil.copytree(like.docstore, folder / "docstore")
        (folder / "no-model.bin").touch()
        quick = {
            "ALIGNER": "whisper.cpp",
            "ALIGNER_COMMAND": str(QUICK_ALIGNER),
            "ALIGNER_MODEL": str(folder / "no-model.bin"),
        }
        chosen = settings if "ALIGNER" in settings else {**quick, **settings}
        stands.append(Stand(folder / "docstore", chosen, speech or kept.speech(speech_options)))
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
