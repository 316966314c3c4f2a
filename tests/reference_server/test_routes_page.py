"""The page over HTTP: its files, what a browser may do with them, and what nobody gets."""

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from reference_server.app import create_app
from reference_server.browser_rules import SECURITY_HEADERS
from reference_server.page_files import PageFiles
from reference_server.settings import Settings

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page of three files."""
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>é</title>")
    (folder / "main.js").write_text("export {};")
    (folder / "icons.svg").write_text("<svg/>")
    (tmp_path / "secret.js").write_text("not of the page")
    return folder


@pytest.fixture
def reader(client: TestClient, page: Path) -> TestClient:
    """A client of a server with that page."""
    client.app.state.page_files = PageFiles(page)  # type: ignore[attr-defined]
    return client


def test_the_page_is_at_the_root_under_its_own_policy(reader: TestClient) -> None:
    """GIVEN a browser WHEN it opens the server THEN it gets a page that may load from here, and nothing inline."""
    answer = reader.get("/")
    assert (answer.status_code, answer.text) == (200, "<!doctype html><title>é</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    directives = [
        directive.partition(" ") for directive in answer.headers["content-security-policy"].split("; ")
    ]
    assert {name: value for name, _, value in directives} == POLICY
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("main.js", "text/javascript; charset=utf-8"), ("icons.svg", "image/svg+xml; charset=utf-8")],
)
def test_its_files_are_beside_it_under_the_strictest_policy(
    reader: TestClient, page: Path, name: str, content_type: str
) -> None:
    """GIVEN a part of the page WHEN it is opened by itself THEN it is no page: it may load nothing."""
    answer = reader.get(f"/page/{name}")
    assert (answer.status_code, answer.content) == (200, (page / name).read_bytes())
    assert answer.headers["content-type"] == content_type
    for header, value in SECURITY_HEADERS:
        assert answer.headers[header.decode()] == value.decode()


@pytest.mark.parametrize("path", ["/", "/page/main.js"])
def test_who_has_it_already_is_told_so_until_it_changes(reader: TestClient, page: Path, path: str) -> None:
    """GIVEN a file that a browser keeps WHEN it asks again THEN it is 304, and the new bytes once it is edited."""
    first = reader.get(path)
    assert first.headers["cache-control"] == "no-cache"
    known = {"If-None-Match": first.headers["etag"]}
    again = reader.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "content-security-policy"):
        assert again.headers[name] == first.headers[name]
    for file in page.iterdir():
        file.write_text("edited")
    assert reader.get(path, headers=known).text == "edited"


@pytest.mark.parametrize("path", ["/", "/page/main.js"])
def test_head_tells_what_get_would(reader: TestClient, path: str) -> None:
    """GIVEN HEAD WHEN it is asked THEN status and headers are those of GET."""
    head, get = reader.head(path), reader.get(path)
    assert (head.status_code, dict(head.headers)) == (200, dict(get.headers))


@pytest.mark.parametrize(
    "path",
    [
        "/page/index.html",
        "/page/",
        "/page",
        "/page/nothing.js",
        "/page/secret.js",
        "/page/..%2fsecret.js",
        "/page/%2e%2e/secret.js",
        "/page/..%5csecret.js",
        "/page/main.js%00",
        "/page/main.js/",
        "/page//main.js",
        "/page/Main.js",
        "/page/%ff",
        "/page/" + "a" * 5000,
        "/main.js",
        "/index.html",
    ],
)
def test_any_other_name_is_no_file(reader: TestClient, path: str) -> None:
    """GIVEN a name that is none of the page's, or a way out of it WHEN it is asked for THEN it is 404, and short."""
    answer = reader.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert len(answer.content) < 300


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_changed_there(reader: TestClient, method: str) -> None:
    """GIVEN another method WHEN it is tried THEN it is 405."""
    assert reader.request(method, "/page/main.js").status_code == 405


def test_the_page_is_behind_the_password_like_all_else(settings: Settings) -> None:
    """GIVEN a password WHEN the page or a file of it is asked for without it THEN it is 401."""
    app = create_app(replace(settings, basic_auth_user="reader", basic_auth_password="open-sesame-42"))
    with TestClient(app) as client:
        assert [client.get(path).status_code for path in ("/", "/page/main.js")] == [401, 401]


def test_a_server_without_a_page_says_so(client: TestClient, tmp_path: Path) -> None:
    """GIVEN no page WHEN it is opened THEN it is 404, in the shape of all errors."""
    client.app.state.page_files = PageFiles(tmp_path / "nowhere")  # type: ignore[attr-defined]
    assert client.get("/").json()["code"] == "NOT_FOUND"


def test_the_config_is_that_of_the_server_and_no_secret_is_in_it(settings: Settings) -> None:
    """GIVEN a server with settings of its own WHEN it is asked THEN they are told, but the secret ones."""
    own = replace(
        settings,
        tts_voice="nova",
        tts_model="kokoro",
        store_max_bytes=7_000,
        aligner="none",
        aligners=2,
        preprocess_concurrency=3,
        api_key="sk-very-secret",
        api_base="http://upstream.invalid/v1",
    )
    with TestClient(create_app(own)) as client:
        answer = client.get("/api/config")
    assert answer.json() == {
        "voice": "nova",
        "model": "kokoro",
        "speed": 1,
        "maxDocumentBytes": 200_000,
        "storeMaxBytes": 7_000,
        "aligner": "none",
        "aligners": 2,
        "concurrency": 3,
    }
    assert answer.headers["cache-control"] == "no-store"


def test_the_package_carries_the_page() -> None:
    """GIVEN what is installed WHEN the page's folder is looked for THEN it is a folder of the package's."""
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert re.search(r'^reference_server = \["page/\*"\]$', pyproject, re.MULTILINE)
    assert (files("reference_server") / "page").is_dir()
