"""A server that ends connections, and how often it is sent what it did not answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.useragent import UserAgent

from loadtests.kept_alive import send_again_as_browsers_do

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """What happens to each connection in turn: so many requests are answered, then the next one ends it."""

    def __init__(self, *answered: int) -> None:
        self._answered = answered
        self.requests: list[str] = []
        self.listening = socket.create_server(("127.0.0.1", 0))

    def serve(self) -> None:
        """Serves the connections of the script, and then refuses."""
        with self.listening, suppress(OSError):  # the test may end it while it waits
            self._serve()

    def _serve(self) -> None:
        for answered in self._answered:
            connection, _ = self.listening.accept()
            with connection, connection.makefile("rb") as incoming:
                for number in range(answered + 1):
                    request = incoming.readline().decode()
                    length = 0
                    while (header := incoming.readline().strip()) != b"":
                        name, _, value = header.partition(b":")
                        length = int(value) if name.lower() == b"content-length" else length
                    incoming.read(length)
                    if not request:
                        break
                    self.requests.append(request.split(" ")[0])
                    if number < answered:
                        connection.sendall(OK)


@contextmanager
def agent_to(script: Script) -> Iterator[tuple[UserAgent, str]]:
    """A client of a server that follows a script, and its URL."""
    serving = threading.Thread(target=script.serve)
    serving.start()
    agent = UserAgent(max_retries=0, concurrency=256, network_timeout=10)
    send_again_as_browsers_do(agent)
    try:
        yield agent, f"http://127.0.0.1:{script.listening.getsockname()[1]}/"
    finally:
        agent.close()
        with suppress(OSError):  # it has ended by itself
            script.listening.shutdown(socket.SHUT_RDWR)
        serving.join(10)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_sent_again_if_its_kept_alive_connection_ends_before_the_answer(method: str) -> None:
    """One answer on the first connection, which then ends without another: the second connection answers."""
    script = Script(1, 1)
    with agent_to(script) as (agent, url):
        for _ in range(2):
            response = agent.urlopen(url, method, payload=b"x" * 9999 if method == "POST" else None)
            assert response.content == b"ok"
    assert script.requests == [method] * 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_new_connection_that_ends_so_is_a_failure_at_once(method: str) -> None:
    """Nothing was kept alive, so there is nothing to blame but the server: it is sent once, not 256 times."""
    script = Script(0, 1)
    with agent_to(script) as (agent, url), pytest.raises((HTTPConnectionClosed, OSError)):
        agent.urlopen(url, method, payload=b"x" if method == "POST" else None)
    assert script.requests == [method]


def test_the_second_time_is_the_last() -> None:
    """A server that ends the new connection too gets no third."""
    script = Script(1, 0, 1)
    with agent_to(script) as (agent, url):
        assert agent.urlopen(url).content == b"ok"
        with pytest.raises((HTTPConnectionClosed, OSError)):
            agent.urlopen(url)
    assert script.requests == ["GET"] * 3
