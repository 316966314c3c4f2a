import subprocess
import sys
from collections.abc import Iterator

import pytest

from profiles.checkpoints import SIZES, TRAFFIC, Checkpoint
from profiles.proc_files import ProcessFiles
from profiles.process_table import ProcessTable
from profiles.vm_size import MIB

FORKED = """
import os, sys
held = bytearray(b"x") * (20 * 1048576)
if os.fork() == 0:
    own = bytearray(b"x") * (5 * 1048576)
    os.write(1, b"1")
    os.read(0, 1)
    os._exit(0)
os.write(1, b"1")
os.wait()
"""


@pytest.fixture
def table() -> Iterator[ProcessTable]:
    """A server of 20 MB, and a child that shares all of it and has 5 MB more."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.read(1) for _ in range(2)] == [b"1", b"1"]
        children = ProcessFiles(process.pid).children()
        table = ProcessTable()
        table.name_server(process.pid)
        table.sample([process.pid, *children])
        yield table
        process.kill()
        assert process.stdin is not None
        process.stdin.close()


def test_shared_pages_count_once_in_all(table: ProcessTable) -> None:
    """GIVEN 20 MB that two processes share THEN each has half of them in its PSS, and none in its USS."""
    checkpoint = Checkpoint("before", table)
    assert [checkpoint.step() for _ in range(2)] == [False, True]
    facts = checkpoint.facts()
    assert facts["label"] == "before"
    # What an interpreter holds besides depends on who measures it, and is shared too: so no sum is asked for.
    assert 10 * MIB <= facts["server_pss_bytes"] <= facts["server_peak_rss_bytes"] - 9 * MIB
    assert facts["server_uss_bytes"] < facts["server_pss_bytes"] - 10 * MIB
    assert 5 * MIB < facts["children_uss_bytes"] < facts["children_pss_bytes"] - 10 * MIB
    assert facts["server_peak_rss_bytes"] >= 20 * MIB
    assert table.server_peak_rss_bytes == facts["server_peak_rss_bytes"]
    assert facts["took_s"] > 0
    assert checkpoint.why == {}
    assert facts["server_storage_read_bytes"] >= 0
    assert facts["server_read_bytes"] > 0


def test_a_server_that_ended_before_its_turn_is_unknown_and_not_zero(table: ProcessTable) -> None:
    """GIVEN a server that is gone when it would be measured THEN its sizes are None; no children are none."""
    server = table.followed[0].files
    server.close()
    checkpoint = Checkpoint("after", table)
    while not checkpoint.step():
        pass
    facts = checkpoint.facts()
    assert (facts["server_pss_bytes"], facts["server_peak_rss_bytes"]) == (None, None)
    assert facts["children_pss_bytes"] > 0
    assert (facts["server_read_bytes"], facts["server_storage_read_bytes"]) == (None, None)


def test_an_empty_vm_has_no_server_and_children_that_hold_nothing() -> None:
    """GIVEN no process at all THEN one step ends it."""
    checkpoint = Checkpoint("before", ProcessTable())
    assert checkpoint.step()
    assert [checkpoint.facts()[size] for size in SIZES] == [None, None, 0, 0]


def test_a_vm_that_cannot_be_seen_has_no_sizes(table: ProcessTable) -> None:
    """GIVEN a VM whose processes could not be listed THEN nothing is said to hold nothing."""
    table.unknown("gone")
    checkpoint = Checkpoint("after", table)
    while not checkpoint.step():
        pass
    assert [checkpoint.facts()[size] for size in SIZES] == [None] * 4
    assert checkpoint.why == dict.fromkeys((*SIZES, *TRAFFIC), "gone")


def test_a_process_whose_pages_may_not_be_walked_leaves_its_side_unknown(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN another user's process THEN no sum leaves it out in silence."""

    def refuse(_: ProcessFiles) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ProcessFiles, "proportional", refuse)
    checkpoint = Checkpoint("after", table)
    while not checkpoint.step():
        pass
    assert [checkpoint.facts()[size] for size in SIZES] == [None] * 4
    assert all(reason.endswith("smaps_rollup: Permission denied") for reason in checkpoint.why.values())
    assert checkpoint.facts()["server_peak_rss_bytes"] > 0


def test_reads_that_may_not_be_counted_are_unknown_and_say_why(
    table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an io file that is refused THEN what was read is None, with the reason; the sizes stay."""

    def refuse(_: ProcessFiles) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ProcessFiles, "file_traffic", refuse)
    checkpoint = Checkpoint("after", table)
    while not checkpoint.step():
        pass
    assert [checkpoint.facts()[name] for name in TRAFFIC] == [None, None]
    assert checkpoint.facts()["server_pss_bytes"] > 0
    assert checkpoint.why.keys() == set(TRAFFIC)
    assert all(reason.endswith("io: Permission denied") for reason in checkpoint.why.values())
