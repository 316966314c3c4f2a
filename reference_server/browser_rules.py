"""What every answer tells a browser, and which requests of a browser are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

RawHeaders = Iterable[tuple[bytes, bytes]]

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""For an API whose answers are neither pages nor parts of another site's page."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def with_security_headers(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with the missing ones of `SECURITY_HEADERS`; what it set itself stays."""
    own = list(headers)
    names = {name.lower() for name, _ in own}
    own.extend(header for header in SECURITY_HEADERS if header[0] not in names)
    return own


def is_cross_site(method: str, headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a page elsewhere makes the browser change something here.

    The browser would send the password that it remembers along. It says by Sec-Fetch-Site where the page is
    from, which no page can set, but only to HTTPS and to this machine; to others it names the page's origin.
    Programs that are no browser send neither.
    """
    if method in _SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site")
    if site:
        return site.lower() == b"cross-site"
    origin = headers.get(b"origin", b"")
    return bool(origin) and origin.lower().partition(b"://")[2] != headers.get(b"host", b"").lower()
