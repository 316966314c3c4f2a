import json
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.asking import Host, WrongUseError, member
from loadtests.broken_connections import PrepareError

Scripted = Callable[..., Any]
PATH = "/api/documents/d"


def as_json(status: int, value: object) -> tuple[int, str, bytes]:
    """An answer of a scripted server."""
    return status, "application/json", json.dumps(value).encode()


def told(url: str, answer: str = "object") -> str:
    """The one line that asking ends with."""
    with Host(url) as host, pytest.raises(PrepareError) as raised:
        host.ask_object("PUT", PATH) if answer == "object" else host.ask("PUT", PATH)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "url",
    ["", "reader.example", "ftp://a", "http://", "http://a:99999", "http://a:0", "http://a?x", "http://["],
)
def test_what_is_no_address_is_wrong_use(url: str) -> None:
    """It is told with the option that it came from and an address as an example."""
    with pytest.raises(WrongUseError, match=r"^--upstream: .* Use one such as http://127\.0\.0\.1:8000\.$"):
        Host(url, "--upstream")


def test_a_page_instead_of_json_is_told_with_its_status(scripted: Scripted) -> None:
    """A host that answers HTML with 200 is no document reader, and the line says what it answered."""
    server = scripted(lambda _: (200, "text/html; charset=utf-8", b"<html><title>Hi</title></html>"))
    assert told(server.url) == (
        f"PUT {server.url}{PATH}: the answer (200) is text/html, and no JSON object. Is this a document reader?"
    )
    assert "(201) is other JSON" in told(scripted(lambda _: as_json(201, [1])).url)


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json", b'{"code": "X", "message": "Too\\nfull."}', "Too full."),
        ("application/json", b'{"error": {"message": "No voice."}}', "No voice."),
        (
            "text/html",
            b"<html><TITLE>Plain HTTP\nto HTTPS</title>" + b"x" * 999,
            "an HTML page: Plain HTTP to HTTPS",
        ),
        ("text/html", b"<p>", "an HTML page"),
        ("text/plain", b"a\n b" + b"c" * 999, "a b" + "c" * 197),
        ("text/plain", b"", "Internal Server Error"),
    ],
)
def test_a_refusal_passes_on_what_the_server_says(
    scripted: Scripted, kind: str, body: bytes, said: str
) -> None:
    """Its message, a page's title or the start of a text stands behind the status, on one line."""
    server = scripted(lambda _: (500, kind, body))
    assert told(server.url) == f"PUT {server.url}{PATH}: 500 {said}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_refused_with_where_it_leads(scripted: Scripted, status: int) -> None:
    """Readers would be sent twice as many requests: the line names the address to use, and nothing is followed."""
    server = scripted(lambda asked: (status, "", b"https://reader.example/base" + asked.path.encode()))
    target = "https://reader.example/base"
    assert told(server.url, "any") == f"{server.url}: redirects to {target}{PATH}. Use --host {target}."
    assert len(server.asked) == 1
    elsewhere = scripted(lambda _: (status, "", b"/login"))
    assert told(elsewhere.url, "any").endswith(f"Use --host {elsewhere.url}/login.")


def test_a_password_is_asked_for_and_told_apart_from_a_wrong_one(scripted: Scripted) -> None:
    """401 says how the password is given; one that was given and is wrong is not shown."""
    server = scripted(lambda _: as_json(401, {}))
    assert f"Use --host http://user:password@127.0.0.1:{server.port}." in told(server.url, "any")
    line = told(server.url.replace("//", "//me:geheim@"), "any")
    assert line == f"{server.url}: the user or password of --host is wrong (401)."


def test_the_password_is_sent_as_utf8_and_never_shown(scripted: Scripted) -> None:
    """What stands percent-encoded in the address is sent as Basic auth in UTF-8; no URL of ours has it."""
    server = scripted(lambda _: as_json(200, {}))
    with Host(server.url.replace("//", "//me:s%C3%A9%3A1@")) as host:
        host.ask_object("GET", "/")
        assert host.url == server.url
    assert server.asked[0].headers["Authorization"] == "Basic bWU6c8OpOjE="  # me:sé:1


@pytest.mark.parametrize("fields", [{}, {"pages": "12"}, {"pages": True}, {"pages": None}, []])
def test_a_member_of_another_type_is_told_by_its_name(fields: object) -> None:
    """An answer of the wrong shape is one line that names the member."""
    assert member({"pages": 12}, "pages", int, "PUT x") == 12
    with pytest.raises(PrepareError, match=r"^PUT x: the answer has no 'pages' that is a whole number"):
        member(fields, "pages", int, "PUT x")
