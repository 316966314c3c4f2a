"""Alive against ready: what makes the server not ready, and that it always says that it lives."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from reference_server import health as health_module
from reference_server.health import LEAST_FREE_BYTES, Health, health_routes


class Clock:
    """Seconds that the test moves."""

    now_s = 0.0

    def __call__(self) -> float:
        """Return them."""
        return self.now_s


@contextmanager
def _client(health: Health) -> Iterator[TestClient]:
    app = Starlette(routes=health_routes())
    app.state.health = health
    with TestClient(app) as client:
        yield client


def _begin(client: TestClient, health: Health) -> None:
    assert client.portal is not None
    client.portal.call(health.begin)


def _body(*, ready: bool) -> dict[str, object]:
    return {"ok": True, "status": "healthy", "ready": ready}


def test_a_server_in_service_is_alive_and_ready(tmp_path: Path) -> None:
    """GIVEN a docstore that can be written WHEN the server has begun THEN both answers are 200."""
    health = Health(tmp_path)
    with _client(health) as client:
        _begin(client, health)
        for path in ("/api/health", "/api/health/ready"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()) == (200, _body(ready=True))
            assert answer.headers["cache-control"] == "no-store"
    assert list(tmp_path.iterdir()) == [], "the probe leaves nothing behind"


def test_it_is_not_ready_before_its_begin_and_after_its_end(tmp_path: Path) -> None:
    """GIVEN a server that starts or ends WHEN it is asked THEN it is alive, and sent no readers."""
    health = Health(tmp_path)
    with _client(health) as client:
        for is_over in (False, True):
            if is_over:
                _begin(client, health)
                health.end()
            assert client.get("/api/health").json() == _body(ready=False)
            answer = client.get("/api/health/ready")
            assert (answer.status_code, answer.json()) == (503, _body(ready=False))


def test_a_disk_that_fails_is_noticed_within_ten_seconds_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN a docstore that goes away WHEN ten seconds have passed THEN it is not ready, and told once."""
    clock, folder = Clock(), tmp_path / "docstore"
    folder.mkdir()
    health = Health(folder, clock)
    with _client(health) as client:
        _begin(client, health)
        folder.rmdir()
        clock.now_s = 9.9
        assert client.get("/api/health/ready").status_code == 200
        for seconds in (10.0, 20.0):
            clock.now_s = seconds
            assert client.get("/api/health/ready").status_code == 503
            assert client.get("/api/health").status_code == 200
        assert caplog.text.count("not ready") == 1
        assert str(folder) in caplog.text
        folder.mkdir()
        clock.now_s = 30.0
        assert client.get("/api/health/ready").status_code == 200


@pytest.mark.parametrize(("free", "status"), [(LEAST_FREE_BYTES, 200), (LEAST_FREE_BYTES - 1, 503)])
def test_a_disk_needs_64_mib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: int) -> None:
    """GIVEN a byte less than that WHEN the server is asked THEN it is not ready."""
    monkeypatch.setattr(os, "statvfs", lambda _path: SimpleNamespace(f_bavail=free, f_frsize=1))
    health = Health(tmp_path)
    with _client(health) as client:
        _begin(client, health)
        assert client.get("/api/health/ready").status_code == status


def test_the_disk_is_looked_at_once_for_all_who_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN many who ask at once WHEN a look is under way THEN they share it, and later ones its result."""
    looks: list[Path] = []

    def look(folder: Path) -> str:
        looks.append(folder)
        return ""

    monkeypatch.setattr(health_module, "_fault_of", look)

    async def ask() -> list[bool]:
        health = Health(tmp_path, Clock())
        await health.begin()
        return await asyncio.gather(*(health.is_ready() for _ in range(50)))

    assert all(asyncio.run(ask()))
    assert len(looks) == 1


def test_a_disk_that_hangs_makes_the_server_not_ready_and_not_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a look that does not return WHEN the server is asked THEN it answers that it is not ready."""
    hang = threading.Event()
    monkeypatch.setattr(health_module, "_fault_of", lambda _folder: "" if hang.wait(30) else "never")
    monkeypatch.setattr(health_module, "_PATIENCE_S", 0.01)

    async def ask() -> list[bool]:
        health = Health(tmp_path)
        await health.begin()
        answers = [await health.is_ready()]
        hang.set()
        monkeypatch.setattr(health_module, "_PATIENCE_S", 30.0)
        return [*answers, await health.is_ready()]

    assert asyncio.run(ask()) == [False, True]
