"""A document whose files are not as they were written: that one is refused, and the server goes on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from reference_server.errors import ApiError
from reference_server.pages_file import DamagedError

_OF_THE_SERVER = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What the server is short of says nothing about the document."""


def damaged(document_id: str, what: str) -> ApiError:
    """Return the refusal of a damaged document."""
    message = f"Document {document_id!r} cannot be read from disk: {what}. Delete it and upload it again."
    return ApiError(500, "DOCUMENT_DAMAGED", message)


@contextmanager
def damage_told(document_id: str) -> Iterator[None]:
    """Turn what a damaged file or a failing disk raises into ApiError 500 `DOCUMENT_DAMAGED`.

    A file that is not there stays a FileNotFoundError or NotADirectoryError: the document may have been replaced.
    """
    try:
        yield
    except DamagedError as error:
        raise damaged(document_id, str(error)) from error
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        if error.errno in _OF_THE_SERVER:
            raise
        raise damaged(document_id, error.strerror or "the disk fails") from error
