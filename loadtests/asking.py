"""How the preparation asks a server: each failure is one line that names the address and the way out."""

import os
import re
import ssl
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import requests
import urllib3

from loadtests.broken_connections import PrepareError, what_broke
from loadtests.given_headers import HeadersError, given_headers

CONNECT_S = 10.0
LOOK_S = 60.0
"""Longest silence of a server that only has to look something up."""
WORK_S = 900.0
"""Longest silence of a server that reads a document or makes speech."""

_T = TypeVar("_T")
_SHOWN = 200
_TITLE = re.compile(r"<title>([^<]*)", re.IGNORECASE)
_KINDS = {int: "a whole number", str: "a text", list: "a list", dict: "an object"}


class WrongUseError(PrepareError):
    """What was asked for cannot be: another option or another file is the way out."""


class Host:
    """A server at a base URL, over one session. Its user and password are taken out of the URL and never shown.

    Args:
        url: such as ``http://127.0.0.1:8000`` or ``https://user:password@reader.example``.
        option: which option the URL came from.
        insecure: whether TLS certificates go unchecked.

    Raises:
        WrongUseError: the URL is none of HTTP.
    """

    def __init__(self, url: str, option: str = "--host", *, insecure: bool = False) -> None:
        parts = _checked(url, option)
        self._parts = parts
        self._option = option
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy meant for the world must not stand before what is tested
        self._session.verify = not insecure and (_authorities(parts.scheme) or True)
        if insecure:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        if parts.username is not None:
            words = (parts.username, parts.password or "")
            self._session.auth = tuple(unquote(word).encode() for word in words)  # type: ignore[assignment]  # bytes are sent as they are, a str as Latin-1

        if option == "--host":  # what opens the server is nobody else's to know
            self._session.headers.update(_headers())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, method: str, path: str, *, silence_s: float = LOOK_S, **more: Any) -> requests.Response:
        """Sends one request. Statuses are left to the caller, but for redirects and 401.

        A redirect is refused: every request of every reader would be sent twice.

        Raises:
            PrepareError: no answer, a redirect, or the password is missing or wrong.
        """
        try:
            answer = self._session.request(
                method, self.url + path, timeout=(CONNECT_S, silence_s), allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise what_broke(error, method, self._parts, self.url + path, silence_s) from error
        if answer.is_redirect:
            raise self._redirected(path, answer.headers["Location"])
        if answer.status_code == 401:
            raise self._locked()
        return answer

    def ask_object(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Sends one request and returns the JSON object it is answered with.

        Raises:
            PrepareError: as for ``ask``, any status but 2xx, or no JSON object.
        """
        return object_of(self.ask(method, path, **more))

    def _redirected(self, path: str, location: str) -> PrepareError:
        target = urljoin(self.url + path, location)
        base = target.removesuffix(path) if target.endswith(path) else target
        return PrepareError(f"{self.url}: redirects to {target}. Use {self._option} {base}.")

    def _locked(self) -> PrepareError:
        if self._parts.username is not None:
            return PrepareError(f"{self.url}: the user or password of {self._option} is wrong (401).")
        to_say = self.url.replace("://", "://user:password@", 1)
        return PrepareError(f"{self.url}: asks for a password (401). Use {self._option} {to_say}.")


def object_of(answer: requests.Response) -> dict[str, Any]:
    """Returns the JSON object of an answer of 2xx.

    Raises:
        PrepareError: any other status, or no JSON object.
    """
    value = _json(answer)
    if not answer.ok:
        raise refusal(answer)
    if not isinstance(value, dict):
        kind = answer.headers.get("Content-Type", "").partition(";")[0] or "something of no type"
        kind = "other JSON" if value is not None else kind
        raise PrepareError(
            f"{answer.request.method} {answer.url}: the answer ({answer.status_code}) is {kind}, and no JSON object. "
            "Is this a document reader?"
        )
    return value


def refusal(answer: requests.Response) -> PrepareError:
    """Returns the error of an answer that is not 2xx."""
    return PrepareError(f"{answer.request.method} {answer.url}: {answer.status_code} {message_of(answer)}")


def message_of(answer: requests.Response) -> str:
    """Returns what an answer says for itself, on one line: its JSON's message, or the start of its text."""
    value = _json(answer)
    if isinstance(value, dict):
        inner = value.get("error")
        for fields in (value, inner if isinstance(inner, dict) else {}):
            if isinstance(fields.get("message"), str):
                return one_line(fields["message"])[:_SHOWN]
    if "html" in answer.headers.get("Content-Type", ""):
        title = _TITLE.search(answer.text)
        return "an HTML page" + (f": {one_line(title[1])[:_SHOWN]}" if title else "")
    return one_line(answer.text)[:_SHOWN] or answer.reason


def member(fields: object, name: str, kind: type[_T], where: str) -> _T:
    """Returns a member of a JSON object that has to be there.

    Raises:
        PrepareError: it is absent or of another type.
    """
    value = fields.get(name) if isinstance(fields, dict) else None
    if type(value) is kind:
        return value
    raise PrepareError(
        f"{where}: the answer has no {name!r} that is {_KINDS[kind]}. Is this a document reader?"
    )


def one_line(text: str) -> str:
    """Returns a text that a server may have written, as one line."""
    return " ".join(text.split())


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def _authorities(scheme: str) -> str | None:
    """Return the file of those who are trusted, if one is named: readers obey it by themselves, a mistake unseen."""
    path = os.environ.get("SSL_CERT_FILE")
    if path and scheme == "https":
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            reason = (
                error.reason.replace("_", " ").lower() if isinstance(error, ssl.SSLError) else error.strerror
            )
            raise WrongUseError(
                f"SSL_CERT_FILE={path}: {reason}. Name a PEM file of certificates."
            ) from error
    return path


def _headers() -> dict[str, str]:
    try:
        return given_headers()
    except HeadersError as error:
        raise WrongUseError(str(error)) from error


def _checked(url: str, option: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        shown = url.rpartition("@")[2]
        raise WrongUseError(f"{option}: {shown!r} is no address. Use one such as http://127.0.0.1:8000.")
    return parts
