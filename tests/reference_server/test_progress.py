"""Progress on the wire: whole in answers, without the list of failures in events before the last."""

from dataclasses import replace

from reference_server.progress import Failure, Progress

RUNNING = Progress(
    "doc", "running", 3, 9, 1, 2, 4, "Page 2, block 0: No.", "DISK_FULL", (Failure(2, 0, "No."),)
)
FAILURES = [{"page": 2, "blockIndex": 0, "message": "No."}]


def test_an_answer_carries_the_failures() -> None:
    """Whoever polls sees them whatever the state is."""
    assert RUNNING.to_json() == {
        "documentId": "doc",
        "state": "running",
        "done": 3,
        "total": 9,
        "failed": 1,
        "pagesDone": 2,
        "pagesTotal": 4,
        "failures": FAILURES,
        "message": "Page 2, block 0: No.",
        "code": "DISK_FULL",
    }


def test_only_the_last_event_carries_the_failures() -> None:
    """Events come often, and each failure has had an event of its own."""
    assert "failures" not in RUNNING.to_event()
    assert replace(RUNNING, state="failed").to_event()["failures"] == FAILURES


def test_without_a_reason_there_is_no_message() -> None:
    """The fields are left out, not null."""
    assert {"message", "code"}.isdisjoint(replace(RUNNING, message=None, code=None).to_json())
