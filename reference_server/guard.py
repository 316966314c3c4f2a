"""The guard around the application: who and what comes in, what every answer carries, and what is counted.

One middleware of cheap checks in place of one for each: thousands of readers pass it with every block.
"""

from __future__ import annotations

import logging
import time

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_server.basic_auth import CHALLENGE, Password
from reference_server.body_limits import MeteredBody, declares_more, largest_body
from reference_server.browser_rules import is_cross_site, with_security_headers
from reference_server.error_answers import error_response
from reference_server.fields import too_large
from reference_server.metrics import Metrics, method_label, route_label
from reference_server.settings import Settings

_log = logging.getLogger(__name__)

HEALTH_PATHS = frozenset({"/api/health", "/api/health/ready"})
"""Never behind the password, and answered however much there is to do. Compared with the path that the
router sees, character by character: whatever else leads there by another spelling needs the password."""

METRICS_PATH = "/metrics"
_NOBODY_THERE = 499
"""What a request without an answer counts as, as nginx does: the client had left."""

_WATCHED = HEALTH_PATHS | {METRICS_PATH}


class Guard:
    """An application around the application.

    It asks, in this order, for the right port, a site that may ask, the password, a body that is not too
    large, and room for one request more.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._password = (
            Password(settings.basic_auth_user, settings.basic_auth_password)
            if settings.basic_auth_user
            else None
        )
        self._in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        answer = _Answer(send)
        try:
            max_bytes = largest_body(scope["method"], scope["path"], self._settings)
            refusal = self._refusal(scope, max_bytes)
            if refusal is not None:
                await refusal(scope, receive, answer)
            else:
                body = MeteredBody(receive, max_bytes, self._settings.body_timeout_s, answer.has_begun)
                await self._serve(scope, body, answer)
        finally:
            self._tell(scope, answer, time.perf_counter() - began_s)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._in_work += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_work -= 1

    def _refusal(self, scope: Scope, max_bytes: int) -> Response | None:
        path, headers = scope["path"], dict(scope["headers"])
        if self._is_metrics_port(scope):
            return None if path in _WATCHED else error_response(404, "NOT_FOUND", "Not on this port.")
        if is_cross_site(scope["method"], headers):
            return error_response(403, "CROSS_SITE", "A page of another site may not change anything here.")
        if not (path in HEALTH_PATHS or self._admits(headers.get(b"authorization"))):
            message = "The user name and the password are asked for, by HTTP Basic."
            return error_response(401, "UNAUTHORIZED", message, headers=CHALLENGE)
        if declares_more(headers, max_bytes):
            refused = too_large(max_bytes)
            return error_response(refused.status, refused.code, refused.message)
        if self._in_work >= self._settings.max_requests and path not in _WATCHED:
            message = f"{self._in_work} requests are in work. Ask again."
            return error_response(503, "OVERLOADED", message, headers={"Retry-After": "1"})
        return None

    def _is_metrics_port(self, scope: Scope) -> bool:
        server = scope.get("server")
        return bool(self._settings.metrics_port and server and server[1] == self._settings.metrics_port)

    def _admits(self, authorization: bytes | None) -> bool:
        return self._password is None or self._password.admits(authorization)

    def _tell(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        method, route = method_label(scope["method"]), route_label(scope.get("route"))
        self._metrics.count_request(method, route, answer.status, seconds)
        if self._settings.log_requests:
            size = 0 if method == "HEAD" else answer.size_bytes
            fields = {"method": method, "route": route, "status": answer.status}
            _log.info(
                "%s %s %d, %.4f s, %d bytes",
                *fields.values(),
                seconds,
                size,
                extra={**fields, "seconds": round(seconds, 6), "bytes": size},
            )


class _Answer:
    """A request's `send`, which adds the headers that every answer has and notes what went out."""

    __slots__ = ("_send", "size_bytes", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = _NOBODY_THERE
        self.size_bytes = 0

    def has_begun(self) -> bool:
        """Return whether something was answered."""
        return self.status != _NOBODY_THERE

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = with_security_headers(message.get("headers", ()))
        await self._send(message)
        # Afterwards: of a file's `count` the server leaves what went out.
        self.size_bytes += len(message.get("body", b"")) + message.get("count", 0)
