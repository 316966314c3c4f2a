import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reference_server.children import end, how_it_ended, start

WAITS = (sys.executable, "-S", "-c", "print(flush=True); input()")


def test_a_child_is_gone_however_often_its_owner_is_cancelled() -> None:
    """GIVEN one who ends a child WHEN he is cancelled twice meanwhile THEN he is, but not before it is gone."""

    async def scenario() -> None:
        child = await start(WAITS, stdin=subprocess.PIPE, stderr=None)
        ending = asyncio.create_task(end(child))
        for _ in range(2):
            await asyncio.sleep(0)
            ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert child.returncode == -9

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_child_gets_the_environment_without_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a key and a password in the environment THEN a child has neither, and all the rest."""
    for name in ("API_KEY", "BASIC_AUTH_PASSWORD", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "7")

    async def scenario() -> None:
        child = await start(("env",), stdin=subprocess.DEVNULL, stderr=None)
        output, _ = await child.communicate()
        names = {line.partition(b"=")[0] for line in output.splitlines()}
        assert b"OMP_NUM_THREADS" in names
        assert not names & {b"API_KEY", b"BASIC_AUTH_PASSWORD"}

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_ending_a_child_that_has_ended_is_no_error() -> None:
    """Whoever tidies up need not know whether there is anything to do."""

    async def scenario() -> None:
        child = await start(("true",), stdin=subprocess.DEVNULL, stderr=None)
        assert await child.wait() == 0
        await end(child)
        assert child.returncode == 0

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_child_is_out_of_reach_of_the_terminal() -> None:
    """It has a session of its own, so that Ctrl-C is left to the server."""

    async def scenario() -> None:
        child = await start(WAITS, stdin=subprocess.PIPE, stderr=None)
        try:
            assert os.getsid(child.pid) == child.pid
        finally:
            await end(child)

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_what_cannot_be_started_is_an_os_error(tmp_path: Path) -> None:
    """A program that is not there is the system's error, for the caller to tell."""
    with pytest.raises(FileNotFoundError):
        asyncio.run(start((str(tmp_path / "none"),), stdin=subprocess.DEVNULL, stderr=None))


def test_an_end_is_told_in_words() -> None:
    """A signal is named, and the last line of what a process said is kept."""
    assert how_it_ended("worker", -9) == "the worker was killed by SIGKILL, as the kernel does out of memory"
    assert how_it_ended("worker", -11) == "the worker was killed by SIGSEGV"
    assert how_it_ended("worker", 3, b"a\nb\n") == "the worker ended with exit code 3: b"
