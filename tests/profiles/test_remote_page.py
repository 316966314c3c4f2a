import threading
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles import remote_page
from profiles.errors import OomproofError
from profiles.remote_page import Fetcher, Page, Remote, Unreachable, read_page
from tests.profiles.web import Answer, says, serving

OURS = """# HELP reader_process_resident_memory_bytes Resident memory size in bytes.
# TYPE reader_process_resident_memory_bytes gauge
reader_process_resident_memory_bytes 6.8358144e+07
reader_process_virtual_memory_bytes 1.47439616e+08
reader_process_start_time_seconds 1.79543116282e+09
reader_process_cpu_seconds_total 0.63
reader_process_open_fds 12.0
reader_process_max_fds 20000.0
reader_children 2.0
reader_children_resident_memory_bytes 1000.0
"""
NOTHING = Page(None, None, None, None, None, None)


def test_our_own_server_s_page_is_read() -> None:
    """GIVEN the reference server's page THEN memory, children, CPU, files and when it started."""
    assert read_page(OURS) == Page(68358144.0, 1000.0, 2.0, 0.63, 12.0, 1795431162.82)


def test_several_processes_are_added_up() -> None:
    """GIVEN a series for each worker THEN their sum, and the oldest's start."""
    page = read_page(
        'process_resident_memory_bytes{pid="1"} 100\n'
        'process_resident_memory_bytes{pid="2",app="a b"} 50 1700000000000\n'
        'process_start_time_seconds{pid="1"} 20\nprocess_start_time_seconds{pid="2"} 10\n'
    )
    assert (page.server_rss_bytes, page.started_s) == (150.0, 10.0)


def test_a_name_of_its_own_before_the_series_is_no_hindrance() -> None:
    """GIVEN the plain name beside another THEN the plain one; GIVEN only the other THEN that."""
    assert (
        read_page("my_process_resident_memory_bytes 1\nprocess_resident_memory_bytes 2\n").server_rss_bytes
        == 2.0
    )
    assert read_page("my_process_resident_memory_bytes 1\n").server_rss_bytes == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><body>process_resident_memory_bytes</body></html>",
        "process_resident_memory_bytes NaN\n",
        "process_resident_memory_bytes +Inf\n",
        "process_resident_memory_bytes -5\n",
        "process_resident_memory_bytes\n",
        "process_resident_memory_bytes{a=\n",
        "process_resident_memory_bytes_total 5\n",
        "# process_resident_memory_bytes 5\n",
        "\0\ufffd process_resident_memory_bytes \n",
    ],
)
def test_what_is_no_number_is_unknown(text: str) -> None:
    """GIVEN HTML, NaN, a negative size or a broken line THEN nothing is known, and nothing breaks."""
    assert read_page(text) == NOTHING


@given(st.text(), st.integers(min_value=0, max_value=len(OURS)))
def test_no_page_breaks_the_reading(noise: str, cut: int) -> None:
    """GIVEN any text, and our page cut anywhere THEN what is read of it is a number or nothing."""
    for page in (read_page(noise), read_page(OURS[:cut] + noise)):
        assert all(value is None or value >= 0 for value in vars(page).values())


@pytest.mark.parametrize(
    ("url", "path", "headers", "complaint"),
    [
        ("ftp://x", "/metrics", [], r"^--url ftp://x: no http\(s\) address"),
        ("x", "/metrics", [], r"^--url x: no http\(s\) address"),
        ("http://me:secret@x", "/metrics", [], r"^--url: holds a user's name"),
        ("http://x", "metrics", [], r"^--metrics 'metrics': no path"),
        ("http://x", "/metrics", ["secret"], r"^--header: not NAME: VALUE"),
        ("http://x", "/metrics", ["A: b\r\nC: d"], r"^--header: not NAME: VALUE"),
    ],
)
def test_a_wrong_address_is_one_line_without_secrets(
    url: str, path: str, headers: list[str], complaint: str
) -> None:
    """GIVEN a value that does not fit THEN one line names the option, and no password is repeated."""
    with pytest.raises(OomproofError, match=complaint) as caught:
        Remote.of(url, path, headers)
    assert "secret" not in str(caught.value)


def test_headers_are_sent_and_not_shown() -> None:
    """GIVEN a header THEN it goes with the request, and never into what is printed of the address."""
    with serving(says(200, OURS.encode())) as web:
        remote = Remote.of(f"{web.url}/", "/m", ["Authorization: Bearer abc"])
        assert Fetcher(remote).fetch() == OURS
        assert web.seen[0]["path"] == "/m"
        assert web.seen[0]["Authorization"] == "Bearer abc"
    assert "abc" not in repr(remote)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(401), "status 401"),
        (says(302, Location="http://127.0.0.1:9/login"), "status 302 to http://127.0.0.1:9/login"),
        (says(500, b"x"), "status 500"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "nonsense"),
        (lambda handler: handler.connection.close(), "Remote end closed connection"),
    ],
)
def test_a_page_that_cannot_be_had_says_why(answer: Answer, reason: str) -> None:
    """GIVEN another status, a redirect, nonsense or a closed connection THEN a reason, and no redirect is followed."""
    with serving(answer) as web, pytest.raises(Unreachable, match=reason):
        Fetcher(Remote(web.url)).fetch()


def test_nobody_at_the_address_says_so() -> None:
    """GIVEN a port where nobody listens THEN the reason is that."""
    with pytest.raises(Unreachable, match="refused"):
        Fetcher(Remote("http://127.0.0.1:9/")).fetch()


def test_a_page_without_end_is_left() -> None:
    """GIVEN a page larger than any is THEN it is not read to its end."""
    endless = says(200, b"x" * (remote_page.MOST_BYTES + 1))
    with serving(endless) as web, pytest.raises(Unreachable, match="larger than 8 MB"):
        Fetcher(Remote(web.url), within_s=30.0).fetch()


def test_an_answer_that_never_ends_holds_nobody_up() -> None:
    """GIVEN a server that says nothing, or a byte now and then THEN it is left in time, and not asked twice."""
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            handler.wfile.write(b"x")

    with serving(drip) as web:
        fetcher = Fetcher(Remote(web.url), within_s=0.2)
        with pytest.raises(Unreachable, match=r"no whole answer within 0\.2 s"):
            fetcher.fetch()
        with pytest.raises(Unreachable, match="the last answer still has not ended"):
            fetcher.fetch()
        over.set()
