import socket
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.target_command import check_command, check_path, check_port_free, split_command, with_port


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("node server.js", ("node", "server.js")),
        ("sh -c 'sleep 1; exit 3'", ("sh", "-c", "sleep 1; exit 3")),
        (["a b", "c"], ("a b", "c")),
        (("a",), ("a",)),
    ],
)
def test_a_command_is_split_as_a_shell_would(given: object, words: tuple[str, ...]) -> None:
    """GIVEN a line or a list THEN its words."""
    assert split_command(given) == words


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "no command"),
        ([], "no command"),
        (3, "no command"),
        (["a", 3], "no command"),
        ("a 'b", "No closing quotation"),
        ("'' x", "the program has no name"),
    ],
)
def test_what_is_no_command_is_refused(given: object, complaint: str) -> None:
    """GIVEN something else THEN the message says what to write."""
    with pytest.raises(ValueError, match=complaint):
        split_command(given)


def test_the_port_stands_where_it_is_wanted() -> None:
    """GIVEN {port} in a word, or alone THEN the port."""
    assert with_port(["x", "--listen=:{port}", "{port}"], 81) == ["x", "--listen=:81", "81"]


def test_a_program_that_is_not_there_is_found_out_before_anything_starts(tmp_path: Path) -> None:
    """GIVEN no such program, or one that may not be executed THEN one line names place and value."""
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(OomproofError, match=r"^target\.command: nodee: no such program\. Check its name"):
        check_command("target.command", ["nodee"], {})
    with pytest.raises(OomproofError, match=r"plain: may not be executed\. chmod"):
        check_command("--command", [str(plain)], {})
    plain.chmod(0o755)
    check_command("--command", [str(plain)], {})
    check_command("--command", ["plain"], {"PATH": str(tmp_path)})


def test_a_port_that_is_taken_is_found_out() -> None:
    """GIVEN somebody who listens THEN one line, for they would answer in the server's place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OomproofError, match=rf"^port {port}: cannot be used \(Address already in use\)"):
            check_port_free(port)
    check_port_free(port)


@pytest.mark.parametrize("path", ["", "health", "/a b", "/a\n"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """GIVEN no path of a URL THEN the message shows one."""
    with pytest.raises(ValueError, match="no path of a URL"):
        check_path(path)
