"""Log lines: each is one line, and in JSON each has its fields."""

import json
import logging
import sys
from datetime import datetime

import pytest

from reference_server.logs import JsonFormatter, configure_logs
from reference_server.settings import LogFormat


def _record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("reference_server.test").makeRecord(
        "reference_server.test", logging.WARNING, "", 0, message, args, None, extra=extra
    )


def _line(record: logging.LogRecord) -> dict[str, object]:
    line = JsonFormatter().format(record)
    assert "\n" not in line
    fields: dict[str, object] = json.loads(line)
    return fields


def test_a_record_is_its_time_level_logger_message_and_extra_fields() -> None:
    """GIVEN a record with fields WHEN it is formatted THEN they are there beside the four of every line."""
    record = _record("%s is done", "page 1", document="a", done=3)
    record.created = 1_700_000_000.25
    assert _line(record) == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "WARNING",
        "logger": "reference_server.test",
        "message": "page 1 is done",
        "document": "a",
        "done": 3,
    }


def test_what_a_client_sent_stays_inside_its_line() -> None:
    """GIVEN newlines, control characters and half a surrogate pair WHEN they are told THEN it is one line."""
    message = 'a\nb\x00"\ud800\u2028'
    assert _line(_record("%s", message))["message"] == message


def test_an_exception_is_one_field() -> None:
    """GIVEN an exception WHEN it is logged THEN its traceback is one field of the one line."""
    try:
        int("broken")
    except ValueError:
        record = _record("failed")
        record.exc_info = sys.exc_info()
    told = _line(record)["exception"]
    assert isinstance(told, str)
    assert told.startswith("Traceback")
    assert told.endswith("'broken'")


def test_a_field_that_is_no_json_is_told_as_text_and_replaces_none_of_the_four() -> None:
    """GIVEN odd extra fields WHEN they are formatted THEN the line stands, and its time is its time."""
    line = _line(_record("x", path=BytesWarning, level="fake", time="fake"))
    assert line["path"] == str(BytesWarning)
    assert line["level"] == "WARNING"
    assert datetime.fromisoformat(str(line["time"])).tzinfo is not None


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_the_servers_own_lines_are_told_and_only_the_faults_of_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: LogFormat
) -> None:
    """GIVEN either format WHEN others chat THEN nothing is shown; our own information is, on standard error."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    for logger in (root, *map(logging.getLogger, ("reference_server", "uvicorn"))):
        monkeypatch.setattr(logger, "level", logger.level)
    configure_logs(log_format)
    logging.getLogger("httpx").info("chat")
    logging.getLogger("httpx").warning("wrong")
    logging.getLogger("reference_server.x").info("mine")
    assert len(root.handlers) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 2
    if log_format == "json":
        assert [json.loads(line)["message"] for line in lines] == ["wrong", "mine"]
    else:
        assert [line.rsplit(": ")[-1] for line in lines] == ["wrong", "mine"]
