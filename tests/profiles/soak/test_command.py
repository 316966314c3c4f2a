"""The command as a person calls it, against pages on loopback: what it leaves, and its exit codes."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest

from profiles.cli import main
from profiles.run_folder import RunFolder
from profiles.soak.command import exit_code
from profiles.soak.soak import Ended
from profiles.verdict_record import VerdictRecord
from tests.profiles.web import says, serving

MIB = 1024 * 1024
PAGE = f"process_resident_memory_bytes {60 * MIB}\nprocess_start_time_seconds 100\n".encode()
QUICK = ("--readers", "0", "--interval", "1s", "--window", "2s")


def test_a_soak_from_its_first_line_to_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a server's page THEN verdict, report, and a folder that can be read again; over is over."""
    out = tmp_path / "out"
    with serving(says(200, PAGE)) as web:
        words = [
            "soak",
            "--target",
            web.url,
            *QUICK,
            "--for",
            "2s",
            "--out",
            str(out),
            "--header",
            "X-Key: geheim",
        ]
        assert main(words) == 0
        assert {seen.get("X-Key") for seen in web.seen} == {"geheim"}
        assert {seen["path"] for seen in web.seen} == {"/metrics"}
    said = capsys.readouterr()
    assert "survived" in said.out
    assert "geheim" not in said.out + said.err
    assert {path.name for path in out.iterdir()} >= {
        "alarms.jsonl", "events.jsonl", "report.html", "report.md", "run.json", "samples.csv", "soak.json",
        "verdict.json",
    }  # fmt: skip
    assert json.loads((out / "run.json").read_text())["target"] == {"kind": "soak", "what": web.url}
    assert len(RunFolder(out).samples) == 3
    assert main(["judge", str(out)]) == 0
    assert main(["report", str(out)]) == 0
    assert main(["soak", "--resume", str(out), "--header", "X-Key: geheim"]) == 2
    assert "is over" in capsys.readouterr().err


def test_an_alarm_ends_it_with_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN less memory than is held, and `end` THEN at once, with a verdict and 1."""
    with serving(says(200, PAGE)) as web:
        words = ["soak", "--target", web.url, *QUICK, "--most-memory-mb", "59", "--on-alarm", "end"]
        assert main([*words, "--out", str(tmp_path / "out")]) == 1
    assert "ALARM: memory: 60 MB held" in capsys.readouterr().out
    assert RunFolder(tmp_path / "out").verdict["verdict"] == "survived"
    assert len(RunFolder(tmp_path / "out").samples) == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(200, b"<html></html>", 2), (404, b"", 2), (401, b"", 2), (503, b"", 4), (302, b"", 2)],
)
def test_what_is_no_page_is_told_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, body: bytes, code: int
) -> None:
    """GIVEN something else than a page THEN its exit code, one line, and no folder."""
    with serving(says(status, body)) as web:
        assert main(["soak", "--target", web.url, *QUICK, "--out", str(tmp_path / "out")]) == code
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "/metrics" in said.err
    assert not (tmp_path / "out").exists()


def test_a_certificate_that_is_not_trusted_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN such a certificate THEN 4, one line with the way out, and no folder."""

    class Untrusting:
        def open(self, *_: object, **__: object) -> None:
            error = ssl.SSLCertVerificationError(1, "certificate verify failed")
            error.verify_message = "self-signed certificate"
            raise error

    monkeypatch.setattr("profiles.soak.web.direct_opener", Untrusting)
    assert main(["soak", "--target", "https://127.0.0.1:1", *QUICK, "--out", str(tmp_path / "out")]) == 4
    said = capsys.readouterr().err
    assert "its certificate is not trusted (self-signed certificate)" in said
    assert "SSL_CERT_FILE" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("verdict", "met", "alarms", "code"),
    [
        ("survived", True, 0, 0),
        ("survived", True, 1, 1),
        ("oom_killed", False, 0, 1),
        ("unhealthy", False, 3, 1),
        ("invalid", False, 0, 4),
        ("invalid", False, 1, 4),
    ],
)
def test_exit_codes(verdict: str, met: bool, alarms: int, code: int) -> None:  # noqa: FBT001  # a table's cell
    """GIVEN a verdict and so many alarms THEN the exit code of the reference."""
    record = VerdictRecord(scenario="s", verdict=verdict, met=met)
    assert exit_code(Ended(record, "the time was over", alarms)) == code
