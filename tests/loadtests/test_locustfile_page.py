"""Locust's web page, used as a browser uses it."""

import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests

Stub = Callable[..., Any]
Locusts = Any
WaitFor = Callable[[Callable[[], object]], None]

pytestmark = pytest.mark.slow


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Page:
    """A browser in front of the page."""

    def __init__(self, session: requests.Session, url: str) -> None:
        session.trust_env = False
        self._session = session
        self._url = url

    def get(self, path: str = "/") -> Any:
        """A page, as an answer."""
        return self._session.get(self._url + path, timeout=10)

    def is_there(self) -> bool:
        """Whether it is served."""
        try:
            return bool(self.get().status_code == 200)
        except requests.ConnectionError:
            return False

    def start(self, **form: str) -> Any:
        """What the start button is answered with."""
        return self._session.post(f"{self._url}/swarm", data=form, timeout=10).json()

    def stop(self) -> Any:
        """What the stop button is answered with."""
        return self._session.post(f"{self._url}/stop", timeout=30).json()

    def state(self) -> str:
        """What the page shows the run to be."""
        return str(self.get("/stats/requests").json()["state"])


def test_a_run_from_the_web_page_takes_our_options(stub: Stub, locusts: Locusts, wait_for: WaitFor) -> None:
    """Our options are on it, a mistake is told on it, and runs started there obey, record, stop and come again."""
    server, port = stub(), str(free_port())
    files = ["--chapters-file", str(locusts.folder / "chapters.json")]
    load = locusts.start("--host", server.url, "--web-host", "127.0.0.1", "--web-port", port, *files)
    with requests.Session() as session:
        page = Page(session, f"http://127.0.0.1:{port}")
        wait_for(page.is_there)
        shown = page.get().text
        assert "session_s" in shown
        assert "requests_file" not in shown

        form = {"user_count": "1", "spawn_rate": "1", "host": server.url, "mode": "cached", "session_s": "5"}
        told = page.start(**form, pace="fast")
        assert (told["success"], told["message"]) == (
            False,
            "--pace: 'fast' is no number above 0. Use one such as 5.",
        )
        told = page.start(**form, requests_file="elsewhere.csv")
        assert not told["success"]
        assert locusts.rows() == []

        assert page.start(**form, pace="5")["success"]
        wait_for(lambda: "all 1 readers have finished" in page.get("/logs").text)
        wait_for(lambda: page.state() == "stopped")
        names = {
            entry["name"]
            for entry in page.get("/stats/requests").json()["stats"]
            if entry["method"] == "LISTENER"
        }
        assert {"first audio", "block from chunk"} <= names
        kinds = {row["kind"] for row in locusts.rows()}
        assert {"chunk", "timings", "play"} <= kinds <= {"chunk", "timings", "play", "unhighlighted"}

        assert page.start(**{**form, "session_s": "600"})["success"]
        before = len(locusts.rows())
        wait_for(lambda: len(locusts.rows()) > before)
        assert page.stop()["success"]
        wait_for(lambda: page.state() == "stopped")
        load.send_signal(signal.SIGTERM)
    ended = locusts.ended(load, within_s=20)
    assert ended.status == 0


def test_a_server_that_is_not_there_is_told_on_the_page(locusts: Locusts, wait_for: WaitFor) -> None:
    """What goes wrong while the run is made ready stands among the page's exceptions, and the run has stopped."""
    port = str(free_port())
    load = locusts.start(
        "--web-host", "127.0.0.1", "--web-port", port, "--document", str(locusts.folder / "chapters.json")
    )
    with requests.Session() as session:
        page = Page(session, f"http://127.0.0.1:{port}")
        wait_for(page.is_there)
        assert page.start(user_count="1", spawn_rate="1", host="http://127.0.0.1:9")["success"]
        wait_for(lambda: page.get("/exceptions").json()["exceptions"])
        [told] = page.get("/exceptions").json()["exceptions"]
        assert told["msg"].startswith("http://127.0.0.1:9: cannot be reached")
        wait_for(lambda: page.state() == "stopped")
        load.send_signal(signal.SIGTERM)
    ended = locusts.ended(load, within_s=20)
    assert ended.status == 1
    assert ended.rows == []
