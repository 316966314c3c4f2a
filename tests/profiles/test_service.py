"""A server that lived, and yet did not serve: what the rows must show for it, and what not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles.listener_figures import listener_figures
from profiles.listeners import read_listeners
from profiles.request_figures import request_figures
from profiles.run_folder import REQUEST_COLUMNS, RunFolder
from profiles.service import unserved

HEARD = "1,0,play,200,0,,0.1,first:chunk"


def reasons(
    path: Path, *rows: str, upstream: dict[str, float] | None = None, gap: tuple[float, ...] = ()
) -> list[str]:
    """Why the server of a load of 100 s with these rows is not healthy.

    `upstream`: what that one counted; `gap`: when a soak's own network was lost, and came back.
    """
    (path / "requests.csv").write_text("\n".join([",".join(REQUEST_COLUMNS), *rows]) + "\n")
    events: list[dict[str, object]] = [
        {"t": 0, "event": "load_started"},
        {"t": 100, "event": "load_ended"},
        {"t": 100.1, "event": "upstream", **(upstream or {})},
        *({"t": t, "event": name} for t, name in zip(gap, ("network_lost", "network_back"), strict=False)),
    ]
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    folder = RunFolder(path)
    listeners = read_listeners(folder, tell_highlighting=True)
    return unserved(folder, {**request_figures(folder), **listener_figures(folder, listeners, None)})


def chunks(count: int, *, t: float = 1, status: int = 200, latency_s: float = 0.1) -> list[str]:
    """As many requests for a chunk."""
    return [f"{t},0,chunk,{status},5,{latency_s},0,needed"] * count


def test_a_server_that_serves_is_healthy(tmp_path: Path) -> None:
    """GIVEN blocks that came and played until the end THEN nothing speaks against it."""
    assert reasons(tmp_path, HEARD, *chunks(100), *chunks(3, t=95)) == []


def test_a_page_instead_of_speech_is_a_failure(tmp_path: Path) -> None:
    """GIVEN a proxy that answers 200 with HTML from half way on THEN unhealthy, and it says that it was no speech."""
    page = "60,0,chunk,200,900,0.1,0,needed:unplayable"
    assert reasons(tmp_path, HEARD, *chunks(50), *[page] * 50, *chunks(1, t=99))[0] == (
        "50 of 101 requests for audio failed, 50 of them answered with something that is no speech"
    )


@pytest.mark.parametrize(
    ("gap", "broken"), [((40, 60), 0), ((40,), 0), ((51, 60), 10), ((40, 49), 10), ((), 10)]
)
def test_what_failed_in_a_gap_of_our_own_network_counts_for_nothing(
    tmp_path: Path, gap: tuple[float, ...], broken: int
) -> None:
    """GIVEN requests without an answer at 50 s THEN no failures in a gap around them, and failures beside one."""
    found = reasons(tmp_path, HEARD, *chunks(90), *chunks(10, t=49.9, status=0), *chunks(1, t=99), gap=gap)
    assert found == ([f"{broken} of 101 requests for audio failed"] if broken else [])


def gone_after(path: Path, *events: dict[str, object], t: float = 50.0, status: int = 0) -> list[str]:
    """Why a server is not healthy of whose last ten requests none was answered, beside these events."""
    reasons(path, HEARD, *chunks(90), *chunks(10, t=t, status=status))
    with (path / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    folder = RunFolder(path)
    listeners = read_listeners(folder, tell_highlighting=True)
    return unserved(folder, {**request_figures(folder), **listener_figures(folder, listeners, None)})


LOST = {"t": 60, "event": "network_lost", "heard_t": 45}


def test_a_gap_begins_when_somebody_was_heard_last(tmp_path: Path) -> None:
    """GIVEN a gap that was noticed at 60 s, nobody heard since 45 THEN what failed at 50 counts for nothing."""
    back = {"t": 70, "event": "network_back"}
    assert gone_after(tmp_path, LOST, back) == []
    assert gone_after(tmp_path, {**LOST, "heard_t": 55}, back) == ["10 of 100 requests for audio failed"]


def test_a_request_that_was_sent_in_a_gap_may_fail_long_after_it(tmp_path: Path) -> None:
    """GIVEN requests that hung since a gap THEN they count for nothing; those that were sent after it do."""
    gap = ({"t": 10, "event": "network_lost"}, {"t": 20, "event": "network_back"})
    hung = chunks(10, t=19, status=0, latency_s=60)
    reasons(tmp_path, HEARD, *chunks(90), *hung, *chunks(1, t=99))
    events = (tmp_path / "events.jsonl").read_text()
    (tmp_path / "events.jsonl").write_text(events + "".join(json.dumps(event) + "\n" for event in gap))
    folder = RunFolder(tmp_path)
    figures = {**request_figures(folder), "blocks_played": 1}
    assert unserved(folder, figures) == []


def test_a_gap_that_a_killed_soak_left_open_ends_where_it_goes_on(tmp_path: Path) -> None:
    """GIVEN a soak that was killed in a gap, and went on THEN what fails later is a failure."""
    part = {"t": 80, "event": "part_started"}
    assert gone_after(tmp_path, LOST, part, t=85) != []
    assert gone_after(tmp_path, LOST, part, t=70) == []


def test_a_gap_at_the_end_is_no_servers_fault(tmp_path: Path) -> None:
    """GIVEN failures alone in the last tenth, our own network gone then THEN nothing speaks against the server."""
    assert gone_after(tmp_path, {**LOST, "t": 92, "heard_t": 90}, t=95) == []
    assert gone_after(tmp_path, {**LOST, "t": 92, "heard_t": 90}, t=95, status=502) != []


def test_an_answer_in_a_gap_is_one(tmp_path: Path) -> None:
    """GIVEN refusals with a status, and answers, in a gap THEN they count: somebody was reached."""
    found = reasons(
        tmp_path, HEARD, *chunks(90, t=50), *chunks(10, t=50, status=500), *chunks(1, t=99), gap=(40, 60)
    )
    assert found == ["10 of 101 requests for audio failed"]


def test_speech_that_nobody_heard_is_no_service(tmp_path: Path) -> None:
    """GIVEN chunks that are all missing, and no block played THEN unhealthy although no request failed."""
    assert reasons(tmp_path, *chunks(20, status=404)) == [
        "not one block was played, of 20 requests for audio"
    ]


@pytest.mark.parametrize(("failed", "gone"), [(2, False), (3, True)])
def test_a_host_that_vanished_before_the_end(tmp_path: Path, failed: int, gone: bool) -> None:  # noqa: FBT001
    """GIVEN failures alone in the last tenth, few among all THEN a block's three attempts tell, two do not."""
    found = reasons(tmp_path, HEARD, *chunks(1000), *chunks(failed, t=91, status=0))
    none = "no request for audio succeeded in the last 10 s of the load"
    assert found == ([f"{none}: 3 failed, readers who waited all through it: 0"] if gone else [])


def test_one_success_at_the_end_is_service(tmp_path: Path) -> None:
    """GIVEN a request of before that was answered in the last tenth THEN the server was there."""
    slow = chunks(1, t=85, latency_s=5.1)
    assert reasons(tmp_path, HEARD, *chunks(1000), *chunks(5, t=95, status=0), *slow) == []


def test_a_host_that_answers_nothing_any_more(tmp_path: Path) -> None:
    """GIVEN readers whose requests hang until they leave THEN they waited all through the end: unhealthy."""
    hanging = [*chunks(2, t=80, status=499, latency_s=20), "100,0,play,0,0,,20,never"]
    assert "readers who waited all through it: 1" in reasons(tmp_path, HEARD, *chunks(1000), *hanging)[0]


def test_leaving_is_no_failure(tmp_path: Path) -> None:
    """GIVEN readers who leave with a request just sent, or play what they hold THEN the server is not blamed."""
    leaving = [*chunks(5, t=99, status=499), "100,0,play,0,0,,1,never", "95,0,play,200,0,,0,cache"]
    assert reasons(tmp_path, HEARD, *chunks(100), *leaving) == []


CUT = {"upstream_requests": 20.0, "upstream_faulted": 7.0, "upstream_faulted_cut": 7.0}


def test_failures_that_were_ordered_are_told_as_that_and_are_failures_still(tmp_path: Path) -> None:
    """GIVEN an upstream that was ordered to cut answers off THEN unhealthy, and the first line says who was to fail."""
    rows = [*chunks(8), *chunks(8, t=99, status=502)]
    first, second = reasons(tmp_path, HEARD, *rows, upstream=CUT)
    assert first == ("8 of 16 requests for audio failed; the upstream was ordered to fail 7 of 20 (cut)")
    assert "ordered" not in second


def test_ordered_faults_speak_against_nobody_who_served(tmp_path: Path) -> None:
    """GIVEN faults that the server got over THEN it is healthy."""
    assert reasons(tmp_path, HEARD, *chunks(16, t=99), upstream=CUT) == []


def own_load(path: Path, *rows: str) -> list[str]:
    """Why a server is not healthy at which somebody's own load sent these, for 100 s."""
    reasons(path, *rows)
    folder = RunFolder(path)
    return unserved(folder, {"load_kind": "command", **request_figures(folder, reading=False)})


def gets(count: int, *, t: float = 1, status: int | str = 200) -> list[str]:
    """As many requests of a load that is a command."""
    return [f"{t},v,get,{status},,,,"] * count


def test_failures_of_a_load_of_one_s_own_are_told_by_status(tmp_path: Path) -> None:
    """GIVEN more than 1 % of failures THEN unhealthy, by status; a session, or no status, counts for nothing."""
    assert own_load(tmp_path, *gets(99), *gets(1, status=503), *gets(5, status=""), "2,v,session,,,,,") == []
    assert own_load(tmp_path, *gets(90), *gets(6, status=503), *gets(2, status=0), "2,v,session,,,,,") == [
        "8 of 98 requests failed: 6 503, 2 had no answer"
    ]


def test_a_server_that_went_away_from_a_load_of_one_s_own(tmp_path: Path) -> None:
    """GIVEN failures alone in the last tenth, few among all THEN that is said; nothing sent then is no failure."""
    assert own_load(tmp_path, *gets(999), *gets(3, t=95, status=502)) == [
        "no request succeeded in the last 10 s of the load: 3 failed"
    ]
    assert own_load(tmp_path, *gets(999), *gets(2, t=95, status=502)) == []
    assert own_load(tmp_path, *gets(10)) == []
    assert own_load(tmp_path) == []
