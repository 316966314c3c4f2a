import threading
from http.server import BaseHTTPRequestHandler

import pytest

from profiles.health import ailment, healthy
from tests.profiles.web import Answer, says, serving


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (says(200, b'{"ok": true, "status": "healthy"}'), None),
        (says(200, b'{"ok": false}'), "it says that it is not healthy"),
        (says(503, b'{"ok": true}'), "status 503"),
        (says(200, b"<html>hello</html>"), None),
        (says(204), None),
        (says(302, Location="http://127.0.0.1:9/elsewhere"), None),
        (says(200, b'["ok"]'), None),
        (says(404, b"not found"), "status 404"),
        (says(500), "status 500"),
        (says(200, b"x" * 100_000), None),
    ],
)
def test_a_server_is_healthy_when_it_says_so_or_answers_at_all(answer: Answer, wrong: str | None) -> None:
    """GIVEN our own JSON THEN its word counts; any other 2xx or 3xx is enough; a redirect is not followed."""
    with serving(answer) as web:
        assert ailment(web.url, "/h") == wrong
        assert healthy(web.url, "/h") is (wrong is None)
        assert web.seen[0]["path"] == "/h"


def test_a_server_that_says_nothing_is_not_healthy() -> None:
    """GIVEN nobody who listens, or who never answers THEN that is said, in the time given."""
    assert "refused" in str(ailment("http://127.0.0.1:9"))
    over = threading.Event()

    def hang(_: BaseHTTPRequestHandler) -> None:
        over.wait(30)

    with serving(hang) as web:
        assert "no answer" in str(ailment(web.url, timeout_s=0.1))
        over.set()
