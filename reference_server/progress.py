"""How far the making of a document's chunks is, and which of its blocks failed, as the routes tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reference_server.failure_codes import FailureCode

JobState = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Failure:
    """One block whose chunk could not be made; `page` counts from 1, `block_index` from 0 in its page."""

    page: int
    block_index: int
    message: str

    def to_json(self) -> dict[str, object]:
        """Return the failure as progress and events show it."""
        return {"page": self.page, "blockIndex": self.block_index, "message": self.message}


@dataclass(frozen=True)
class Progress:
    """How far a job is: of `total` blocks asked for `done` are stored, and `failed` were tried in vain.

    What is left at the end was not tried: the job was cancelled, or stopped early. Of `pages_total` pages
    asked for `pages_done` have all their blocks stored, or have none. `failures` are the last 100 of the failed;
    `message` is the last failure or the reason of the end.
    """

    document_id: str
    state: JobState
    done: int
    total: int
    failed: int
    pages_done: int
    pages_total: int
    message: str | None
    code: FailureCode | None
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, object]:
        """Return the progress as a JSON answer shows it, with its failures."""
        return {
            **self._counts(),
            "failures": [failure.to_json() for failure in self.failures],
            **self._told(),
        }

    def to_event(self) -> dict[str, object]:
        """Return the progress as an event shows it: the failures come with the last one only."""
        return self.to_summary() if self.state == "running" else self.to_json()

    def to_summary(self) -> dict[str, object]:
        """Return the progress without the single failures, for who asks every second."""
        return {**self._counts(), **self._told()}

    def _counts(self) -> dict[str, object]:
        return {
            "documentId": self.document_id,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "failed": self.failed,
            "pagesDone": self.pages_done,
            "pagesTotal": self.pages_total,
        }

    def _told(self) -> dict[str, object]:
        told = {"message": self.message, "code": self.code}
        return {name: value for name, value in told.items() if value}
