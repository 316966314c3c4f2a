"""The page of metrics: what is on it, that it is well formed, and that a client cannot make it grow."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.datastructures import State
from starlette.testclient import TestClient

from reference_server.metrics import Metrics, method_label, route_label

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"


def _values(client: TestClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for sample in samples
    }


def test_everything_that_is_promised_is_on_the_page_and_nothing_else(client: TestClient) -> None:
    """GIVEN docs/reference/metrics.md WHEN the server is scraped THEN it tells what is written there."""
    written = set(re.findall(r"`(reader_\w+)`", PAGE.read_text())) - {"reader_"}
    families = text_string_to_metric_families(client.get("/metrics").text)
    told = {family.name + "_total" * (family.type == "counter") for family in families}
    assert told == written


def test_the_page_shows_what_the_server_holds(client: TestClient) -> None:
    """GIVEN calls, blocks and a store WHEN it is scraped THEN the numbers are theirs."""
    state = client.app.state  # type: ignore[attr-defined]
    state.speech.outcomes["ok"] += 3
    state.metrics.count_live("INFLIGHT")
    state.metrics.count_cached("stale")
    state.metrics.count_cached("stale")
    values = _values(client)
    assert values["reader_upstream_calls_total ok"] == 3
    assert values["reader_blocks_served_total live inflight"] == 1
    assert values["reader_blocks_served_total cached stale"] == 2
    assert values["reader_store_max_bytes"] == state.settings.store_max_bytes
    assert values["reader_jobs"] == values["reader_aligners_waiting"] == values["reader_store_documents"] == 0
    assert values["reader_process_resident_memory_bytes"] > 10_000_000


def test_two_applications_count_apart() -> None:
    """A registry of its own: no test and no second application mixes with another."""
    first, second = Metrics(), Metrics()
    first.count_live("HIT")
    assert b'mode="live"' not in _exposed(second)
    assert b'reader_blocks_served_total{mode="live",outcome="hit"} 1.0' in _exposed(first)


def _exposed(metrics: Metrics) -> bytes:
    from prometheus_client import generate_latest  # noqa: PLC0415

    return generate_latest(metrics._registry)


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "get", "", "M-SEARCH", "x" * 1000])
def test_methods_that_no_route_knows_are_one_label(method: str) -> None:
    """However many a client makes up."""
    assert method_label(method) == "other"
    assert route_label(None) == "other"


def test_child_processes_are_counted_with_what_they_hold(client: TestClient) -> None:
    """GIVEN a child WHEN it is counted THEN its memory is in the sum, and after its end it is not."""
    before = _values(client)
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        during = _values(client)
        child.kill()
    assert during["reader_children"] == before["reader_children"] + 1
    held = "reader_children_resident_memory_bytes"
    assert during[held] > before[held]
    assert _values(client)["reader_children"] == before["reader_children"]


def test_live_speech_is_counted_by_where_it_came_from(
    client: TestClient, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN the same text twice, and once with its tag WHEN it is scraped THEN that is one miss and two hits."""

    async def synthesize(_request: object, _api_key: object) -> bytes:
        return mp3

    monkeypatch.setattr(client.app.state.speech, "synthesize", synthesize)  # type: ignore[attr-defined]
    body = {"text": "a", "voice": "b", "speed": 1}
    tag = client.post("/api/tts", json=body).headers["etag"]
    assert client.post("/api/tts", json=body).status_code == 200
    assert client.post("/api/tts", json=body, headers={"If-None-Match": tag}).status_code == 304
    values = _values(client)
    assert values["reader_blocks_served_total live miss"] == 1
    assert values["reader_blocks_served_total live hit"] == 2


def test_scrapes_at_the_same_time_do_not_mix(client: TestClient) -> None:
    """GIVEN several scrapes at once WHEN they are answered THEN each page is whole."""
    state: State = client.app.state  # type: ignore[attr-defined]
    metrics: Metrics = state.metrics

    async def scrape() -> list[bytes]:
        return await asyncio.gather(*(metrics.page(state) for _ in range(5)))

    assert client.portal is not None
    pages: list[bytes] = client.portal.call(scrape)
    assert all(page.count(b"# TYPE reader_jobs gauge") == 1 for page in pages)
