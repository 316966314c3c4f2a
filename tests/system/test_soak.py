"""`oomproof soak` against a local stand-in for Fly: what it says of a real server in a VM, held against the truth."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from profiles.run_folder import Event
from tests.browser.documents import long_blocks
from tests.fly.soaking import Soak, soaking
from tests.fly.stand_in import StandIn, await_app, standing_in

pytestmark = pytest.mark.kernel

INTERVAL_S = 1.0
QUICK = ("--interval", f"{INTERVAL_S:g}s", "--most-restarts", "1000")
WATCHING = ("--readers", "0")
CACHED_FOR_S = float(os.environ.get("SOAK_CACHED_S", "110"))
"""In CI the shortest that tells growth, at a look a second; `make soak-hour` is the hour."""
MOST_RISE_MB = 2.0
"""More than this from the third quarter of its life to the last is no flat client."""


@dataclass(frozen=True)
class Reading:
    """A soak that reads, and the stand-in that it reads from."""

    soak: Soak
    fly: StandIn


@pytest.fixture(scope="module", autouse=True)
def crashing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Reading | None]:
    """A soak of live mode on a small VM, which goes on while the tests are run that need no time of the VM's."""
    if not any(
        item.name == test_a_crash_cycle_is_seen_and_each_kill_explained.__name__
        for item in request.session.items
    ):
        yield None
        return
    folder: Path = tmp_path_factory.mktemp("crashing")
    vm = ("--memory", "640MB", "--env", "ALIGNERS=0", "--pace", "10", "--scrape-s", "1", "--pause-s", "2")
    out = folder / "soak"
    reading = ("--mode", "live", "--readers", "24", "--pace", "10", "--for", "1h", "--out", str(out))
    with (
        standing_in(folder / "fly", *vm) as fly,
        soaking(out, fly.environment, *fly.options, *QUICK, *reading) as soak,
    ):
        yield Reading(soak, fly)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """An app that nobody reads from: for what a soak is told wrong, and what it must not take for a death."""
    folder: Path = tmp_path_factory.mktemp("fly")
    with standing_in(folder, "--memory", "512MB", "--scrape-s", "1", "--pause-s", "1") as running:
        yield running


@pytest.fixture
def fly(machine: StandIn) -> Iterator[StandIn]:
    """The same, awake and with a right clock."""
    yield machine
    machine.set(skew_s=0, lag_s=0, broken=False)
    wake(machine)


def wake(fly: StandIn) -> None:
    """Start its machine, unless it runs."""
    if fly.truth()["state"] == "stopped":
        fly.order("start")
    await_app(fly)


def begun(fly: StandIn, out: Path, *options: str) -> tuple[list[str], Path]:
    """The options of a soak that watches only, and its folder."""
    return [*fly.options, *WATCHING, *QUICK, *options, "--out", str(out)], out


def sampled(soak: Soak, more: int) -> Callable[[], bool]:
    """Whether so many more samples than now were written."""
    enough = (len(soak.folder.samples) if soak.is_begun else 0) + more
    return lambda: soak.is_begun and len(soak.folder.samples) >= enough


def refused(fly: StandIn, out: Path, *options: str, **environment: str) -> tuple[int, str]:
    """The exit code and the words of a soak that does not begin; of options given twice the last counts."""
    words, _ = begun(fly, out, *options)
    with soaking(out, {**fly.environment, **environment}, *words) as soak:
        status = soak.ended(60)
    assert not soak.is_begun, "a folder was written"
    assert "Traceback" not in soak.said
    return status, " ".join(soak.said.split())


def seen_kills(soak: Soak) -> list[Event]:
    """The kills of the server that the soak has seen."""
    return [event for event in soak.named("oom_kill") if event.text("role") == "server"]


def test_a_killed_soak_goes_on_where_it_was(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a soak that is killed WHEN the server dies meanwhile THEN the next start tells of it.

    Of what it had asked for by then at most one interval is lost, and no line is torn.
    """
    words, out = begun(fly, tmp_path / "soak", "--for", "1h")
    asked_before = fly.truth()["asked"]
    with soaking(out, fly.environment, *words) as first:
        first.await_that(sampled(first, 6), 60)
        first.process.kill()
        first.process.wait()
    looks = fly.truth()["asked"] - asked_before - 1  # the first was the check before the soak began
    before = [sample.t for sample in first.folder.samples if sample.server_rss_bytes is not None]
    assert looks - len(before) <= 1
    deaths = len(fly.truth()["deaths"])
    fly.kill_server()
    fly.await_that(lambda truth: len(truth["deaths"]) > deaths)
    await_app(fly)
    with soaking(tmp_path / "again", fly.environment, "--resume", str(out)) as second:
        second.out = out
        second.await_that(lambda: len(second.named("part_started")) == 2, 60)
        second.await_that(lambda: second.named("restarted"), 60)
        second.await_that(sampled(second, 4), 60)
        second.interrupt()
    after = [sample.t for sample in second.folder.samples if sample.server_rss_bytes is not None]
    assert after[: len(before)] == before
    assert after == sorted(after)
    assert [event.facts["part"] for event in second.named("part_started")] == [1, 2]
    assert (second.verdict()["restarts"], second.verdict()["verdict"]) == (1, "killed")


def test_what_somebody_asked_for_is_no_death(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a deploy, a machine let sleep, and a bad day of Fly's own THEN each is told, and nobody has died."""
    words, out = begun(fly, tmp_path / "soak", "--for", "1h")
    with soaking(out, fly.environment, *words) as soak:
        soak.await_that(sampled(soak, 3), 60)
        fly.order("restart")
        soak.await_that(lambda: len(soak.named("restart_seen")) == 1, 60)
        fly.auto_stop()
        soak.await_that(lambda: len(soak.named("unreachable")) == 2, 60)
        fly.await_that(lambda truth: truth["state"] == "stopped")
        wake(fly)
        soak.await_that(lambda: len(soak.named("stopped_on_purpose")) == 2, 60)
        soak.await_that(lambda: len(soak.named("reachable")) == 2, 60)
        fly.set(broken=True)
        soak.await_that(lambda: len(soak.named("source_lost")) == 2, 60)
        fly.set(broken=False)
        soak.await_that(lambda: len(soak.named("source_back")) == 2, 60)
        status = soak.interrupt()
    verdict = soak.verdict()
    assert (status, verdict["verdict"], verdict["deaths"]) == (0, "survived", [])


def test_a_target_that_sleeps_at_the_start_may_wake_up(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a machine that is stopped WHEN a soak begins THEN it says so, asks again, and begins when it is awake."""
    fly.auto_stop()
    fly.await_that(lambda truth: truth["state"] == "stopped")
    words, out = begun(fly, tmp_path / "soak", "--for", "3s")
    with soaking(out, fly.environment, *words) as soak:
        soak.await_that(lambda: "stopped" in soak.said, 60)
        assert not soak.is_begun
        wake(fly)
        status = soak.ended(60)
    assert (status, soak.verdict()["verdict"]) == (0, "survived")


def test_a_clock_that_is_wrong_is_told_and_corrected(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN Fly's clock 90 s ahead WHEN the server is killed THEN the skew is told, and the end stands where it was."""
    fly.set(skew_s=90)
    words, out = begun(fly, tmp_path / "soak", "--for", "1h")
    with soaking(out, fly.environment, *words) as soak:
        soak.await_that(sampled(soak, 3), 60)
        before_t = soak.folder.samples[-1].t
        fly.kill_server()
        soak.await_that(lambda: soak.named("restarted"), 60)
        after_t = soak.folder.samples[-1].t
        soak.interrupt()
    skews = soak.named("clock_skew")
    assert {event.text("source") for event in skews} >= {"machines", "prometheus"}
    assert all(abs(float(event.text("ahead_s")) - 90) < 3 for event in skews)
    ends = [event for event in soak.named("machine_event") if event.text("type") == "exit"]
    assert before_t - 3 <= ends[-1].t <= after_t + 3
    assert all(sample.t <= after_t + 45 for sample in soak.folder.samples)  # not 90 s ahead
    assert soak.verdict()["restarts"] == 1


def test_a_wrong_token_is_one_line(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a token that Fly does not know THEN wrong use, and a line that names the variable and not the token."""
    status, line = refused(fly, tmp_path / "out", FLY_API_TOKEN="FlyV1 fm2_geheim")
    assert status == 2
    assert "FLY_API_TOKEN" in line
    assert "401" in line
    assert "geheim" not in line


def test_a_wrong_app_is_one_line(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN an app that nobody has THEN wrong use, and a line that names it."""
    status, line = refused(fly, tmp_path / "out", "--fly-app", "somebody-elses")
    assert status == 2
    assert "--fly-app somebody-elses" in line


def test_a_metrics_page_in_html_is_one_line(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN the reader's page where the metrics should be THEN wrong use, and what to give."""
    status, line = refused(fly, tmp_path / "out", "--metrics", "/")
    assert status == 2
    assert "--metrics" in line


def test_a_metrics_page_that_is_not_there_is_one_line(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a path that the server does not know THEN wrong use, and its status."""
    status, line = refused(fly, tmp_path / "out", "--metrics", "/not-there")
    assert status == 2
    assert "404" in line


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose certificate nobody has signed."""
    folder: Path = tmp_path_factory.mktemp("tls")
    make = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make.split(), *names], cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("option", ["--target", "--fly-machines", "--fly-prometheus"])
def test_a_certificate_that_nobody_signed_is_one_line(
    fly: StandIn, tmp_path: Path, self_signed: str, option: str
) -> None:
    """GIVEN an address with such a certificate THEN nothing valid was measured, and a line that names it."""
    more = ("--metrics", "/metrics") if option == "--target" else ()
    status, line = refused(fly, tmp_path / "out", option, self_signed, *more)
    assert status == 4
    assert self_signed in line
    assert "certificate is not trusted" in line


def test_a_target_that_is_not_there_is_one_line(fly: StandIn, tmp_path: Path) -> None:
    """GIVEN a server that is down, and an app that is not Fly's THEN nothing valid was measured."""
    closed = "http://127.0.0.1:9"
    words = ("--target", closed, *WATCHING, *QUICK, "--out", str(tmp_path / "out"))
    with soaking(tmp_path / "out", fly.environment, *words) as soak:
        status = soak.ended(60)
    assert status == 4
    assert closed in soak.said
    assert not soak.is_begun


def test_a_crash_cycle_is_seen_and_each_kill_explained(crashing: Reading) -> None:
    """GIVEN live mode on a small VM WHEN it is read from THEN two kills and restarts, each with Fly's word for it.

    The kernel kills aligners too: those are told as children's, and explain no restart.
    """
    soak, fly = crashing.soak, crashing.fly
    soak.await_that(lambda: len(fly.truth()["deaths"]) >= 2, 300)
    deaths = fly.truth()["deaths"]
    soak.await_that(lambda: len(seen_kills(soak)) >= len(deaths), 60)
    soak.await_that(lambda: len(soak.named("restarted")) >= len(deaths), 60)
    status = soak.interrupt()
    truth = fly.truth()
    fly.end()
    verdict = soak.verdict()
    assert all(death["oom_killed"] for death in truth["deaths"])
    assert (status, verdict["verdict"], verdict["victim_role"]) == (1, "oom_killed", "server")
    assert len(deaths) <= verdict["server_kills"] <= len(truth["deaths"])
    assert len(deaths) <= verdict["restarts"] <= len(truth["deaths"])
    assert verdict["child_kills"] <= truth["children_killed"]
    assert {death["cause"] for death in verdict["deaths"]} == {"machine_kill"}
    servers = [death for death in verdict["deaths"] if death["role"] == "server"]
    assert len(servers) == verdict["server_kills"]
    for death in servers[: len(deaths)]:
        evidence = "\n".join(death["evidence"])
        assert "oom_killed True, exit_code 137" in evidence
        assert "Out of memory: Killed process" in evidence
        assert "Fly: its init says that the server was killed for memory" in evidence


def test_cached_mode_survives_and_nothing_grows(tmp_path: Path) -> None:
    """GIVEN chunks made ahead WHEN six people read THEN no kill, no stall, no growth: of server or soak."""
    document, out = tmp_path / "book.txt", tmp_path / "soak"
    document.write_bytes(long_blocks(6))
    with standing_in(tmp_path / "fly", "--memory", "1GB", "--pace", "5", "--scrape-s", "2") as fly:
        reading = ("--mode", "cached", "--readers", "6", "--pace", "5", "--document", str(document))
        ending = ("--for", f"{CACHED_FOR_S:g}s", "--out", str(out))
        with soaking(out, fly.environment, *fly.options, *QUICK, *reading, *ending) as soak:
            status = soak.ended(CACHED_FOR_S + 180)
            truth = fly.truth()
    verdict = soak.verdict()
    assert (truth["deaths"], truth["children_killed"]) == ([], 0)
    assert (status, verdict["verdict"], verdict["restarts"]) == (0, "survived", 0)
    assert (verdict["stalls"], verdict["failures"]) == (0, 0), f"p99 of a chunk: {verdict['chunk_p99_ms']} ms"
    assert verdict["requests"] >= 36  # six people, six blocks each
    assert verdict["growth"] == "flat", verdict["growth_reason"]
    assert soak.rose_mb() < MOST_RISE_MB
