import resource
from pathlib import Path

import pytest

from profiles.event_log import EventLog
from profiles.line_file import LineFile
from profiles.run_folder import SAMPLE_COLUMNS, RunFolder
from profiles.sample_writer import SampleWriter

LINE = len(f"{1.0:.4f}" + "," * (len(SAMPLE_COLUMNS) - 1) + "\n")


@pytest.fixture
def writer(tmp_path: Path) -> SampleWriter:
    """A writer into an empty folder."""
    return SampleWriter(tmp_path, EventLog(tmp_path))


def limit_files(size: int) -> None:
    """Let no file grow beyond `size` bytes; -1 takes that back."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if size >= 0 else hard, hard))


def test_what_is_known_is_written_and_what_is_not_is_empty(writer: SampleWriter, tmp_path: Path) -> None:
    """GIVEN a sample THEN it reads back as it was: zero is zero, unknown is None, whole numbers stay whole."""
    writer.write({"t": 1.5, "vm_bytes": 2**40 + 1, "oom_kills": 0, "throttled_s": 0.0, "swap_bytes": None})
    sample = RunFolder(tmp_path).samples[0]
    assert (sample.t, sample.vm_bytes, sample.oom_kills, sample.throttled_s) == (1.5, 2**40 + 1, 0, 0.0)
    assert (sample.swap_bytes, sample.anon_bytes) == (None, None)


def test_a_full_disk_loses_samples_and_counts_them(writer: SampleWriter, tmp_path: Path) -> None:
    """GIVEN room for two samples and a half WHEN five are taken, then there is room THEN the three are told."""
    heading = (tmp_path / "samples.csv").stat().st_size
    limit_files(heading + 2 * LINE + LINE // 2)
    try:
        for t in range(5):
            writer.write({"t": float(t)})
        assert [sample.t for sample in RunFolder(tmp_path).samples] == [0, 1]
        assert (tmp_path / "samples.csv").stat().st_size == heading + 2 * LINE
    finally:
        limit_files(-1)
    assert RunFolder(tmp_path).events == ()
    writer.write({"t": 5.0})
    assert [sample.t for sample in RunFolder(tmp_path).samples] == [0, 1, 5]
    (lost,) = RunFolder(tmp_path).named("samples_lost")
    assert lost.facts["lost"] == 3
    assert lost.text("reason") == "File too large"


def test_losses_are_told_at_the_end_where_there_was_never_room(writer: SampleWriter, tmp_path: Path) -> None:
    """GIVEN a disk that stays full for samples THEN the end says how many there were; without a loss, nothing."""
    writer.tell_lost()
    assert RunFolder(tmp_path).events == ()
    limit_files((tmp_path / "samples.csv").stat().st_size)
    try:
        writer.write({"t": 0.0})
    finally:
        limit_files(-1)
    writer.tell_lost()
    writer.tell_lost()
    assert [event.facts["lost"] for event in RunFolder(tmp_path).named("samples_lost")] == [1]


def test_a_heading_that_was_refused_comes_with_the_first_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that was full at the start THEN no sample is ever taken for the heading."""
    with monkeypatch.context() as full:
        full.setattr(LineFile, "append", lambda *_: "No space left on device")
        writer = SampleWriter(tmp_path, EventLog(tmp_path))
        writer.write({"t": 0.0})
    writer.write({"t": 1.0})
    writer.write({"t": 2.0})
    assert [sample.t for sample in RunFolder(tmp_path).samples] == [1, 2]
