"""A server's Prometheus page, fetched within bounds and read for what a sample holds."""

from __future__ import annotations

import math
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from profiles.errors import OomproofError
from profiles.target_command import check_path, is_web_address

WITHIN_S = 5.0
"""An answer that takes longer is none."""
MOST_BYTES = 8 * 1024 * 1024
"""No server's page is larger; a larger one is not read to its end."""
RESIDENT = "process_resident_memory_bytes"
CPU = "process_cpu_seconds_total"
FILES = "process_open_fds"
START = "process_start_time_seconds"
CHILDREN = "reader_children"
CHILDREN_RESIDENT = "reader_children_resident_memory_bytes"
_WANTED = (RESIDENT, CPU, FILES, START, CHILDREN, CHILDREN_RESIDENT)


class Unreachable(Exception):  # noqa: N818  # what a network does is no error of ours
    """The page could not be had; says why in a few words."""


@dataclass(frozen=True)
class Remote:
    """Where a server's page is, and what is sent with each request for it."""

    address: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.address).netloc

    @classmethod
    def of(cls, url: str, path: str, headers: Sequence[str]) -> Remote:
        """Return it from what a person gave.

        Raises:
            OomproofError: a value does not fit; names it.
        """
        if not is_web_address(url):
            raise OomproofError(
                f"--url {url}: no http(s) address. Give one such as https://reader.example.com."
            )
        if urlsplit(url).username is not None:
            raise OomproofError(
                "--url: holds a user's name. Leave it out, and give --header 'Authorization: …'."
            )
        try:
            check_path(path)
        except ValueError as error:
            raise OomproofError(f"--metrics {path!r}: {error}.") from None
        return cls(url.rstrip("/") + path, dict(map(header_of, headers)))


def header_of(text: str) -> tuple[str, str]:
    """Return a header's name and value.

    Raises:
        OomproofError: it is none; the message does not hold it.
    """
    name, colon, value = text.partition(":")
    if not (colon and name.strip() and text.isprintable()):
        raise OomproofError("--header: not NAME: VALUE. Write one such as 'Authorization: Bearer …'.")
    return name.strip(), value.strip()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A password is not carried to where somebody else points."""

    def redirect_request(  # the base class's
        self, req: object, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Go nowhere: the answer is then an error of its status."""


_OPENER = urllib.request.build_opener(_NoRedirects())


def direct_opener() -> urllib.request.OpenerDirector:
    """Return what follows no redirect, so that what is sent along reaches nobody else."""
    return _OPENER


class Fetcher:
    """Fetches the page; an answer that never ends holds one thread up, and nobody else."""

    def __init__(self, remote: Remote, within_s: float = WITHIN_S) -> None:
        self._remote = remote
        self._within_s = within_s
        self._fetching: threading.Thread | None = None

    def fetch(self) -> str:
        """Return the page; raises Unreachable."""
        if self._fetching is not None and self._fetching.is_alive():
            raise Unreachable("the last answer still has not ended")
        answer: list[str | Unreachable] = []
        self._fetching = threading.Thread(target=self._ask, args=(answer,), daemon=True)
        self._fetching.start()
        self._fetching.join(self._within_s)
        if not answer:
            raise Unreachable(f"no whole answer within {self._within_s:g} s")
        if isinstance(answer[0], Unreachable):
            raise answer[0]
        return answer[0]

    def _ask(self, answer: list[str | Unreachable]) -> None:
        try:
            answer.append(self._page())
        except Unreachable as reason:
            answer.append(reason)
        except urllib.error.HTTPError as error:
            error.close()
            where = f" to {error.headers['Location']}" if error.headers.get("Location") else ""
            answer.append(Unreachable(f"status {error.code}{where}"))
        except urllib.error.URLError as error:
            answer.append(Unreachable(str(error.reason)))
        except (OSError, HTTPException, ValueError) as error:
            answer.append(Unreachable(str(error) or type(error).__name__))

    def _page(self) -> str:
        deadline = time.monotonic() + self._within_s
        request = urllib.request.Request(self._remote.address, headers=dict(self._remote.headers))  # noqa: S310
        with _OPENER.open(request, timeout=self._within_s) as found:
            page = b""
            while more := found.read1(65536):
                page += more
                if len(page) > MOST_BYTES:
                    raise Unreachable(f"the page is larger than {MOST_BYTES // 2**20} MB")
                if time.monotonic() > deadline:
                    raise Unreachable(f"no whole answer within {self._within_s:g} s")
        return page.decode("utf-8", "replace")


@dataclass(frozen=True)
class Page:
    """What a page says of its server; None where it does not, or says what is no number."""

    server_rss_bytes: float | None
    children_rss_bytes: float | None
    children: float | None
    cpu_s: float | None
    open_files: float | None
    started_s: float | None
    """When the server started, on its own clock."""


def read_page(text: str) -> Page:
    """Return what the page says; several processes are added up, and the oldest tells when the server started."""
    series = _series(text)
    starts = _named(series, START)
    return Page(
        server_rss_bytes=_total(_named(series, RESIDENT)),
        children_rss_bytes=_total(series.get(CHILDREN_RESIDENT, [])),
        children=_total(series.get(CHILDREN, [])),
        cpu_s=_total(_named(series, CPU)),
        open_files=_total(_named(series, FILES)),
        started_s=min(starts) if starts and all(map(math.isfinite, starts)) else None,
    )


def _series(text: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        if not line.startswith("#") and any(name in line for name in _WANTED):
            for name, value in _parsed(line):
                found.setdefault(name, []).append(value)
    return found


def _parsed(line: str) -> Iterator[tuple[str, float]]:
    try:
        for family in text_string_to_metric_families(line + "\n"):
            yield from ((sample.name, float(sample.value)) for sample in family.samples)
    except (ValueError, IndexError, KeyError, TypeError):
        return  # such as a page in HTML that speaks of it


def _named(series: Mapping[str, list[float]], name: str) -> list[float]:
    """Return the series of that name, or else the first whose name ends so: a server may put its own before it."""
    if name in series:
        return series[name]
    return next((values for key, values in series.items() if key.endswith(f"_{name}")), [])


def _total(values: Sequence[float]) -> float | None:
    return sum(values) if values and all(math.isfinite(value) and value >= 0 for value in values) else None
