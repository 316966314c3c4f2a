"""Light and dark: the system's until a person chooses, then the choice, in all tabs and on the next visit."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """An empty server."""
    return make_stand()


def is_dark(reader: ReaderPage) -> bool:
    """Whether the page's ground is darker than its letters."""
    light = """name => {
        const found = getComputedStyle(document.body)[name].match(/[\\d.]+/g).slice(0, 3).map(Number);
        return found.reduce((sum, part) => sum + part, 0);
    }"""
    return bool(reader.script(light, "backgroundColor") < reader.script(light, "color"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_systems_theme_is_the_pages_until_one_is_chosen(stand: Stand, visit: Visit, scheme: str) -> None:
    """GIVEN a system that is light or dark WHEN the switch is pressed THEN the page is the other, and stays it."""
    reader = visit(stand, color_scheme=scheme).open()
    assert is_dark(reader) == (scheme == "dark")
    reader.at("#theme").click()
    assert is_dark(reader) == (scheme == "light")
    expect(reader.at("#theme")).to_have_attribute("aria-pressed", str(scheme == "light").lower())
    reader.page.reload()
    expect(reader.at("html[data-ready]")).to_be_attached()
    assert is_dark(reader) == (scheme == "light")


def test_the_page_follows_a_system_that_changes_at_dusk(stand: Stand, visit: Visit) -> None:
    """GIVEN no choice WHEN the system becomes dark THEN the page does, and the switch says so."""
    reader = visit(stand, color_scheme="light").open()
    reader.page.emulate_media(color_scheme="dark")
    expect(reader.at("#theme")).to_have_attribute("aria-pressed", "true")
    assert is_dark(reader)


def test_nothing_moves_for_whoever_wants_that(stand: Stand, visit: Visit) -> None:
    """GIVEN a system that asks for less movement THEN nothing on the page has an animation or a transition."""
    reader = visit(stand, reduced_motion="reduce").open()
    moving = reader.script(
        """() => [...document.querySelectorAll("*")].filter((node) => {
            const {transitionDuration, animationName} = getComputedStyle(node);
            return animationName !== "none" || transitionDuration.split(",").some((one) => parseFloat(one) > 0.01);
        }).map((node) => node.id || node.className || node.tagName)"""
    )
    assert moving == []
