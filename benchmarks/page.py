"""`python -m benchmarks.page`: how soon the reader page can be used and heard, and how long its silences are.

It starts the reference server, the stand-in speech upstream (2 to 5 s, as the plan names them) and Chromium without a
window, makes a document of ten minutes, visits the page again and again, each time with an empty browser, and reads
the document once, eight times as fast. Four minutes.

Exit codes: 0 the promises are kept, 1 one is not, 2 wrong use or a machine that cannot, 130 interrupted.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks.browser import launch
from benchmarks.errors import BenchmarkError
from benchmarks.listening import STALL_S, heard_on, listen, until_played
from benchmarks.page_figures import FIRST_AUDIO_MS, INTERACTIVE_MS, Figure, markdown
from benchmarks.report import commit
from benchmarks.servers import reference_server, served
from loadtests.corpus import prose
from profiles import machine, processes

ROOT = Path(__file__).resolve().parent.parent
CACHED, LIVE = "cached", "live"
BLOCKS = 26
BLOCK_CHARS = range(380, 441)
"""Blocks as long as most are; 25 s of speech each."""
READ_S, RATE = 600, 8
MAKE_WITHIN_S = 300

WATCH = """(() => {
    const seen = {};
    window.seen = seen;
    const note = (name) => { seen[name] ??= performance.now(); };
    const ready = () => document.documentElement.hasAttribute("data-ready") && note("ready");
    new MutationObserver(ready).observe(document, {attributes: true, subtree: true});
    const sounds = () => {
        const audio = document.getElementById("audio");
        if (audio.currentTime > 0 && !audio.paused) note("sounds");
        else requestAnimationFrame(sounds);
    };
    document.addEventListener("click", () => { note("pressed"); sounds(); }, {capture: true, once: true});
})()"""
"""Notes, in the page's own clock, when it is ready, when it is pressed, and when its audio has begun to advance."""


@dataclass(frozen=True)
class Visit:
    """What one visit took, in milliseconds."""

    interactive_ms: float
    first_audio_ms: float | None


def _document() -> bytes:
    texts = [piece.text for piece in prose() if len(piece.text) in BLOCK_CHARS]
    return "\n\n".join(texts[:BLOCKS]).encode()


def _ask(url: str, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise BenchmarkError(
                f"{method} {path}: {answer.status}: {content[:200].decode(errors='replace')}"
            )
        told: dict[str, Any] = json.loads(content)
        return told
    finally:
        connection.close()


def _make(url: str) -> None:
    """Put two equal documents into the store, and make one of them ahead."""
    for document_id in (CACHED, LIVE):
        _ask(url, "PUT", f"/api/documents/{document_id}", _document())
    _ask(url, "POST", "/api/tts/preprocess", json.dumps({"documentId": CACHED}).encode())
    until = time.monotonic() + MAKE_WITHIN_S
    while _ask(url, "GET", f"/api/tts/preprocess/status?documentId={CACHED}")["state"] != "complete":
        if time.monotonic() > until:
            raise BenchmarkError(f"{BLOCKS} blocks were not made within {MAKE_WITHIN_S} s")
        time.sleep(0.2)


@contextmanager
def _context(browser: Browser) -> Iterator[BrowserContext]:
    """An empty browser; what ends it by a signal has ended Chromium as well, and that is no error of its own."""
    context = browser.new_context()
    try:
        yield context
    finally:
        with suppress(BrowserError):
            context.close()


def _visit(browser: Browser, url: str, document_id: str | None, block: int | None) -> Visit:
    """Open the library, or a document and press a block of it, in a browser that has seen nothing yet."""
    with _context(browser) as context:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{url}/" if document_id is None else f"{url}/#/read/{document_id}")
        page.wait_for_function("() => window.seen.ready")
        if block is None:
            return Visit(_seen(page)["ready"], None)
        page.locator("#play" if block == 0 else f'#text .block[data-block="{block}"]').click()
        page.wait_for_function("() => window.seen.sounds")
        seen = _seen(page)
        return Visit(seen["ready"], seen["sounds"] - seen["pressed"])


def _silences(browser: Browser, url: str) -> tuple[float, ...]:
    """Read ten minutes of what is cached, faster than the bar offers; all silences, in milliseconds."""
    with _context(browser) as context:
        page = context.new_page()
        page.goto(f"{url}/")
        page.evaluate("rate => localStorage.setItem('oomproof.preferences', JSON.stringify({rate}))", RATE)
        page.goto(f"{url}/?read#/read/{CACHED}")
        page.wait_for_selector("html[data-ready] #text .block")
        listen(page)
        page.locator("#play").click()
        until_played(page, READ_S, within_ms=3 * 1000 * READ_S / RATE)
        heard = heard_on(page)
        if heard.failed:
            raise BenchmarkError(f"{heard.failed} blocks could not be played")
        return heard.gaps_ms + heard.waits_ms


def _seen(page: Page) -> dict[str, float]:
    seen: dict[str, float] = page.evaluate("window.seen")
    return seen


@contextmanager
def _measured_server(folder: Path) -> Iterator[str]:
    port = processes.free_port()
    speech = processes.python_module("loadtests.upstream", "--port", port)
    with ExitStack() as stack:
        log = folder / "upstream.log"
        stack.enter_context(served("speech upstream", port, [speech], log, health="/health"))
        settings = {"API_BASE": f"http://127.0.0.1:{port}/v1", "ALIGNERS": "1"}
        server = reference_server(folder / "docstore", folder / "server.log", settings=settings)
        yield stack.enter_context(server).url


def _measure(visits: int, live_visits: int) -> tuple[list[Figure], str]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oomproof-page-")))
        url = stack.enter_context(_measured_server(folder))
        _say(f"making {BLOCKS} blocks")
        _make(url)
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(_close, browser)
        _visit(browser, url, None, None)  # the browser's own first time is nobody's figure
        _say(
            f"{visits} visits of the library, {visits} of a document that is cached, {live_visits} of one that is not"
        )
        library = [_visit(browser, url, None, None) for _ in range(visits)]
        cached = [_visit(browser, url, CACHED, 0) for _ in range(visits)]
        # Each at another block: what was heard live once, the server has in its memory.
        live = [_visit(browser, url, LIVE, block) for block in range(live_visits)]
        _say(f"{READ_S} s of what is cached, at speed {RATE}")
        silences = Figure("silence between blocks, cached", _silences(browser, url), 1000 * STALL_S)
        return [*_figures(library, cached, live), silences], browser.version


def _close(browser: Browser) -> None:
    with suppress(BrowserError):
        browser.close()


def _figures(library: list[Visit], cached: list[Visit], live: list[Visit]) -> list[Figure]:
    def interactive(visits: list[Visit]) -> tuple[float, ...]:
        return tuple(visit.interactive_ms for visit in visits)

    def audio(visits: list[Visit]) -> tuple[float, ...]:
        return tuple(visit.first_audio_ms for visit in visits if visit.first_audio_ms is not None)

    return [
        Figure("library interactive", interactive(library), INTERACTIVE_MS),
        Figure("document interactive", interactive(cached), INTERACTIVE_MS),
        Figure("first audio, cached", audio(cached), FIRST_AUDIO_MS),
        Figure("first audio, live", audio(live)),
    ]


def _save(options: argparse.Namespace, figures: Sequence[Figure], conditions: dict[str, object]) -> None:
    value: dict[str, object] = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks.page", *options.given]),
        "commit": commit(),
        "machine": machine.describe(),
        "conditions": conditions,
        "figures": [one.to_json() for one in figures],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    (options.out / "page.md").write_text(markdown(value), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.default_int_handler)
    load_average = round(os.getloadavg()[0], 1)
    try:
        figures, browser = _measure(options.visits, options.live_visits)
        conditions: dict[str, object] = {
            "browser": f"Chromium {browser}, headless",
            "server": "on the same machine, real aligner",
            "upstream": "stand-in, 2-5 s",
            "load average before": load_average,
        }
        _save(options, figures, conditions)
    except (BenchmarkError, BrowserError) as error:
        _say(str(error).strip().splitlines()[0])
        return 2
    except OSError as error:
        _say(f"{error.filename or options.out}: {error.strerror}")
        return 2
    except KeyboardInterrupt:
        _say("interrupted; nothing was written")
        return 130
    sys.stdout.write((options.out / "page.md").read_text(encoding="utf-8"))
    return 0 if all(one.is_kept for one in figures) else 1


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--visits", type=_whole, default=20, help="of each kind (%(default)s)")
    live_help = f"of a document that is not cached, at most {BLOCKS} (%(default)s)"
    parser.add_argument("--live-visits", type=_whole, default=5, help=live_help)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "page", help="where the report goes")
    options = parser.parse_args(argv)
    if options.live_visits > BLOCKS:
        parser.error(f"--live-visits {options.live_visits}: the document has {BLOCKS} blocks.")
    options.given = list(argv)
    return options


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1.")
    return number


if __name__ == "__main__":
    sys.exit(main())
