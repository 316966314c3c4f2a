"""Without a mouse: every control is reached in order, seen when it has the focus, and does what it says."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import long_blocks, paragraphs, sentence, short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

FOCUS = """() => {
    const at = document.activeElement;
    const box = at.getBoundingClientRect();
    const outlines = [getComputedStyle(at), getComputedStyle(at, "::after")];
    if (at.closest("label")) outlines.push(getComputedStyle(at.closest("label")));
    return {
        id: at.id, name: at.className, tag: at.tagName,
        outlined: outlines.some((one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) >= 2),
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
}"""
"""What has the focus; whether an outline shows it, on itself, on what it spreads over its box, or on its label."""
MOST_STOPS = 60


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A document of three pages, made, and a text of four blocks, made."""
    stand = make_stand()
    stand.upload("pages", short_pages(3), "Pages.pdf")
    stand.make("pages")
    stand.upload("blocks", paragraphs(*map(sentence, range(4))), "Blocks.txt")
    stand.make("blocks")
    return stand


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until this has the focus; wherever it stops on the way must be seen."""
    for _ in range(MOST_STOPS):
        page.keyboard.press(key)
        at = page.evaluate(FOCUS)
        if at["tag"] != "BODY":
            assert at["outlined"], at
            assert at["inside"], at
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by {key}")


def test_a_document_is_opened_made_and_played_by_keys_alone(make_stand: MakeStand, visit: Visit) -> None:
    """GIVEN the library WHEN only keys are pressed THEN a document is opened, made ahead, played, and left again."""
    stand = make_stand()
    stand.upload("keys", short_pages(3), "Keys.pdf")
    reader = visit(stand).open()
    keys = reader.page.keyboard
    tab_to(reader.page, "#documents .open")
    keys.press("Enter")
    expect(reader.block(0)).to_be_visible()
    tab_to(reader.page, "#pregenerate")
    keys.press("Enter")
    expect(reader.at('#ask input[value="all"]')).to_be_focused()
    keys.press("ArrowDown")
    expect(reader.at('#ask input[value="page"]')).to_be_checked()
    keys.press("ArrowUp")
    tab_to(reader.page, '#ask [data-value="start"]')
    keys.press("Enter")
    reader.expect_state("done")
    tab_to(reader.page, "#play")
    keys.press("Enter")
    reader.until_it_sounds()
    tab_to(reader.page, "#back-to-library", "Shift+Tab")
    keys.press("Enter")
    expect(reader.at("#library")).to_be_visible()


def test_space_and_arrows_play_and_go_from_block_to_block(stand: Stand, visit: Visit) -> None:
    """GIVEN a document WHEN space, arrows, and arrows with Shift are pressed THEN it plays, steps, and turns pages."""
    reader = visit(stand).read("pages")
    keys = reader.page.keyboard
    keys.press("Space")
    reader.until_it_sounds()
    keys.press("Space")
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")
    keys.press("ArrowRight")
    reader.expect_spoken(2, 0)
    keys.press("ArrowLeft")
    reader.expect_spoken(1, 0)
    keys.press("Shift+ArrowRight")
    reader.expect_spoken(2, 0)
    keys.press("Shift+ArrowLeft")
    reader.expect_spoken(1, 0)


def test_space_presses_the_button_that_has_the_focus_and_nothing_else(stand: Stand, visit: Visit) -> None:
    """GIVEN the focus on a control WHEN space or an arrow is pressed THEN it is the control's, not the player's."""
    reader = visit(stand).read("blocks")
    tab_to(reader.page, "#theme")
    reader.page.keyboard.press("Space")
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")
    reader.at("#page-number").focus()
    reader.page.keyboard.press("ArrowRight")
    reader.expect_spoken(1, 0)
    reader.at("#rate").focus()
    reader.page.keyboard.press("ArrowDown")
    reader.expect_spoken(1, 0)


def test_enter_on_a_block_plays_it(stand: Stand, visit: Visit) -> None:
    """GIVEN the block that has the focus WHEN Enter is pressed THEN it plays."""
    reader = visit(stand).read("blocks")
    reader.page.keyboard.press("ArrowRight")
    tab_to(reader.page, ".block.spoken")
    reader.page.keyboard.press("Enter")
    reader.until_it_sounds()
    reader.expect_spoken(1, 1)


@pytest.mark.parametrize("way", [("#play", "Tab"), ("#voice", "Tab"), ("#settings-button", "Shift+Tab")])
def test_the_focus_on_a_control_does_not_move_the_text(
    stand: Stand, visit: Visit, way: tuple[str, str]
) -> None:
    """GIVEN a page longer than the window, scrolled to its middle WHEN a control of the edges has the focus.

    THEN the text stays where it is.
    """
    stand.upload("long", long_blocks(9))
    reader = visit(stand).read("long")
    reader.script("scrollTo(0, 200)")
    reader.block(0).evaluate("block => block.focus({preventScroll: true})")
    for _ in range(MOST_STOPS):
        reader.page.keyboard.press(way[1])
        if reader.script("selector => document.activeElement.matches(selector)", way[0]):
            break
    expect(reader.at(way[0])).to_be_focused()
    reader.page.wait_for_timeout(200)  # that nothing moves is seen by waiting only
    assert reader.script("scrollY") == 200


@pytest.mark.parametrize("opener", ["#settings-button", "#pregenerate"])
def test_a_dialog_keeps_the_focus_and_gives_it_back(stand: Stand, visit: Visit, opener: str) -> None:
    """GIVEN a dialog WHEN Tab is pressed on and on THEN the focus stays in it, and Escape returns it to the button."""
    stand.upload("dialog", paragraphs(sentence(1)))
    reader = visit(stand).read("dialog")
    tab_to(reader.page, opener)
    reader.page.keyboard.press("Enter")
    expect(reader.at("dialog[open]")).to_be_visible()
    for _ in range(20):
        reader.page.keyboard.press("Tab")
        assert reader.script(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    reader.page.keyboard.press("Escape")
    expect(reader.at(opener)).to_be_focused()


def test_the_first_stop_skips_to_the_content(stand: Stand, visit: Visit) -> None:
    """GIVEN a page just loaded WHEN Tab and Enter are pressed THEN the focus is in the content."""
    reader = visit(stand).read("blocks")
    address = reader.page.url
    reader.page.keyboard.press("Tab")
    expect(reader.at("#skip")).to_be_focused()
    reader.page.keyboard.press("Enter")
    expect(reader.at("#main")).to_be_focused()
    assert reader.page.url == address


def test_keys_do_nothing_in_the_library(stand: Stand, visit: Visit) -> None:
    """GIVEN the library WHEN space and arrows are pressed THEN nothing plays and nothing breaks."""
    reader: ReaderPage = visit(stand).open()
    for key in ("Space", "ArrowRight", "Shift+ArrowLeft", "Escape"):
        reader.page.keyboard.press(key)
    expect(reader.at("#library")).to_be_visible()
    assert reader.script("document.getElementById('audio').paused")
