import csv
import threading
from pathlib import Path

import pytest

from loadtests.request_log import RequestLog, Row, RowBuffer


def test_rows_have_the_run_folders_columns(tmp_path: Path) -> None:
    """A row reads back under the run folder's column names, a missing latency empty."""
    log = RequestLog(tmp_path / "requests.csv")
    log.write(Row(12.5, 3, "chunk", 200, 480_768, 0.0125, 0.001, "ahead"))
    log.write(Row(13.0, 3, "play", 200, 0, None, 0.25, "first:chunk"))
    with (tmp_path / "requests.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["t", "reader", "kind", "status", "bytes", "latency_s", "late_s", "source"]
    assert rows[0]["latency_s"] == "0.012500"
    assert (rows[1]["latency_s"], rows[1]["source"]) == ("", "first:chunk")
    log.close()


def test_a_second_writer_appends_without_a_second_header(tmp_path: Path) -> None:
    """Several writers share a file: one header, every row whole."""
    path = tmp_path / "requests.csv"
    logs = [RequestLog(path) for _ in range(4)]

    def write(number: int) -> None:
        for _ in range(200):
            logs[number].write(Row(1.0, number, "tts", 200, 1, 1.0, 0.0, "needed"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = path.read_text().splitlines()
    assert len(lines) == 801
    assert {line.count(",") for line in lines} == {7}
    assert sum(line.startswith("t,") for line in lines) == 1


def test_a_row_is_on_disk_when_write_returns(tmp_path: Path) -> None:
    """Nothing is buffered in the process: a killed generator loses no row."""
    log = RequestLog(tmp_path / "requests.csv")
    log.write(Row(1.0, 0, "tts", 0, 0, 0.1, 0.0, "needed"))
    assert (tmp_path / "requests.csv").read_text().endswith("needed\n")


def test_an_unwritable_path_is_an_os_error(tmp_path: Path) -> None:
    """A path that cannot be opened is an OSError that names it."""
    with pytest.raises(FileNotFoundError, match="absent"):
        RequestLog(tmp_path / "absent" / "requests.csv")


def test_a_buffer_hands_out_every_row_once(tmp_path: Path) -> None:
    """What a worker buffers and a master appends is what a single process writes itself."""
    rows = [Row(float(t), t, "chunk", 200, 7, 0.5, 0.0, "needed") for t in range(4)]
    alone, master, buffer = (
        RequestLog(tmp_path / "alone.csv"),
        RequestLog(tmp_path / "master.csv"),
        RowBuffer(),
    )
    for row in rows:
        alone.write(row)
        buffer.write(row)
        if row.t % 2:
            master.append(buffer.take())
    assert buffer.take() == ""
    assert (tmp_path / "master.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()


def test_a_full_disk_is_an_os_error_that_names_the_file() -> None:
    """What cannot be written is told with the path: the way out is another one."""
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        RequestLog(Path("/dev/full"))
