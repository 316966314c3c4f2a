"""The real application on a real socket in this process, watched: what files it opens, makes and removes."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest
import requests
import uvicorn
from starlette.applications import Starlette

from reference_server.aligner_programs import Programs
from reference_server.app import create_app
from reference_server.http_protocol import bounded_protocol
from reference_server.live_aligner import LiveAligner
from reference_server.settings import Settings
from reference_server.speech import SpeechError, SpeechRequest
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore
from reference_server.workshop import MakeChunk, OpenMaker

DOCUMENT = "doc"

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "shutil.rmtree",
}
_OUR_OWN = tuple(
    str(Path(place).resolve())
    for place in (sys.prefix, sys.base_prefix, Path(__file__).parents[3] / "reference_server")
)
_SYSTEM = ("/proc/", "/sys/", "/etc/os-release")


@dataclass
class FileWatch:
    """What the threads of the server, and not the test's own, did to files since it was switched on."""

    changed: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    on: bool = False

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take an audit event of the interpreter."""
        if not self.on or not arguments or threading.current_thread() is threading.main_thread():
            return
        if arguments[0] == os.devnull:  # what a child process is given to read
            return
        if event in _CHANGES:
            self.changed += _places(arguments)
        elif event == "open" and isinstance(arguments[0], str | bytes):
            flags = arguments[2]
            writes = isinstance(flags, int) and flags & _WRITING
            (self.changed if writes else self.read).extend(_places(arguments[:1]))

    def strays(self, root: Path, decoy: Path) -> list[str]:
        """Return what was changed outside `root`, or read outside it, the interpreter and the system's own.

        The folder `decoy` in it is a stranger too.
        """
        inside = f"{root}{os.sep}"
        changed = [path for path in self.changed if not f"{path}{os.sep}".startswith(inside)]
        places = (inside, *_OUR_OWN, *_SYSTEM)
        read = [path for path in self.read if not path.startswith(places)]
        trapped = [path for path in (*self.changed, *self.read) if path.startswith(f"{decoy}")]
        return sorted({*changed, *read, *trapped})


def _places(arguments: tuple[object, ...]) -> list[str]:
    """Return where the paths among an event's arguments lead; the tests make no symbolic links.

    A name may be meant in a folder that is held open, as `shutil.rmtree` does. The event of removing tells
    which; that of opening does not, so a bare name that is not here counts as meant elsewhere.
    """
    last = arguments[-1] if len(arguments) > 1 else None
    in_folder = isinstance(last, int) and last >= 0
    names = [os.fsdecode(value) for value in arguments if isinstance(value, str | bytes)]
    here = Path(f"/proc/self/fd/{last}").readlink() if in_folder else Path.cwd()
    paths = [os.path.normpath(here / name) for name in names]
    return [
        path
        for path, name in zip(paths, names, strict=True)
        if in_folder or os.sep in name or Path(path).exists()
    ]


_watch = FileWatch()
_hooked = False


def _note(event: str, arguments: tuple[object, ...]) -> None:
    _watch.note(event, arguments)


@contextmanager
def watched() -> Iterator[FileWatch]:
    """Note what happens to files; the interpreter lets no hook go, so there is one, and it is switched off."""
    global _hooked, _watch  # noqa: PLW0603 - the interpreter's own hook is global too
    _watch = FileWatch(on=True)
    if not _hooked:
        sys.addaudithook(_note)
        _hooked = True
    try:
        yield _watch
    finally:
        _watch.on = False


@contextmanager
def serving(app: Starlette) -> Iterator[tuple[str, int]]:
    """Serve an application as `python -m reference_server` does, in a thread, and give its address."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # as it does, or most answers take 40 ms
        config = uvicorn.Config(
            app, http=bounded_protocol(10), ws="none", loop="asyncio", lifespan="on", log_config=None
        )
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        address: tuple[str, int] = listener.getsockname()
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


class StandIn(Protocol):
    """What is used here of the fake maker of conftest."""

    store: ChunkStore | None

    def __call__(self, turns: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for jobs."""


NewMaker = Callable[[], StandIn]


@dataclass
class Server:
    """A server with one document, some of whose chunks are made."""

    url: str
    address: tuple[str, int]
    session: requests.Session
    three_pages: bytes
    store: Path
    decoy: Path
    watch: FileWatch

    def prepare(self) -> None:
        """Upload the document where it is gone, and make two of its pages."""
        self.session.put(f"{self.url}/api/documents/{DOCUMENT}", data=self.three_pages, timeout=60)
        asked = f'{{"documentId": "{DOCUMENT}", "pages": [1, 2]}}'
        events = {"Accept": "text/event-stream"}
        self.session.post(f"{self.url}/api/tts/preprocess", data=asked, headers=events, timeout=60)

    def strays(self) -> list[str]:
        """Return what was opened or changed elsewhere than in the docstore."""
        return self.watch.strays(self.store, self.decoy.parent)


@pytest.fixture(scope="module")
def _plain_children() -> Iterator[None]:
    """Have no coverage measured in the children, one for each of hundreds of uploads: it would double their cost."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def server(
    _plain_children: None,
    tmp_path_factory: pytest.TempPathFactory,
    three_pages: bytes,
    mp3: bytes,
    new_maker: NewMaker,
) -> Iterator[Server]:
    """One server for all routes: what one request leaves is what the next one meets."""
    folder = tmp_path_factory.mktemp("fuzz")
    # Where an id of `../decoy` would lead to from the folder of the documents and from that of the chunks.
    decoy = folder / "docstore" / "decoy" / "document.json"
    decoy.parent.mkdir(parents=True)
    decoy.write_text("untouched")
    settings = Settings(
        docstore_dir=folder / "docstore",
        max_document_bytes=200_000,
        api_base="http://127.0.0.1:9/v1",
        body_timeout_s=1,
    )
    maker = new_maker()
    app = _app(settings, maker, mp3)
    maker.store = app.state.store
    with watched() as watch, serving(app) as address, requests.Session() as session:
        server = Server(
            f"http://{address[0]}:{address[1]}",
            address,
            session,
            three_pages,
            settings.docstore_dir,
            decoy,
            watch,
        )
        server.prepare()
        yield server


def _app(settings: Settings, maker: OpenMaker, mp3: bytes) -> Starlette:
    aligner = LiveAligner(settings, Programs(decoder=("false",), aligner=("false",)))
    app = create_app(settings, open_maker=maker, live_aligner=aligner)

    async def synthesize(request: SpeechRequest, _api_key: str | None = None) -> bytes:
        failures = {0: 502, 1: 504, 2: 429, 3: 500}
        kind = len(request.text) % 16
        if kind in failures:
            raise SpeechError(
                failures[kind], "The stand-in said no.", retry_after_s=1.5 if kind == 2 else None
            )
        return mp3

    app.state.speech.synthesize = synthesize
    return app
