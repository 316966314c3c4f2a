"""What browsers are told, and which of their requests are refused."""

import pytest

from reference_server.browser_rules import SECURITY_HEADERS, is_cross_site, with_security_headers


def test_an_answer_gets_every_security_header() -> None:
    """GIVEN an answer with headers of its own WHEN it goes out THEN all of them are there, its own first."""
    headers = with_security_headers([(b"content-type", b"text/plain")])
    assert headers == [(b"content-type", b"text/plain"), *SECURITY_HEADERS]


def test_what_an_answer_sets_itself_stays() -> None:
    """GIVEN a page with a policy of its own WHEN it goes out THEN that one is sent, and only that one."""
    own = (b"Content-Security-Policy", b"default-src 'self'")
    headers = with_security_headers([own])
    assert [value for name, value in headers if name.lower() == b"content-security-policy"] == [own[1]]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "CONNECT"])
@pytest.mark.parametrize("site", [b"cross-site", b"Cross-Site"])
def test_a_page_elsewhere_may_change_nothing(method: str, site: bytes) -> None:
    """The browser says where the page is from, and no page can make it say otherwise."""
    assert is_cross_site(method, {b"sec-fetch-site": site})


@pytest.mark.parametrize(
    ("method", "site"),
    [("GET", b"cross-site"), ("HEAD", b"cross-site"), ("OPTIONS", b"cross-site")]
    + [("POST", site) for site in (b"same-origin", b"same-site", b"none", b"")],
)
def test_what_changes_nothing_or_comes_from_here_is_let_in(method: str, site: bytes) -> None:
    """Looking is free, and so is the reader's own page."""
    assert not is_cross_site(method, {b"sec-fetch-site": site} if site else {})


@pytest.mark.parametrize(
    "origin", [b"http://evil.example", b"http://192.168.0.5:9000", b"http://192.168.0.5", b"null"]
)
def test_without_the_browsers_word_the_pages_origin_counts(origin: bytes) -> None:
    """GIVEN plain HTTP to another machine, to which no Sec-Fetch-Site goes WHEN a page posts THEN it must be ours."""
    headers = {b"origin": origin, b"host": b"192.168.0.5:8003"}
    assert is_cross_site("POST", headers)
    assert not is_cross_site("GET", headers)
    assert not is_cross_site("POST", headers | {b"origin": b"http://192.168.0.5:8003"})
    assert not is_cross_site("POST", headers | {b"sec-fetch-site": b"same-origin"})
    assert not is_cross_site("POST", {b"host": b"192.168.0.5:8003"})
