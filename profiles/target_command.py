"""A program of somebody's own, as a scenario or an option names it: split, found, and given its port."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from profiles.errors import OomproofError

PORT_WORD = "{port}"
"""Stands in a command for the port that the server is to listen on."""


def split_command(value: object) -> object:
    """Return the words of a command that is one line, split as a shell would; a list is taken as it is.

    Raises:
        ValueError: a quote is not closed, or there is no word.
    """
    words = value
    if isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"{error}. Close it, or write the command as a list") from None
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError('no command. Write a line such as "node server.js", or a list of its words')
    if not words[0]:
        raise ValueError("the program has no name. Begin with one")
    return tuple(map(check_text, words))


def check_path(path: str) -> str:
    """Return the path of a URL as it is, else raise ValueError with the way out."""
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise ValueError("no path of a URL. Write one such as /api/health")
    return path


def check_variable(name: str) -> str:
    """Return the name of a variable of the environment, else raise ValueError with the way out."""
    if not name or "=" in name:
        raise ValueError("no name of a variable. Write one without =, such as NODE_ENV")
    return check_text(name)


def check_text(text: str) -> str:
    """Return a text that a process can be given, else raise ValueError with the way out."""
    if "\0" in text:
        raise ValueError("holds a zero byte, which no process can be given. Leave it out")
    return text


def is_web_address(url: str) -> bool:
    """Return whether it is an http(s) address with a host, and a port where it names one."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that is not closed, a port beyond 65535
        return False


def with_port(command: Sequence[str], port: int) -> list[str]:
    """Return the command with the port in the places that are left for it."""
    return [word.replace(PORT_WORD, str(port)) for word in command]


def check_command(place: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Refuse a command that cannot be started; `place` is what named it.

    Raises:
        OomproofError: there is no such program, or it may not be executed.
    """
    program = command[0]
    path = environment.get("PATH", os.environ.get("PATH"))
    if shutil.which(program, path=path) is not None:
        return
    if os.path.dirname(program) and os.path.exists(program):  # noqa: PTH110, PTH120  # as the system takes it
        raise OomproofError(
            f"{place}: {program}: may not be executed. chmod +x it, or name its interpreter first."
        )
    raise OomproofError(f"{place}: {program}: no such program. Check its name, or give its whole path.")


def check_port_free(port: int) -> None:
    """Refuse a port that somebody listens on: who has it would answer in the server's place.

    Raises:
        OomproofError: it is taken, or may not be used.
    """
    try:
        with socket.create_server(("127.0.0.1", port)):
            return
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise OomproofError(
            f"port {port}: cannot be used ({why}). End what listens there, or give another --port."
        ) from None
