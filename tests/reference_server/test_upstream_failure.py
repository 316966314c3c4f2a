from datetime import UTC, datetime

import pytest

from reference_server.upstream_failure import seconds_to_wait, without_secret

NOW = datetime(2026, 11, 23, 4, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("0", 0),
        ("86400", 86_400),
        ("86401", 86_400),
        ("9" * 400, 86_400),
        ("Mon, 23 Nov 2026 04:00:10 GMT", 10),
        ("Mon, 23 Nov 2026 04:00:10 -0000", 10),
        ("Mon, 23 Nov 2026 05:00:10 +0100", 10),
        ("Sun, 22 Nov 2026 04:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Mon, 99 Nov 2026 99:00:10 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    """Both forms are read, rounded up and bounded to a day; a date that is over means now."""
    assert seconds_to_wait(header, NOW) == seconds


def test_a_secret_is_taken_out_in_every_spelling() -> None:
    """Plain, as JSON, as HTML and as part of an address; a key that is none is no secret."""
    text = without_secret('a"b=c a\\"b=c a&quot;b=c a%22b%3Dc', 'a"b=c')
    assert text == "*** *** *** ***"
    assert without_secret("there is none", "none") == "there is none"
    assert without_secret("text", "") == "text"
