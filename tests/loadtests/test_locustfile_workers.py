"""One run of several processes: real masters and workers on loopback."""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest

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


def processes(count: int) -> list[str]:
    """Options of that many workers, whose master listens where no other does."""
    port = str(free_port())
    return ["--processes", str(count), "--master-bind-port", port, "--master-port", port]


def rows_and_statistics_agree(ended: Any) -> None:
    """Locust's own statistics, added up over workers, count the same requests as the rows do."""
    asked = Counter(row["kind"] for row in ended.rows)
    chunks = next(line for line in ended.log.splitlines() if line.startswith("GET      /api/tts/chunk"))
    assert int(chunks.split()[2]) == asked["chunk"] > 0


def test_a_master_and_two_workers_are_one_run(stub: Stub, locusts: Locusts) -> None:
    """Seven readers with numbers of their own, their rows in one file, which workers need not even have; an end."""
    port = str(free_port())
    server = stub()
    together = [
        "--master",
        "--master-bind-host",
        "127.0.0.1",
        "--master-bind-port",
        port,
        "--expect-workers",
        "2",
    ]
    begun = time.monotonic()
    master = locusts.start(
        *locusts.short(server.url), "--users", "7", "--spawn-rate", "7", "--mode", "cached", *together
    )
    joining = [
        "--worker",
        "--master-host",
        "127.0.0.1",
        "--master-port",
        port,
        "--requests-file",
        "absent/r.csv",
    ]
    workers = [locusts.start(*joining) for _ in range(2)]
    ended = locusts.ended(master)
    assert [locusts.ended(worker).status for worker in workers] == [0, 0]
    assert ended.status == 0
    assert set(ended.numbers()) == {str(number) for number in range(7)}
    assert all(begun < float(row["t"]) < time.monotonic() for row in ended.rows)
    rows_and_statistics_agree(ended)
    # Each reader asks for all 4 blocks of its chapter, whoever runs it, and says when it has heard nothing.
    assert Counter(row["reader"] for row in ended.rows if row["kind"] == "chunk") == dict.fromkeys(
        map(str, range(7)), 4
    )
    assert {row["process"] for row in ended.samples} == {"0", "1"}
    assert sorted({row["readers"] for row in ended.samples}) == ["0", "3", "4"]
    assert "Readers              7, 7 of them heard something" in ended.log


def test_a_killed_worker_makes_the_run_invalid(stub: Stub, locusts: Locusts, wait_for: WaitFor) -> None:
    """The rows that it had handed in stay, the others' go on to the end of the run, which comes; it is no pass."""
    run = [
        *locusts.short(stub().url),
        "--session-s",
        "600",
        "--mode",
        "cached",
        *processes(2),
        "--judged-elsewhere",
    ]
    master = locusts.start(*run)
    wait_for(lambda: {row["reader"] for row in locusts.rows()} == {"0", "1"})
    victim = psutil.Process(master.pid).children()[0]
    victim.send_signal(signal.SIGKILL)
    killed_t = time.monotonic()
    ended = locusts.ended(master)
    assert ended.status == 1
    last = ended.log.splitlines()[-1]
    assert last.startswith("invalid: worker ")
    assert "was lost after" in last
    assert max(float(row["t"]) for row in ended.rows) > killed_t
    assert set(ended.numbers()) >= {"0", "1"}
    assert {len(row) for row in ended.rows} == {8}


def test_forked_workers_end_with_a_killed_master(stub: Stub, locusts: Locusts, wait_for: WaitFor) -> None:
    """SIGKILL of the process that forked them leaves nobody who goes on reading."""
    run = [*locusts.short(stub().url), "--session-s", "600", "--mode", "cached", *processes(2)]
    master = locusts.start(*run)
    wait_for(lambda: len(psutil.Process(master.pid).children()) == 2)
    workers = psutil.Process(master.pid).children()
    wait_for(lambda: {row["reader"] for row in locusts.rows()} == {"0", "1"})
    master.kill()
    gone, left = psutil.wait_procs(workers, timeout=10)
    for worker in left:
        worker.kill()
    assert (len(gone), left) == (2, [])


def test_a_worker_that_comes_late_reads_with_numbers_of_its_own(
    stub: Stub, locusts: Locusts, wait_for: WaitFor
) -> None:
    """It is told to begin as it connects, before it knows what it is, and all finish; who was moved did not read on."""
    port = str(free_port())
    ports = ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "1"]
    master = locusts.start(
        *locusts.short(stub().url), "--session-s", "40", "--mode", "cached", "--master", *ports
    )
    joining = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
    locusts.start(*joining)
    wait_for(lambda: {row["reader"] for row in locusts.rows()} == {"0", "1"})
    locusts.start(*joining)
    ended = locusts.ended(master)
    assert ended.status == 1
    assert ended.log.splitlines()[-1].startswith("invalid: a worker joined while readers read")
    assert set(ended.numbers()) == {"0", "1", "1000000"}
    assert {row["process"] for row in ended.samples} == {"0", "1"}


@pytest.mark.parametrize("to_all", [False, True], ids=["SIGTERM to the master", "Ctrl-C to all"])
def test_an_interrupted_run_has_every_row(
    stub: Stub, locusts: Locusts, wait_for: WaitFor, *, to_all: bool
) -> None:
    """Workers stop their readers and hand in what they have: also what was still open, which is a 499."""
    run = [*locusts.short(stub(whisper="never").url), "--session-s", "600", *processes(2)]
    master = locusts.start(*run)
    wait_for(lambda: {row["reader"] for row in locusts.rows() if row["kind"] == "play"} == {"0", "1"})
    stopped_t = time.monotonic()
    if to_all:
        os.killpg(master.pid, signal.SIGINT)
    else:
        master.send_signal(signal.SIGTERM)
    ended = locusts.ended(master, within_s=30)
    assert ended.status == 0
    left = Counter(row["reader"] for row in ended.rows if (row["kind"], row["status"]) == ("whisper", "499"))
    assert set(left) == {"0", "1"}
    assert max(float(row["t"]) for row in ended.samples) > stopped_t
    assert "invalid" not in ended.log
