"""What every request passes before it is routed, as bare ASGI: numbering and headers, then what is refused unread."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sherd.server.leaving import while_there
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.settings import ServerSettings

_log = logging.getLogger(__name__)
_SAFE = ("GET", "HEAD", "OPTIONS")
_A_HEADER = 32
"""Bytes that a header counts besides its own: many small ones cost too."""
_LINGER_S, _LINGER_BYTES = 1.0, 8 * 1024 * 1024
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""On every answer, unless the route says otherwise of itself."""
UPLOADS = ("/api/v1/uploads", "/search-by-picture")
"""Where bodies may be large; they are read by the route, within limits."""
DELIVERY = "/ingest/receive"
"""Where files come in that are to be read in: whole museum photographs, read by the route too."""


def is_reading(method: str, path: str) -> bool:
    """Whether a request changes nothing, so that it may be given up at any moment.

    >>> is_reading("GET", "/"), is_reading("POST", "/api/v1/search"), is_reading("POST", "/api/v1/decisions")
    (True, True, False)
    """
    return method in _SAFE or path == "/api/v1/search" or path == "/reconcile" or path.startswith("/reconcile/")


async def send_refusal(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem."""
    response = refusal.response(scope.get("state", {}).get("request_id", ""))
    await response(scope, receive, send)


class Envelope:
    """The outermost layer: a number for each request, headers of safety, the count, and an answer to our own bugs."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        start, status = time.perf_counter(), 0

        async def enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, enveloped)
        except Exception:
            _log.exception("request %s failed", request_id)
            if not status:
                await send_refusal(Refusal("internal"), scope, receive, enveloped)
        finally:
            route = scope.get("route")
            self._metrics.answered(getattr(route, "path", ""), status, time.perf_counter() - start)


class Guard:
    """Refuses by name, origin and size, and takes in small bodies so that a slow sender holds nobody up."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise AssertionError("the server speaks HTTP only")
        try:
            upload = scope["method"] == "POST" and scope["path"] in (*UPLOADS, DELIVERY)
            limit = self._limit(scope["path"]) if upload else self._settings.max_body_bytes
            self._check(scope, limit)
            # What may be larger may take longer.
            total_s = self._settings.body_total_s * max(1.0, limit / self._settings.max_upload_bytes)
            body = _Body(receive, limit, self._settings.body_idle_s, total_s)
            if not upload:
                await body.take_in()
        except Refusal as refusal:
            self._metrics.refused(refusal.code)
            await send_refusal(refusal, scope, receive, _closing(receive, send))
            return
        if body.gone:
            self._metrics.gone()
        elif upload or not is_reading(scope["method"], scope["path"]):
            await self._app(scope, body.receive, body.answering(scope, send))
        elif not await while_there(lambda there: self._app(scope, body.receive, there), receive, send):
            self._metrics.gone()

    def _limit(self, path: str) -> int:
        return self._settings.max_delivery_bytes if path == DELIVERY else self._settings.max_upload_bytes

    def _check(self, scope: Scope, limit: int) -> None:
        headers = Headers(scope=scope)
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > self._settings.max_address_bytes:
            raise Refusal("address_too_long", f"{self._settings.max_address_bytes} bytes are taken")
        if (
            sum(len(name) + len(value) + _A_HEADER for name, value in scope["headers"])
            > self._settings.max_header_bytes
        ):
            raise Refusal("headers_too_large", f"{self._settings.max_header_bytes} bytes are taken")
        if not host_allowed(headers.getlist("host"), self._settings):
            raise Refusal("host_not_allowed", "call the server by its address, or start it with --name")
        if scope["method"] not in _SAFE:
            if not (same_origin(headers) or scope["state"].get("may_read")):
                raise Refusal("cross_origin", "send the request from a page of this server, or from no page")
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise Refusal("unsupported_type", "send the body as it is, not compressed")
        declared = headers.get("content-length", "0")
        if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
            raise Refusal("body_too_large", f"{limit} bytes are taken")


class _Body:
    """A request body under a limit of size and time."""

    def __init__(self, receive: Receive, limit: int, idle_s: float, total_s: float) -> None:
        self._receive, self._limit, self._idle_s = receive, limit, idle_s
        self._until = time.monotonic() + total_s
        self._size, self._ended = 0, False
        self._kept: Message | None = None
        self._refusal: Refusal | None = None
        self.gone = False

    async def take_in(self) -> None:
        """Read it all, to be given out at once later; raises Refusal."""
        pieces = []
        while not self._ended:
            message = await self._next()
            if message["type"] == "http.disconnect":
                self.gone = True
                return
            pieces.append(message.get("body", b""))
        self._kept = {"type": "http.request", "body": b"".join(pieces), "more_body": False}

    async def receive(self) -> Message:
        """For the application. A body that breaks the limit ends as if the sender had gone."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            return kept
        if self._refusal is not None:
            return {"type": "http.disconnect"}
        try:
            return await self._next()
        except Refusal as refusal:
            self._refusal = refusal
            return {"type": "http.disconnect"}

    def answering(self, scope: Scope, send: Send) -> Send:
        """`send`, but where the body was refused while the application read it, that is the answer."""
        answered = False

        async def instead(message: Message) -> None:
            nonlocal answered
            if self._refusal is None:
                await send(message)
            elif not answered:
                answered = True
                await send_refusal(self._refusal, scope, self._receive, _closing(self._receive, send))

        return instead

    async def _next(self) -> Message:
        if self._ended:
            return await self._receive()
        patience = min(self._idle_s, self._until - time.monotonic())
        try:
            async with asyncio.timeout(max(patience, 0)):
                message = await self._receive()
        except TimeoutError:
            raise Refusal("body_too_slow") from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._size > self._limit:
                raise Refusal("body_too_large", f"{self._limit} bytes are taken")
        return message


def _closing(receive: Receive, send: Send) -> Send:
    """`send` for an answer to a body that was not read to its end: no request can follow it.

    What still comes is read for a moment and thrown away: closing at once would reset the connection, and the answer
    would be lost on its way.
    """

    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                left = _LINGER_BYTES
                while left > 0:
                    came = await receive()
                    left -= len(came.get("body", b""))
                    if came["type"] != "http.request" or not came.get("more_body", False):
                        break
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return closing


def host_allowed(hosts: Iterable[str], settings: ServerSettings) -> bool:
    """Whether a browser may have been meant to come here: by a name that is ours, or by an address.

    A name that somebody else owns can be made to point here (DNS rebinding); an address cannot.

    >>> here = ServerSettings()
    >>> host_allowed(["127.0.0.1:8765"], here), host_allowed(["localhost"], here), host_allowed(["evil.example"], here)
    (True, True, False)
    """
    given = list(hosts)
    if len(given) != 1:
        return False
    name, public = _name(given[0]), urlsplit(settings.public_url).hostname or "localhost"
    if name in ("localhost", public, settings.host.lower(), *(one.lower() for one in settings.names)):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not is_loopback(settings.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def same_origin(headers: Headers) -> bool:
    """Whether a request that changes something comes from a page of this server, or from no page at all."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower()


def _name(host: str) -> str:
    """Of a Host header, without its port: 'localhost', '127.0.0.1', '::1'; '' where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""
