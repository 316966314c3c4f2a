import json
from collections.abc import Callable
from pathlib import Path

import pytest

from profiles.attach import Until
from profiles.errors import OomproofError, RunError
from profiles.event_log import EventLog
from profiles.remote_page import Fetcher, Page, Remote
from profiles.remote_recorder import RemoteRecorder, check_page, restarted, watch_remote
from profiles.run_folder import Event, RunFolder
from profiles.verdict import judge
from tests.profiles.web import says, serving

MIB = 1024 * 1024


def page(rss_mb: float = 60, started: float = 100.0, cpu_s: float = 5.0, children: int = 1) -> bytes:
    """A page like the reference server's."""
    return (
        f"reader_process_resident_memory_bytes {rss_mb * MIB}\nreader_process_start_time_seconds {started}\n"
        f"reader_process_cpu_seconds_total {cpu_s}\nreader_process_open_fds 12\n"
        f"reader_children {children}\nreader_children_resident_memory_bytes {children * 10 * MIB}\n"
    ).encode()


def looks(folder: Path, *answers: bytes | int) -> RunFolder:
    """A folder after a look at each of these answers; a number is a status."""
    events = EventLog(folder)
    with serving(says(200)) as web:
        recorder = RemoteRecorder(folder, Fetcher(Remote(f"{web.url}/metrics")), events)
        for answer in answers:
            web.answer = says(answer) if isinstance(answer, int) else says(200, answer)
            recorder.look(0.0)
    events.close()
    return RunFolder(folder)


def named(folder: RunFolder) -> list[str]:
    """The names of its events."""
    return [event.event for event in folder.events]


def test_a_page_becomes_a_sample(tmp_path: Path) -> None:
    """GIVEN the page THEN server, children, processes, CPU and open files; what it does not say stays empty."""
    (sample,) = looks(tmp_path, page()).samples
    assert (sample.server_rss_bytes, sample.children_rss_bytes) == (60 * MIB, 10 * MIB)
    assert (sample.processes, sample.cpu_s, sample.server_fds) == (2, 5.0, 12)
    assert (sample.vm_bytes, sample.oom_kills, sample.load_rss_bytes) == (None, None, None)


def test_a_column_that_the_page_lacks_is_said_once(tmp_path: Path) -> None:
    """GIVEN a page with memory alone THEN the rest is empty, never zero, and the reason stands once."""
    folder = looks(tmp_path, *[b"process_resident_memory_bytes 5\n"] * 3)
    assert [(sample.cpu_s, sample.processes, sample.children_rss_bytes) for sample in folder.samples] == [
        (None, None, None)
    ] * 3
    told = [event.facts["columns"] for event in folder.named("unmeasured")]
    assert told == [["cpu_s"], ["server_fds"]]


def test_a_restart_is_seen_by_the_start_time(tmp_path: Path) -> None:
    """GIVEN a start time that moved THEN the server ended, nobody knows how, and was restarted; CPU time goes on."""
    folder = looks(
        tmp_path, page(cpu_s=5), page(cpu_s=6), page(started=200, cpu_s=1), page(started=200, cpu_s=2)
    )
    assert named(folder) == ["exited", "restarted"]
    assert folder.named("exited")[0].facts["returncode"] is None
    assert [sample.cpu_s for sample in folder.samples] == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("before", "now", "anew"),
    [
        ((100.0, 5.0), (100.0, 6.0), False),
        ((100.0, 5.0), (101.5, 6.0), False),
        ((100.0, 5.0), (103.0, 0.1), True),
        ((100.0, 5.0), (90.0, 6.0), True),
        ((None, 5.0), (None, 6.0), False),
        ((None, 5.0), (None, 0.1), True),
        ((100.0, 5.0), (None, 0.1), True),
        ((None, None), (None, None), False),
    ],
)
def test_a_restart_is_told_from_a_clock_that_was_set(
    before: tuple[float | None, float | None],
    now: tuple[float | None, float | None],
    anew: bool,  # noqa: FBT001
) -> None:
    """GIVEN start times and CPU times THEN a restart is a start that moved, or else a counter that fell."""

    def of(facts: tuple[float | None, float | None]) -> Page:
        return Page(1.0, None, None, facts[1], None, facts[0])

    assert restarted(of(before), of(now)) is anew


def test_an_outage_is_two_events_and_no_samples(tmp_path: Path) -> None:
    """GIVEN a page that fails three times, each in another way THEN when it began and ended, and that it was thrice."""
    folder = looks(
        tmp_path, page(), 503, b"<html>sorry</html>", b"process_resident_memory_bytes NaN\n", page()
    )
    assert named(folder) == ["unreachable", "reachable"]
    assert folder.named("unreachable")[0].text("reason") == "status 503"
    assert folder.named("reachable")[0].facts["failed"] == 3
    assert len(folder.samples) == 2


def test_a_server_that_died_died_when_it_fell_silent(tmp_path: Path) -> None:
    """GIVEN an outage that a restart explains THEN the end is noted for when the outage began."""
    folder = looks(tmp_path, page(), 502, page(started=200))
    end, silent = folder.named("exited")[0], folder.named("unreachable")[0]
    assert end.t == pytest.approx(silent.t, abs=1e-3)
    assert folder.named("restarted")[0].t > end.t


def watched(folder: Path, seconds: float, during: Callable[[], None] = lambda: None) -> Event | None:
    """The health event of a run that watched a page for so long."""
    with serving(says(200, page())) as web:
        shown: list[str] = []

        def tell(text: str) -> None:
            shown.append(text)
            during()

        watch_remote(Remote(f"{web.url}/metrics"), "remote", folder, Until(seconds), tell)
        assert any("70 MB" in text for text in shown)
    return RunFolder(folder).named("health")[0]


def test_a_watched_server_that_lives_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a server that answers all the time THEN it survived; the run says what was watched, and no machine."""
    monkeypatch.setattr("profiles.remote_recorder.INTERVAL_S", 0.01)
    health = watched(tmp_path / "run", 0.1)
    assert health is not None
    assert (health.facts["ok"], health.facts["path"]) == (True, "/metrics")
    record = judge(tmp_path / "run")
    assert (record.verdict, record.met, record.load_kind) == ("survived", True, "none")
    assert (record.vm_backend, record.vm_memory_mb, record.peak_tree_rss_mb) == ("remote", None, 70.0)
    assert record.requests is None
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["machine"] == {}
    assert run["target"]["kind"] == "remote"


def written(folder: Path, *answers: bytes | int) -> RunFolder:
    """A run folder as `watch_remote` leaves it after these answers."""
    looked = looks(folder, *answers)
    silent = isinstance(answers[-1], int)
    t = looked.samples[0].t
    lines = [json.dumps(dict(event.facts)) for event in looked.events]
    begin = [
        {"t": t - 0.01, "event": "recording", "kernel_log_readable": False},
        {"t": t - 0.01, "event": "load_started"},
    ]
    end = [
        {"t": t + 9, "event": "load_ended", "reason": "the time was over"},
        {"t": t + 9, "event": "health", "ok": not silent, "path": "/metrics"},
        {"t": t + 9, "event": "recorded", "owner_gone": False},
    ]
    (folder / "events.jsonl").write_text(
        "\n".join([*map(json.dumps, begin), *lines, *map(json.dumps, end)]) + "\n"
    )
    run = {
        "scenario": {
            "name": "remote", "description": "", "target": {}, "load": {"kind": "none"},
            "expect": {"verdict": "survived"},
        },
        "vm": {"backend": "remote", "memory_mb": None, "cpus": None, "share_of_core": None, "emulated": False},
        "upstream": "none",
        "target": {"kind": "remote", "what": "http://x/metrics"},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    return RunFolder(folder)


@pytest.mark.parametrize(
    ("answers", "verdict", "evidence"),
    [
        ((page(), 503, page()), "survived", "times it could not be reached: 1; the last one: status 503"),
        ((page(), 503), "unhealthy", "server: did not answer /metrics after the load"),
        (
            (page(), page(started=200)),
            "invalid",
            "server: it ended, and nobody can tell how (exit status unknown)",
        ),
    ],
    ids=["outage", "gone", "restart"],
)
def test_what_a_network_hides_is_not_called_a_crash(
    tmp_path: Path, answers: tuple[bytes | int, ...], verdict: str, evidence: str
) -> None:
    """GIVEN a gap, silence at the end, or a restart THEN each has its own verdict; a gap is no starved machine."""
    record = judge(written(tmp_path, *answers).path)
    assert (record.verdict, evidence in record.evidence) == (verdict, True), record.evidence


def test_a_wrong_page_is_found_out_before_anything_is_written() -> None:
    """GIVEN nobody there, or a page that says nothing of memory THEN one line, and what to give."""
    with pytest.raises(RunError, match=r"/m: .*refused.*\. See to --url, --metrics and --header\."):
        check_page(Remote("http://127.0.0.1:9/m"))
    with serving(says(200, b"<html></html>")) as web:
        with pytest.raises(
            OomproofError, match=r"says no process_resident_memory_bytes\. Give the Prometheus"
        ):
            check_page(Remote(web.url))
        web.answer = says(200, page())
        check_page(Remote(web.url))
