"""Small servers whose memory is known to the byte: what the instrument is tested with.

`python applications.py CONTROL PORT` answers GET /api/health, GET /work?last=0|1 (a session's last request says so)
and POST /trim. What each does to memory stands below its name; nothing else of it grows.
"""

import ctypes
import mmap
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KIB = 1024
MIB = 1024 * KIB
PER_REQUEST_BYTES = 64 * KIB
PER_SESSION_BYTES = 256 * KIB
PLATEAU_BYTES = 16 * MIB
RETAINED_BLOCKS = 1200
OOM_BYTES = 1 * MIB
ENDS_AFTER = 150
CRASH_STATUS = 3
CHILDREN_AT_ONCE = 2
CHILD_MB = 4
CHILD = (
    "import sys, time\nheld = bytearray(b'x') * (int(sys.argv[1]) << 20)\n"
    "print('full', flush=True)\ntime.sleep(float(sys.argv[2]))\n"
)
GROWING_CHILD = (
    "import time\nheld = []\nwhile True:\n    held.append(bytearray(b'x') * 1048576)\n    time.sleep(0.02)\n"
)

libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

held: list[mmap.mmap] = []
blocks: list[int] = []
children: list[subprocess.Popen[bytes]] = []
served = 0
lock = threading.Lock()
never = threading.Event()


def hold(size: int) -> None:
    """Hold so many bytes more for good: whole pages of their own, each touched, not a byte besides."""
    pages = mmap.mmap(-1, size, flags=ANONYMOUS)
    for place in range(0, size, mmap.PAGESIZE):
        pages[place] = 1
    held.append(pages)


def leak_per_request(*, last: bool) -> None:
    """Never gives back 64 KiB of each request."""
    hold(PER_REQUEST_BYTES)


def leak_per_session(*, last: bool) -> None:
    """Never gives back 256 KiB of each session."""
    if last:
        hold(PER_SESSION_BYTES)


def retain(*, last: bool) -> None:
    """Frees what a request needed at once, and glibc keeps it: 64 KiB more stay resident until a trim."""
    if blocks:
        block = blocks.pop()
        ctypes.memset(block, 1, PER_REQUEST_BYTES)
        libc.free(block)


def prepare_retain() -> None:
    """Lay out the blocks, with a small one that stays between each two: no freed one can join its neighbours.

    They are untouched, so nothing of them but a page each is resident yet.
    """
    libc.mallopt(M_ARENA_MAX, 1)
    libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)
    for _ in range(RETAINED_BLOCKS):
        blocks.append(libc.malloc(PER_REQUEST_BYTES))
        libc.malloc(16)
    blocks.reverse()


def plateau(*, last: bool) -> None:
    """Fills a cache that is bounded at 16 MiB."""
    if len(held) * PER_REQUEST_BYTES < PLATEAU_BYTES:
        hold(PER_REQUEST_BYTES)


def flat(*, last: bool) -> None:
    """Uses 64 KiB and gives it back."""
    with mmap.mmap(-1, PER_REQUEST_BYTES, flags=ANONYMOUS) as pages:
        pages.write(b"x" * PER_REQUEST_BYTES)


def spawn_children(*, last: bool) -> None:
    """Has at most two children of 4 MiB at work, which end after half a second."""
    children[:] = [child for child in children if child.poll() is None]
    if last and len(children) < CHILDREN_AT_ONCE:
        children.append(child_of(CHILD, str(CHILD_MB), "0.5"))


def oom(*, last: bool) -> None:
    """Grows by 1 MiB a request until the kernel kills it."""
    hold(OOM_BYTES)


def oom_child(*, last: bool) -> None:
    """Has a child that grows until the kernel kills it; the server stays small and lives."""
    if last and not children:
        children.append(child_of(GROWING_CHILD))


def crash(*, last: bool) -> None:
    """Ends with status 3 at the 150th request."""
    if served >= ENDS_AFTER:
        os._exit(CRASH_STATUS)


def crash_signal(*, last: bool) -> None:
    """Dies of SIGSEGV at the 150th request."""
    if served >= ENDS_AFTER:
        os.kill(os.getpid(), signal.SIGSEGV)


def hang(*, last: bool) -> None:
    """Answers nobody from the 150th request on, its health included."""


CONTROLS: dict[str, Callable[..., None]] = {
    control.__name__: control
    for control in (
        leak_per_request, leak_per_session, retain, plateau, flat, spawn_children,
        oom, oom_child, crash, crash_signal, hang,
    )
}  # fmt: skip


def child_of(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a small Python without its libraries."""
    return subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", program, *arguments], stdout=subprocess.DEVNULL
    )


class Handler(BaseHTTPRequestHandler):
    """Works as its control does."""

    protocol_version = "HTTP/1.1"
    control: Callable[..., None] = flat

    def do_GET(self) -> None:
        """Work, or say how it is."""
        global served  # noqa: PLW0603  # one server, one count
        parts = urlsplit(self.path)
        if parts.path == "/work":
            with lock:
                served += 1
                self.control(last=parse_qs(parts.query).get("last") == ["1"])
        if self.control is hang and served >= ENDS_AFTER:
            never.wait()
        self.answer(b'{"ok": true}')

    def do_POST(self) -> None:
        """Give back to the system what the allocator kept."""
        if self.path == "/trim":
            self.answer(b'{"trimmed": %d}' % libc.malloc_trim(0))
        else:
            self.send_error(404)

    def answer(self, body: bytes) -> None:
        """Send JSON."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


def main(control: str, port: int) -> None:
    """Serve until ended."""
    if control == "retain":
        prepare_retain()
    Handler.control = staticmethod(CONTROLS[control])
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
