"""The images, built and started as their Dockerfile says, without Docker: what that shows is in `replay.py`."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.browser.documents import short_pages
from tests.browser.stand import Speech
from tests.image.being_read import read_ahead_and_live
from tests.image.dockerfile import parse
from tests.image.replay import Image, Replay, why_not
from tests.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
READER = 10001

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=why_not())]

StartImage = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The project's own Dockerfile; a gigabyte of layers, which nobody wants to look at later."""
    folder = tmp_path_factory.mktemp("replay")
    yield Replay(parse(ROOT / "Dockerfile"), ROOT, folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image(replay: Replay) -> Image:
    """The server's image."""
    return replay.image("server")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume that is the image's user's; but for what the file system itself keeps there."""
    (tmp_path / "volume" / "lost+found").mkdir(parents=True, mode=0o700)
    os.chown(tmp_path / "volume", READER, READER)
    return tmp_path / "volume"


@pytest.fixture
def start(replay: Replay, speech: Speech, volume: Path) -> Iterator[StartImage]:
    """Start an image of the server on the volume, at a free port; all end with the test."""
    running: list[ServerProcess] = []

    def begin(name: str = "server", **settings: str) -> ServerProcess:
        image = replay.image(name)
        mark = f"replay-{os.getpid()}-{volume}-{len(running)}"
        told = {
            "PORT": "0",
            "METRICS_PORT": "0",
            "API_BASE": f"http://127.0.0.1:{speech.port}/v1",
            **settings,
        }
        command = image.enter(image.command, {"OOMPROOF_TEST_MARK": mark, **told}, volume)
        running.append(ServerProcess.start(volume, mark, {}, command))
        return running[-1]

    yield begin
    for server in running:
        server.close()


def inside(image: Image, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in an image, to its end."""
    line = image.enter(command, environment)
    return subprocess.run(line, capture_output=True, text=True, check=False)


def main_process(server: ServerProcess) -> psutil.Process:
    """The one that is process 1 in there."""
    return main_process_of(server.process)


def main_process_of(started: subprocess.Popen[str]) -> psutil.Process:
    """The same, of a replay that may not listen yet."""
    (main,) = psutil.Process(started.pid).children()
    return main


def test_what_is_in_the_servers_image(replay: Replay) -> None:
    """GIVEN the image's own files THEN they are the server, its packages, compiled, and one folder of the reader's."""
    app = replay.image("serving").files / "app"
    assert {path.name for path in app.iterdir()} == {".venv", "LICENSE", "docstore", "reference_server"}
    theirs = [path for path in app.rglob("*") if path.lstat().st_uid == READER]
    assert theirs == [app / "docstore"]
    writable = [
        path for path in app.rglob("*") if path.lstat().st_mode & stat.S_IWOTH and not path.is_symlink()
    ]
    assert writable == []
    modules = (app / "reference_server").glob("*.py")
    cached = {path.name.partition(".")[0] for path in (app / "reference_server" / "__pycache__").iterdir()}
    assert cached == {path.stem for path in modules}
    compiled = (app / "reference_server" / "__pycache__").glob("app.*.pyc")
    assert [path.read_bytes()[4] for path in compiled] == [0b01]  # by hash, and not checked


def test_no_installer_is_left(image: Image) -> None:
    """GIVEN the image THEN nobody finds pip, setuptools or uv in it, and Python's own files are compiled."""
    for module in ("pip", "setuptools", "ensurepip", "uv"):
        for python in ("python", "/usr/local/bin/python"):
            done = inside(image, python, "-c", f"import {module}")
            assert f"No module named '{module}'" in done.stderr
    where = inside(
        image, "python", "-c", "import http.client as found; print(found.__cached__)"
    ).stdout.strip()
    assert inside(image, "test", "-f", where).returncode == 0


@pytest.mark.parametrize("name", ["server", "fly"])
def test_it_does_all_its_work_as_the_main_process_and_an_ordinary_user(
    name: str, start: StartImage, volume: Path
) -> None:
    """GIVEN a volume, on Fly root's, WHEN all is done once THEN it is there, by one without rights, and no zombie."""
    if name == "fly":
        os.chown(volume, 0, 0)
    server = start(name, ALIGNERS="1")
    main = main_process(server)
    status = Path(f"/proc/{main.pid}/status").read_text()
    assert re.search(r"^NSpid:\s+\d+\s+1$", status, re.MULTILINE)
    assert set(main.uids()) == set(main.gids()) == {READER}
    groups = "" if name == "fly" else str(READER)
    assert re.search(rf"^Groups:\s+{groups}\s*$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert main.cmdline()[1:] == ["-m", "reference_server"]
    read_ahead_and_live(server)
    assert [child for child in main.children(recursive=True) if child.status() == psutil.STATUS_ZOMBIE] == []
    chunks = list((volume / "tts_cache_v1" / "book" / "chunks").glob("*.mp3"))
    assert len(chunks) == 2
    assert {path.stat().st_uid for path in chunks} == {READER}


def test_on_fly_nothing_of_root_is_left(start: StartImage, volume: Path) -> None:
    """GIVEN Fly's image WHEN it runs THEN no capability can come back, and it starts again on what it left there."""
    os.chown(volume, 0, 0)
    for _ in range(2):
        server = start("fly")
        main = main_process(server)
        status = Path(f"/proc/{main.pid}/status").read_text()
        assert set(re.findall(r"^Cap(?:Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        assert "NoNewPrivs:\t1" in status
        main.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=_LONGEST_S) == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_though_it_is_process_1(name: str, start: StartImage) -> None:
    """GIVEN a job in process 1, which no signal ends by itself WHEN one comes THEN it ends with 0, its children too."""
    server = start(ALIGNERS="1")
    main = main_process(server)
    server.upload("book", short_pages(30))
    job = server.preprocess("book", "all")
    job.wait(done=1)
    children = main.children(recursive=True)
    assert children
    main.send_signal(signal.Signals[name])
    assert server.process.wait(timeout=_LONGEST_S) == 0
    job.finish()
    assert psutil.wait_procs(children, timeout=_LONGEST_S)[1] == []


@pytest.mark.parametrize("name", ["server", "fly"])
def test_it_ends_while_it_starts(name: str, replay: Replay, volume: Path) -> None:
    """GIVEN process 1 that does not listen yet WHEN SIGINT comes THEN it ends; a SIGTERM would be lost."""
    image = replay.image(name)
    starting = subprocess.Popen(
        image.enter(image.command, {"PORT": "0", "METRICS_PORT": "0"}, volume), text=True
    )
    try:
        while not _catches(starting, signal.SIGINT):
            assert starting.poll() is None
        assert not _catches(starting, signal.SIGTERM)
        main_process_of(starting).send_signal(signal.SIGINT)
        starting.wait(timeout=_LONGEST_S)  # where it is still the interpreter's, the code is 1 or 130
    finally:
        for process in psutil.Process(starting.pid).children() if starting.poll() is None else ():
            process.kill()
        starting.wait()


def _catches(started: subprocess.Popen[str], wanted: signal.Signals) -> bool:
    """Whether the main process is the server, and has a handler for a signal."""
    for main in psutil.Process(started.pid).children():
        if main.cmdline()[1:] == ["-m", "reference_server"]:
            status = Path(f"/proc/{main.pid}/status").read_text()
            caught = int(re.findall(r"^SigCgt:\s+(\w+)$", status, re.MULTILINE)[0], 16)
            return bool(caught >> (wanted - 1) & 1)
    return False


_LONGEST_S = tomllib.loads((ROOT / "fly.toml").read_text("utf-8"))["kill_timeout"]
"""A hanging end shows as this; how long it takes is not measured."""


def test_docker_asks_it_for_its_health(image: Image, start: StartImage) -> None:
    """GIVEN a server with a password THEN HEALTHCHECK's command succeeds, and where nobody listens it fails."""
    server = start(BASIC_AUTH_USER="ann", BASIC_AUTH_PASSWORD="open sesame")
    assert (
        inside(image, *image.health, PORT=str(server.port), http_proxy="http://127.0.0.1:9").returncode == 0
    )
    main_process(server).kill()
    server.process.wait()
    assert inside(image, *image.health, PORT=str(server.port)).returncode == 1


def test_a_volume_of_roots_is_one_line(image: Image, volume: Path) -> None:
    """GIVEN a volume that was not handed over THEN the server ends at once, with 2 and the name of the folder."""
    os.chown(volume, 0, 0)
    line = image.enter(image.command, {"PORT": "0", "METRICS_PORT": "0"}, volume)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr
        == "DOCSTORE_DIR: '/app/docstore' cannot be used (Permission denied). Use another folder.\n"
    )


def _load() -> Mapping[str, str]:
    found: Mapping[str, str] = tomllib.loads((ROOT / "fly.load.toml").read_text("utf-8"))["processes"]
    return found


@pytest.mark.parametrize("group", _load())
def test_the_load_starts_with_what_is_in_its_image(group: str, replay: Replay) -> None:
    """GIVEN a process group of fly.load.toml THEN its program starts in the image, with its options."""
    command = shlex.split(_load()[group])
    if command[0] == "locust":
        at = command.index("--mode") if "--mode" in command else len(command)
        command = [*command[:at], "--list", *command[at:]]  # after all options and the file were read
    else:
        command.append("--help")
    done = inside(replay.image("fly-load"), *command)
    assert (done.returncode, "ReaderUser" in done.stdout or "usage: " in done.stdout) == (0, True), (
        done.stderr
    )


def test_readers_read_from_the_servers_image(replay: Replay, start: StartImage, tmp_path: Path) -> None:
    """GIVEN both images WHEN a master and a worker, over IPv6 between them, read from the server THEN it is a pass."""
    server, port = start(ALIGNERS="1"), _free_port()
    load, results = replay.image("fly-load"), tmp_path / "results"  # root's, as a new volume is
    results.mkdir()
    locust = ["locust", "-f", "/app/loadtests/locustfile.py"]
    master = [
        *locust,
        "--master",
        "--master-bind-port",
        port,
        "--expect-workers",
        "1",
        "--headless",
        "--users",
        "1",
    ]
    options = [
        "--host",
        f"http://127.0.0.1:{server.port}",
        "--mode",
        "cached",
        "--pregenerate",
        "--chapters",
        "1",
    ]
    short = ["--blocks", "2", "--session-s", "20", "--pace", "10"]
    worker = [*locust, "--worker", "--master-host", "::1", "--master-port", port]
    lines = [load.enter([*master, *options, *short], volume=results), load.enter(worker)]
    with contextlib.ExitStack() as running:
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        ends = [running.enter_context(subprocess.Popen(line, **pipe)) for line in lines]  # type: ignore[call-overload]
        told = [end.communicate(timeout=300)[0] for end in ends]
    assert [end.returncode for end in ends] == [0, 0], "".join(told)
    assert "live" not in next(line for line in told[0].splitlines() if line.startswith("Blocks played"))
    assert {path.stat().st_uid for path in (results / "requests.csv", results / "generator.csv")} == {READER}


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])
