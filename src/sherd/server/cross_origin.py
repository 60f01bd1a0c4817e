"""Which pages of other sites may read what is served by a standard; nothing else of the server is for other sites.

A server without tokens answers whoever can reach it, so any page that a person of this machine opens could read the
collection: only pages of this machine may, and those that are named. Where a token is needed all may, for a page does
not get the cookie of another site. Where everybody may read, the server may still be one that only some can reach.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sherd.server.layers import is_loopback
from sherd.server.settings import ServerSettings

_EXPOSED = "Link, ETag, Content-Language, Retry-After"


class CrossOrigin:
    """The layer: answers what browsers ask beforehand, and adds the headers that let a page read an answer."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_shared(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        allowed = bool(origin) and origin_allowed(origin, self._settings)
        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            told = {
                "Access-Control-Allow-Methods": "GET, POST",
                "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept, Accept-Language",
                "Access-Control-Max-Age": "600",
            }
            await Response(status_code=204, headers=told)(scope, receive, self._opening(send, origin, shown=True))
            return
        # Asking by POST changes nothing here; see `Guard`.
        scope["state"]["may_read"] = allowed
        shown = allowed or origin_allowed(_origin_of(headers.get("referer", "")), self._settings)
        await self._app(scope, receive, self._opening(send, origin if allowed else "", shown=shown))

    def _opening(self, send: Send, origin: str, *, shown: bool) -> Send:
        """`send` with headers: for a page that reads, and for one that only shows a picture, of which a browser tells
        no origin but, if it is not forbidden to, the address."""
        open_to_all = is_open(self._settings)

        async def opening(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cross-Origin-Resource-Policy"] = "cross-origin" if open_to_all or shown else "same-origin"
                headers.add_vary_header("Origin")
                if origin:
                    headers["Access-Control-Allow-Origin"] = "*" if open_to_all else origin
                    headers["Access-Control-Expose-Headers"] = _EXPOSED
            await send(message)

        return opening


def is_shared(path: str) -> bool:
    """Whether others may read what is at this path.

    >>> is_shared("/iiif/changes"), is_shared("/reconcile"), is_shared("/reconcile/en"), is_shared("/api/v1/records")
    (True, True, True, False)
    """
    return path.startswith(("/iiif/", "/reconcile/")) or path == "/reconcile"


def is_open(settings: ServerSettings) -> bool:
    """Whether pages of every site may read."""
    return (settings.tokens_required and not settings.open_reading) or "*" in settings.origins


def origin_allowed(origin: str, settings: ServerSettings) -> bool:
    """Whether pages of this origin may read.

    >>> here = ServerSettings(origins=("https://viewer.example",))
    >>> [origin_allowed(one, here) for one in ("http://127.0.0.1:3333", "https://viewer.example", "https://a.example")]
    [True, True, False]
    """
    if is_open(settings) or origin in settings.origins:
        return True
    try:
        return is_loopback((urlsplit(origin).hostname or "").lower())
    except ValueError:
        return False


def _origin_of(address: str) -> str:
    """Of an address; '' where it has none."""
    try:
        found = urlsplit(address)
        return f"{found.scheme}://{found.netloc}" if found.hostname else ""
    except ValueError:
        return ""


def framing(settings: ServerSettings) -> str:
    """For a Content-Security-Policy: whose pages may show a page of ours within theirs."""
    return "*" if is_open(settings) else " ".join(("http://127.0.0.1:*", "http://localhost:*", *settings.origins))
