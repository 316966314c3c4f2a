"""The password: who is let in, and that it shows nowhere."""

import base64
import hmac

import pytest

from reference_server.basic_auth import Password

PASSWORD = Password("reader", "pass:wörd")


def _basic(credentials: str, scheme: str = "Basic") -> bytes:
    return f"{scheme} ".encode() + base64.b64encode(credentials.encode())


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_right_user_and_password_are_let_in(scheme: str) -> None:
    """The scheme's name has no case, and a password may hold colons and letters beyond ASCII."""
    assert PASSWORD.admits(_basic("reader:pass:wörd", scheme))


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!",
        b"Basic cmVhZGVy",
        b"Bearer " + _basic("reader:pass:wörd")[6:],
        _basic("reader:pass:wör"),
        _basic("reader:pass:wördd"),
        _basic("Reader:pass:wörd"),
        _basic("reader"),
        _basic("reader:"),
        _basic(":"),
        _basic(":pass:wörd"),
        _basic("pass:wörd:reader"),
        _basic("reader:pass:wörd") + b"\xff",
        b"Basic " + "reader:pass:wörd".encode(),
    ],
)
def test_everyone_else_is_not(header: bytes | None) -> None:
    """GIVEN another header, a broken one or none WHEN it is shown THEN it is refused, without an error."""
    assert not PASSWORD.admits(header)


def test_both_halves_are_compared_whatever_the_first_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a wrong user WHEN it is refused THEN the password was compared too, both as digests."""
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def note(given: bytes, right: bytes) -> bool:
        compared.append((given, right))
        return compare(given, right)

    monkeypatch.setattr(hmac, "compare_digest", note)
    assert not PASSWORD.admits(_basic("nobody:x"))
    assert len(compared) == 2
    assert {len(half) for pair in compared for half in pair} == {32}


def test_the_password_is_not_kept() -> None:
    """What is kept are digests: neither a traceback nor a heap dump of this object holds the password."""
    assert "reader" not in repr(vars(PASSWORD))
    assert "pass" not in repr(list(vars(PASSWORD).values()))
