"""A browser context that forgets nothing: every request, every error on the console, every refusal by the CSP."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError

_OWN_SCHEMES = ("blob:", "data:")
"""Addresses of what the page holds itself; the CSP says which of them it may use."""


@dataclass(frozen=True)
class Asked:
    """A request of the page: its method and its path with the query."""

    method: str
    path: str

    @property
    def route(self) -> str:
        """Method and path without the query."""
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass
class Watched:
    """What happened in a context since it was opened; `origin` is the only server that it may ask."""

    context: BrowserContext
    origin: str
    asked: list[Asked] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._on_request)
        self.context.on("console", self._on_console)
        self.context.on("weberror", self._on_error)
        self.context.on("page", self._on_page)

    def _on_page(self, page: Page) -> None:
        page.on("crash", lambda _: self.errors.append("the tab crashed"))

    def _on_request(self, request: Request) -> None:
        if request.url.startswith(self.origin + "/"):
            self.asked.append(Asked(request.method, request.url.removeprefix(self.origin)))
        elif not request.url.startswith(_OWN_SCHEMES):
            self.outside.append(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _on_error(self, error: WebError) -> None:
        self.errors.append(f"{error.error.name}: {error.error.message}\n{error.error.stack}")

    def expect_errors(self, *patterns: str) -> None:
        """Take errors on the console that match for part of what is tested."""
        self._expected.extend(patterns)

    @property
    def unexpected(self) -> list[str]:
        """The errors that nobody declared."""
        return [
            error for error in self.errors if not any(re.search(pattern, error) for pattern in self._expected)
        ]

    def routes(self, since: int = 0) -> list[str]:
        """Method and path of each request, in order, from a number on."""
        return [asked.route for asked in self.asked[since:]]

    def paths(self, route: str, since: int = 0) -> list[str]:
        """Path and query of each request of a route, in order."""
        return [asked.path for asked in self.asked[since:] if asked.route == route]

    def check(self) -> None:
        """Fail if the page asked somebody else, or if an error was on the console that was not declared."""
        assert not self.outside, "requests to others: " + ", ".join(self.outside)
        assert not self.unexpected, "errors on the console:\n" + "\n".join(self.unexpected)
