"""Headers that each request carries, by environment."""

import pytest

from loadtests.asking import Host, WrongUseError
from loadtests.given_headers import VARIABLE, HeadersError, given_headers


def test_none_are_given_unless_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no variable THEN no header; GIVEN one THEN its headers."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert given_headers() == {}
    monkeypatch.setenv(VARIABLE, '{"Authorization": "Bearer x"}')
    assert given_headers() == {"Authorization": "Bearer x"}


@pytest.mark.parametrize("text", ["Bearer geheim", '["geheim"]', '{"Authorization": 1}'])
def test_what_is_none_is_one_line_without_its_value(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """GIVEN anything else THEN a line that names the variable and does not hold what was in it."""
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(HeadersError, match=VARIABLE) as error:
        given_headers()
    assert "geheim" not in str(error.value)
    with pytest.raises(WrongUseError, match=VARIABLE):
        Host("http://127.0.0.1:1")


def test_only_the_server_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN headers THEN they go to the server, and not to a speech upstream."""
    monkeypatch.setenv(VARIABLE, '{"X-Key": "a"}')
    assert Host("http://127.0.0.1:1")._session.headers["X-Key"] == "a"
    assert "X-Key" not in Host("http://127.0.0.1:1", "--upstream")._session.headers
