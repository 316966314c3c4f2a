"""The password of the server: HTTP Basic, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

CHALLENGE = {"WWW-Authenticate": 'Basic realm="oomproof", charset="UTF-8"'}
"""What a browser needs to ask for the password (RFC 7617)."""


class Password:
    """A user's name and password; only their digests are kept, so that nothing that shows this shows them."""

    def __init__(self, user: str, password: str) -> None:
        self._user = _digest(user.encode())
        self._password = _digest(password.encode())

    def admits(self, authorization: bytes | None) -> bool:
        """Return whether an Authorization header carries this user and password.

        Both halves are always compared, as digests: neither which half is wrong nor how long the right one is
        shows in the time.
        """
        user, password = _credentials(authorization or b"")
        right_user = hmac.compare_digest(_digest(user), self._user)
        right_password = hmac.compare_digest(_digest(password), self._password)
        return right_user and right_password


def _credentials(authorization: bytes) -> tuple[bytes, bytes]:
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return b"", b""
    return user, password


def _digest(half: bytes) -> bytes:
    return hashlib.sha256(half).digest()
