"""The server's exception family. Child processes raise it too, so nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Mapping


class ServerError(Exception):
    """Anything this server reports itself; its text is one line that names the value and the way out."""


class SettingsError(ServerError):
    """A setting that cannot be used; raised before anything has started."""


class ApiError(ServerError):
    """An answer other than success: `status` with a JSON body of `code` and `message`."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
