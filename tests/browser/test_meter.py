"""The memory meter: the server's own numbers, live, against the 2 GB line and the limit."""

from __future__ import annotations

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import long_blocks
from tests.browser.stand import Stand

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A server with its real aligner."""
    return make_stand("--latency", "0.2", ALIGNER="embedded")


def test_the_server_s_memory_is_what_the_kernel_says(stand: Stand, visit: Visit) -> None:
    """GIVEN a server WHEN the meter shows its memory THEN it is its RSS, as /proc has it at that time."""
    reader = visit(stand).open()
    expect(reader.at("#meter-server")).to_have_text(re.compile(r"^\d+ MB$"))
    shown = int(reader.at("#meter-server").inner_text().split()[0])
    rss = psutil.Process(stand.server.process.pid).memory_info().rss / MIB
    assert abs(shown - rss) <= 5
    expect(reader.at("#meter-vm")).to_contain_text(re.compile(r"\d .* of .*\d"))


def test_aligners_at_work_are_counted_while_a_block_is_read_live(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is read live WHEN words are timed THEN the meter counts an aligner, and none afterwards."""
    stand.upload("live", long_blocks(2))
    reader = visit(stand).read("live")
    expect(reader.at("#meter-aligners")).to_have_text("0")
    reader.play()
    expect(reader.at("#meter-aligners")).to_have_text(re.compile("[12]"), timeout=20_000)
    reader.pause()
    expect(reader.at("#meter-aligners")).to_have_text("0", timeout=30_000)


def test_the_panel_tells_more_and_draws_the_line(stand: Stand, visit: Visit) -> None:
    """GIVEN the meter WHEN it is opened THEN limit, children and a picture are there, and Escape closes it."""
    reader = visit(stand).open()
    expect(reader.at("#meter")).to_have_attribute("data-state", re.compile("under|over"))  # as the machine is
    reader.at("#meter-button").click()
    expect(reader.at("#meter-panel")).to_be_visible()
    expect(reader.at("#meter-panel-limit")).to_contain_text("GB")
    expect(reader.at("#meter-picture")).to_have_attribute("aria-label", re.compile("The line is at 2 GB"))
    expect(reader.at("#meter-verdict")).to_contain_text("the 2 GB line")
    reader.page.keyboard.press("Escape")
    expect(reader.at("#meter-panel")).to_be_hidden()
    expect(reader.at("#meter-button")).to_be_focused()


def test_one_stream_is_open_and_none_while_the_tab_is_closed(stand: Stand, visit: Visit) -> None:
    """GIVEN a page WHEN it goes from the library to a document and back THEN one stream was asked for each time."""
    stand.upload("streamed", long_blocks(1))
    reader = visit(stand).open()
    reader.read("streamed")
    expect(reader.at("#meter-server")).to_contain_text("MB")
    streams = reader.watched.paths("GET /api/events")
    assert streams[-1] == "/api/events?documentId=streamed"
    assert len(streams) <= 2


def test_a_connection_that_is_lost_and_found_is_told_once_each(stand: Stand, visit: Visit) -> None:
    """GIVEN the meter WHEN the server is gone for some tries, and back THEN each is said once to who hears the page."""
    reader = visit(stand).open()
    reader.watched.expect_errors("ERR_")
    expect(reader.at("#meter-server")).to_contain_text("MB")
    expect(reader.at("#meter-said")).not_to_contain_text("onnect")
    reader.script(
        """() => {
            const said = document.getElementById("meter-said");
            window.told = [];
            new MutationObserver(() => told.push(said.textContent)).observe(said, {childList: true});
        }"""
    )
    stand.kill()
    expect(reader.at("#meter-said")).to_contain_text("No connection to the server")
    for _ in range(2):
        reader.page.wait_for_event("requestfailed", lambda request: "/api/events" in request.url)
    stand.start_again()
    expect(reader.at("#meter")).not_to_have_attribute("data-state", "gone")
    told = [text for text in reader.script("told") if "onnect" in text]
    assert [text.partition(".")[0] for text in told] == [
        "No connection to the server",
        "Connected to the server again",
    ]
