import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import PrepareError

Scripted = Callable[..., Any]


def test_an_authority_of_ones_own_is_named_by_the_environment(
    scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE is whom the preparation trusts, as the readers' TLS does by itself."""
    pem = tmp_path / "server.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {pem} -out {pem} -subj /CN=127.0.0.1"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = scripted(lambda _: (200, "text/plain", b"hello"), context)
    with Host(server.url) as host, pytest.raises(PrepareError, match="its certificate is not trusted"):
        host.ask("GET", "/")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with Host(server.url) as host:
        assert host.ask("GET", "/").status_code == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file or directory"), ("no certificate", "no certificate or crl found")],
    ids=["absent", "holds none"],
)
def test_a_file_of_authorities_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, reason: str
) -> None:
    """A mistake in SSL_CERT_FILE is told as one, but where no certificate is looked at it does not matter."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(WrongUseError, match=f"^SSL_CERT_FILE={path}: {reason}. Name a PEM file"):
        Host("https://127.0.0.1:9")
    Host("https://127.0.0.1:9", insecure=True)
    Host("http://127.0.0.1:9")
