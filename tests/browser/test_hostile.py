"""What a stranger wrote does nothing: names and texts that look like markup, addresses that look like documents."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs
from tests.browser.stand import Stand

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "\u202etxt.exe",
)
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
}


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A quick upstream."""
    return make_stand()


def test_names_and_texts_are_texts(stand: Stand, visit: Visit) -> None:
    """GIVEN markup as documents' names and texts WHEN each is listed, read and deleted THEN it is shown as it is."""
    for at, hostile in enumerate(HOSTILE):
        stand.upload(f"hostile-{at}", paragraphs(f"{hostile} is what it says.", "And more."), hostile)
    reader = visit(stand)
    opened: list[str] = []
    reader.page.on("dialog", lambda dialog: opened.append(dialog.message))
    reader.open()
    for at, hostile in enumerate(HOSTILE):
        entry = reader.at(f'#documents li[data-id="hostile-{at}"]')
        expect(entry).to_contain_text(hostile)
        entry.locator(".open").click()
        expect(reader.at("#title")).to_have_text(hostile)
        expect(reader.block(0)).to_contain_text(" is what it says.")
        reader.play()
        expect(reader.word).to_be_visible()
        assert reader.at("#text img, #text script, #text svg, #title *, #documents img").count() == 0
        reader.at("#back-to-library").click()
        entry.locator(".delete").click()
        expect(reader.at("#ask")).to_contain_text(hostile)
        reader.page.keyboard.press("Escape")
    assert opened == []


@pytest.mark.parametrize(
    "address", ["#/read/%E0%A4%A", "#/read/../../etc/passwd", "#/read/<img src=x>", "#/read/"]
)
def test_an_address_that_is_no_document_is_told(stand: Stand, visit: Visit, address: str) -> None:
    """GIVEN an address that somebody sent WHEN it is opened THEN a person reads what is wrong, with a way on."""
    reader = visit(stand)
    reader.watched.expect_errors(r"status of 40[04]")
    reader.page.goto(f"{reader.url}/{address}")
    shown = reader.at("#library:visible, #notices [data-kind=error]:visible")
    expect(shown.first).to_be_visible()
    reader.at("#brand").click()
    expect(reader.at("#library")).to_be_visible()


def test_the_page_has_a_strict_policy_and_all_it_loads_is_the_servers(stand: Stand, visit: Visit) -> None:
    """GIVEN the page WHEN it is loaded THEN its policy allows what it needs and no more, and nothing is inline."""
    answer = stand.server.ask("GET", "/")
    policy = answer.headers["content-security-policy"]
    assert {part.strip() for part in policy.split(";") if part.strip()} == POLICY
    reader = visit(stand).open()
    loaded = reader.script("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded
    assert all(name.startswith(f"{reader.url}/") for name in loaded)
    markup = answer.body.decode()
    assert not re.search(r"<(style|iframe|object|embed)|\s(style|on[a-z]+)=|<script(?![^>]*\ssrc=)", markup)


def test_the_policy_is_enforced(stand: Stand, visit: Visit) -> None:
    """GIVEN a script that got in WHEN it writes markup, evaluates, or asks another host THEN the browser refuses."""
    reader = visit(stand).open()
    reader.watched.expect_errors(
        "Content Security Policy", "TrustedHTML", "TrustedScript", "Failed to fetch", "ERR_BLOCKED_BY_CSP"
    )
    refused = reader.script(
        """async () => {
            const tried = {};
            const note = async (name, act) => {
                try { await act(); tried[name] = "done"; } catch (error) { tried[name] = error.name; }
            };
            await note("markup", () => { document.getElementById("title").innerHTML = "<b>x</b>"; });
            await note("ask", () => fetch("http://127.0.0.1:9/"));
            const inline = document.createElement("script");
            await note("inline", () => { inline.textContent = "window.harm = 1"; document.body.append(inline); });
            tried.harm = window.harm ?? null;
            return tried;
        }"""
    )
    assert (refused["markup"], refused["ask"], refused["harm"]) == ("TypeError", "TypeError", None)
    reader.watched.outside.clear()  # it was asked for here, and refused


def test_no_other_page_can_frame_it(stand: Stand, visit: Visit) -> None:
    """GIVEN a page that frames the reader THEN the browser shows nothing of it."""
    reader = visit(stand)
    reader.watched.expect_errors("frame-ancestors", "X-Frame-Options", "Refused to display", "Framing")
    reader.page.set_content(f'<iframe src="{stand.url}/"></iframe>')
    frame = reader.page.frame_locator("iframe")
    reader.page.wait_for_timeout(500)  # that nothing comes is seen by waiting only
    assert frame.locator("#library").count() == 0
