"""`oomproof kills`: what it prints, and what it takes."""

import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from profiles.cli import main
from profiles.log_kills import LONGEST_LINE, read_kills, read_lines

CORPUS = Path(__file__).parent / "data" / "kernel_log"
KILL = (
    "[  258.930660] Memory cgroup out of memory: Killed process 7558 (python) total-vm:139840kB, "
    "anon-rss:130688kB, file-rss:6068kB, shmem-rss:0kB, UID:0 pgtables:308kB oom_score_adj:0"
)
LOGS = [pytest.param(path, id=path.stem) for path in sorted(CORPUS.glob("*.log"))]


def test_a_kill_is_a_row_with_its_limit_and_who_else_was_alive(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a report of a group's kill THEN when, who, size, limit and the others are shown, and the exit code is 1."""
    assert main(["kills", str(CORPUS / "cgroup_v1_6.18.log")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "when                who             pid     size MB   limit",
        "33421.168200 s      python          25329   245.8     group of 256 MB",
        "  limit of /oomproof-25318-33420925033181",
        "  alive besides: aligner 2 1 with 30 MB, python 1 with 19 MB",
        "",
        "1 killed: python 1",
    ]


def test_a_log_without_a_kill_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN lines that only look alike THEN it says that nobody was killed."""
    assert main(["kills", str(CORPUS / "lookalikes.log")]) == 0
    assert capsys.readouterr().out == "nobody was killed for memory\n"


@pytest.mark.parametrize("log", LOGS)
def test_no_row_is_wider_than_80_columns_but_for_what_has_no_break(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN any log of the corpus THEN its table fits into 80 columns."""
    main(["kills", str(log)])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_what_fly_alone_tells_names_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a log in which only Fly speaks of kills THEN they are listed without a name, and with their machine."""
    assert main(["kills", str(CORPUS / "fly_without_the_kernels_line.log")]) == 1
    printed = capsys.readouterr().out
    assert "2026-10-07T12:00:00.124Z not named" in printed
    assert "whole VM, says its init" in printed
    assert "  on e2865134a39426" in printed
    assert printed.endswith("2 killed: not named 2\n")


def test_json_is_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN --json THEN each kill is one line with its facts, and null is what the log does not say."""
    assert main(["kills", "--json", str(CORPUS / "fly_logs.log")]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["machine"], first["pid"], first["comm"]) == ("e2865134a39426", 680, "next-server (v1")
    assert (first["rss_mb"], first["memcg"], first["alive"]) == (3592.4, None, None)
    assert second["at"] == "2026-10-07T11:37:40Z"


@pytest.mark.parametrize("file", ["nowhere.log", "."])
def test_a_file_that_cannot_be_read_is_one_line(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN no file, or a folder THEN it is wrong use, told with the name and the way out."""
    assert main(["kills", str(tmp_path / file)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"oomproof: {tmp_path / file}: ")
    assert told.endswith("Give a log's file, or - for the standard input.\n")


PACKED = gzip.compress(b"".join(b"[  %d.930660] eth0: link up\n" % (at * at) for at in range(20_000)))


@pytest.mark.parametrize("data", [PACKED, f"{KILL}\n".encode("utf-16")], ids=["packed", "utf-16"])
def test_what_is_no_text_is_refused_and_not_called_free_of_kills(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a packed log, or one of two bytes a letter THEN one line says how to have it as text, and no verdict."""
    log = tmp_path / "log"
    log.write_bytes(data)
    assert main(["kills", str(log)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"oomproof: {log}: is no text, so nothing can be told. Unpack it (zcat)")
    assert captured.out == ""


def test_zeros_that_a_crash_left_at_the_beginning_do_not_hide_a_kill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a log that begins with a block of zeros, and has colours THEN its kill is found."""
    log = tmp_path / "log"
    log.write_bytes(b"\0" * 4096 + b"\n\x1b[32m" + KILL.replace("]", "]\x1b[0m", 1).encode() + b"\n")
    assert main(["kills", str(log)]) == 1
    assert "1 killed: python 1" in capsys.readouterr().out


def test_a_standard_input_that_is_closed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a standard input that whoever started us closed THEN it is wrong use, in one line."""
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["kills", "-"]) == 2
    assert capsys.readouterr().err.startswith("oomproof: -: the standard input is closed. Pipe a log")


def test_the_standard_input_is_read_and_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """GIVEN a pipe in, and one out that is closed early THEN the kills are found, without a traceback."""
    log = tmp_path / "log"
    log.write_text(f"{KILL}\n" * 5000)
    command = [sys.executable, "-m", "profiles.cli", "kills", "-"]
    with (
        log.open("rb") as stdin,
        subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"when")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_a_log_of_any_size_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """GIVEN 5 MB of noise, a line of 20 MB, torn objects and a kill THEN the kill is found in under 4 MB."""
    path = tmp_path / "log"
    noise = b"Nov 23 10:00:00 host app[12]: \xff\xfe handled a request with status 200, oom_score 0\n" * 1000
    with path.open("wb") as file:
        file.write(b'{\n"message": "never closed",\n')
        for _ in range(60):
            file.write(noise)
        file.write(b"oom" * 7_000_000 + b"\n" + KILL.encode() + b"\n")
    tracemalloc.start()
    try:
        with path.open("rb") as stream:
            kills = list(read_kills(read_lines(stream)))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [kill.kill.pid for kill in kills if kill.kill] == [7558]
    assert peak_bytes < 4_000_000


def test_a_line_longer_than_any_is_cut_and_the_next_is_whole() -> None:
    """GIVEN a line as long as is read at once, one longer, and a kill THEN the kill is the third line."""
    for length in (LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 3 * LONGEST_LINE):
        lines = list(read_lines(io.BytesIO(b"oom".ljust(length, b"x") + b"\n" + KILL.encode() + b"\n")))
        assert lines[1:] == [f"{KILL}\n"]
        assert len(lines[0]) <= LONGEST_LINE
