"""The kernel's log as it is read, and its clock."""

import os
from pathlib import Path

import pytest

from profiles.kmsg import KernelClock, KernelLog, KernelRecord, parse_record


class FakeDevice:
    """`os.read` of a device: each answer is a record, or an error that reading raises."""

    def __init__(self, *answers: str | OSError) -> None:
        self.answers = list(answers)

    def read(self, fd: int, size: int) -> bytes:
        """The next answer; nothing more, and reading would block."""
        answer = self.answers.pop(0) if self.answers else BlockingIOError()
        if isinstance(answer, OSError):
            raise answer
        return answer.encode()


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    """What any file gives when read."""
    fake = FakeDevice()
    monkeypatch.setattr(os, "read", fake.read)
    return fake


@pytest.fixture
def log(tmp_path: Path, device: FakeDevice) -> KernelLog:
    """A kernel log that reads from the device."""
    (tmp_path / "kmsg").touch()
    return KernelLog(tmp_path / "kmsg")


def test_an_unreadable_kernel_log_is_said_and_yields_nothing(tmp_path: Path) -> None:
    """GIVEN no kernel log THEN the reader says so and why, and never fails."""
    log = KernelLog(tmp_path / "kmsg")
    assert not log.readable
    assert log.reason == "/dev/kmsg: No such file or directory"
    assert list(log.records()) == []


def test_only_records_after_the_opening_are_read(tmp_path: Path) -> None:
    """GIVEN a log with history WHEN a record is added THEN only it is read, with its number and stamp."""
    path = tmp_path / "kmsg"
    path.write_text("6,1,10,-;old\n")
    log = KernelLog(path)
    with path.open("a") as file:
        file.write("3,2,20500000,-;new; and whole\n SUBSYSTEM=x\n")
    assert list(log.records()) == [KernelRecord("new; and whole", 2, 20.5)]
    log.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3,7,1000000,-,caller=T123;text", "text"),
        ("0,7,1,c;", ""),
        ("11,7,1,-;Out of memory: Killed process 1 (x)", None),
        ("text", None),
        ("3,7,1", None),
        ("", None),
    ],
)
def test_only_the_kernels_own_records_count(text: str, message: str | None) -> None:
    """GIVEN records of the kernel, of a program (facility 1) and torn ones THEN only the kernel's are taken."""
    record = parse_record(text)
    assert (None if record is None else record.message) == message


def test_an_overrun_is_counted_and_reading_goes_on(log: KernelLog, device: FakeDevice) -> None:
    """GIVEN a ring buffer that overtook the reader THEN the records it lost are counted by their numbers."""
    device.answers = ["6,10,1,-;a", BrokenPipeError(), "6,15,2,-;b", "6,16,3,-;c"]
    assert [record.message for record in log.records()] == ["a", "b", "c"]
    assert log.lost == 4


def test_a_log_that_can_no_longer_be_read_says_why(log: KernelLog, device: FakeDevice) -> None:
    """GIVEN an error while reading THEN what came before is there, and the reason."""
    device.answers = ["6,10,1,-;a", PermissionError(1, "Operation not permitted")]
    assert [record.message for record in log.records()] == ["a"]
    assert (log.readable, log.reason) == (False, "/dev/kmsg: Operation not permitted")


def test_each_record_narrows_the_offset_between_the_clocks() -> None:
    """GIVEN stamps 100 s behind our clock WHEN records are met between looks THEN their times narrow down on it."""
    clock = KernelClock()
    t, within_s = clock.seen(50.0, 149.9, 150.1)
    assert (t, within_s) == pytest.approx((150.0, 0.1))
    t, within_s = clock.seen(60.0, 159.99, 160.2)
    assert (t, within_s) == pytest.approx((160.045, 0.055))
    assert clock.seen(70.0, 169.0, 171.0)[1] == pytest.approx(0.055)


def test_a_clock_that_drifted_is_measured_anew() -> None:
    """GIVEN a record that contradicts the bounds so far THEN it alone counts."""
    clock = KernelClock()
    clock.seen(50.0, 149.9, 150.1)
    assert clock.seen(60.0, 170.0, 170.2) == pytest.approx((170.1, 0.1))
