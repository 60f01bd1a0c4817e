"""Who asks, and what they may: tokens with roles, and a permission declared by every route."""

from __future__ import annotations

import getpass
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sherd.errors import CorruptData, InvalidArgument
from sherd.server.layers import send_refusal
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.settings import ServerSettings

COOKIE = "sherd_token"
TOKENS = "tokens.json"
_NAME = re.compile(r"[\w][\w .@-]{0,63}")
_PREFIX = "sherd_"


class Role(StrEnum):
    """Each may what the one before may. A visitor has no token; the others are roles of tokens."""

    VISITOR = "visitor"
    READER = "reader"
    CURATOR = "curator"
    ADMIN = "admin"


TOKEN_ROLES = (Role.READER, Role.CURATOR, Role.ADMIN)


class Permission(StrEnum):
    """What a route needs. `PUBLIC` needs nothing; `OBSERVE` is to read what is for the house: who decided what, and how
    the server fares."""

    PUBLIC = "public"
    READ = "read"
    OBSERVE = "observe"
    DECIDE = "decide"
    ADMINISTER = "administer"


ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.VISITOR: frozenset({Permission.PUBLIC, Permission.READ}),
    Role.READER: frozenset({Permission.PUBLIC, Permission.READ, Permission.OBSERVE}),
    Role.CURATOR: frozenset({Permission.PUBLIC, Permission.READ, Permission.OBSERVE, Permission.DECIDE}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. token: number of the token; '' where none is needed, and then `name` may be said by the asker."""

    name: str
    role: Role
    token: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: never itself, only the SHA-256 of it, which has 256 bits of chance in it."""

    number: str
    name: str
    role: Role
    sha256: str
    made: str


class Tokens:
    """The tokens of a library, in a file of its folder that only its owner may read; changes count at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()
        self._lock = threading.Lock()

    def all(self) -> tuple[Token, ...]:
        """Oldest first.

        Raises:
            CorruptData: the file is there and cannot be used.
        """
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            return ()
        with self._lock:
            if self._stamp != (stat.st_mtime_ns, stat.st_ino):
                self._tokens, self._stamp = self._read(), (stat.st_mtime_ns, stat.st_ino)
            return self._tokens

    def add(self, name: str, role: Role) -> tuple[Token, str]:
        """A new token, and its secret, which is told this once.

        Raises:
            InvalidArgument: the name is none, or is taken, or the role is none of a token.
        """
        if role not in TOKEN_ROLES:
            raise InvalidArgument(f"role {role!r}: give {', '.join(TOKEN_ROLES)}")
        there = self.all()
        if not _NAME.fullmatch(name):
            raise InvalidArgument(f"token name {name!r}: 1 to 64 letters, digits, spaces and . @ - _")
        if any(one.name == name for one in there):
            raise InvalidArgument(f"there is a token {name!r} already; revoke it, or choose another name")
        secret = _PREFIX + secrets.token_urlsafe(32)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        token = Token(secrets.token_hex(4), name, role, _digest(secret), made)
        self._write((*there, token))
        return token, secret

    def revoke(self, number_or_name: str) -> Token:
        """Take a token away.

        Raises:
            InvalidArgument: there is none such.
        """
        there = self.all()
        gone = next((one for one in there if number_or_name in (one.number, one.name)), None)
        if gone is None:
            raise InvalidArgument(f"there is no token {number_or_name!r}; `sherd serve token list` tells them")
        self._write(tuple(one for one in there if one is not gone))
        return gone

    def principal(self, secret: str) -> Principal | None:
        """Whose token it is. Takes the same time whether one is right, and whichever is."""
        digest, found = _digest(secret), None
        for one in self.all():
            if hmac.compare_digest(one.sha256, digest):
                found = Principal(one.name, one.role, one.number)
        return found

    def _read(self) -> tuple[Token, ...]:
        try:
            rows: list[dict[str, Any]] = json.loads(self._file.read_text("utf-8"))["tokens"]
            return tuple(Token(**{**row, "role": Role(row["role"])}) for row in rows)
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptData(f"{self._file}: cannot be read; remove it and add the tokens again") from error

    def _write(self, tokens: tuple[Token, ...]) -> None:
        unfinished = self._file.with_suffix(f".{os.getpid()}.part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({"tokens": [asdict(one) for one in tokens]}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(self._file)


class Identify:
    """The layer that tells who asks, and sends away whoever needs a token and has none that is right."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, tokens: Tokens, metrics: Metrics) -> None:
        self._app, self._settings, self._tokens, self._metrics = app, settings, tokens, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = secret_of(Headers(scope=scope))
        principal = None
        if given is not None:
            principal = self._tokens.principal(given)
        elif self._settings.open_reading:
            principal = Principal("visitor", Role.VISITOR)
        elif not self._settings.tokens_required:
            principal = Principal(_own_name(), Role.ADMIN)
        scope["state"]["principal"] = principal
        if given is not None and principal is None and not is_public(scope["path"]):
            self._metrics.refused("unauthorized")
            await self._send_away(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _send_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        if wants_page(Headers(scope=scope), scope["method"], scope["path"]):
            await to_login(scope["path"])(scope, receive, send)
        else:
            await send_refusal(Refusal("unauthorized", "the token is not known, or was revoked"), scope, receive, send)


class Needs:
    """A route's permission, as a dependency: `dependencies=[needs(Permission.READ)]`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> None:  # async, or each request would go through a thread for it
        principal: Principal | None = request.state.principal
        if self.permission is Permission.PUBLIC:
            return
        allowed = principal is not None and self.permission in ALLOWED[principal.role]
        if principal is None or (principal.role is Role.VISITOR and not allowed):
            raise Refusal("unauthorized", "send `Authorization: Bearer TOKEN`; `sherd serve token add` makes one")
        if not allowed:
            raise Refusal("forbidden", f"a {principal.role} may not {self.permission}")


def needs(permission: Permission) -> Any:
    """Declares what a route needs; see `Needs`."""
    return Depends(Needs(permission))


def permission_of(dependencies: list[Any]) -> Permission | None:
    """What a route's dependencies declare; None where they do not."""
    declared = [one.dependency.permission for one in dependencies if isinstance(one.dependency, Needs)]
    return declared[0] if len(declared) == 1 else None


def principal_of(request: Request) -> Principal:
    """Who asks, in a route that needs a permission."""
    principal: Principal = request.state.principal
    return principal


def secret_of(headers: Headers) -> str | None:
    """The token of a request: of the Authorization header, else of the cookie. Never of the address."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def is_public(path: str) -> bool:
    """Whether a token that is not right is no reason to refuse."""
    return path.startswith(("/health/", "/static/", "/login"))


def wants_page(headers: Headers, method: str, path: str) -> bool:
    """Whether a person with a browser asks for a page."""
    return method == "GET" and "text/html" in headers.get("accept", "") and not path.startswith("/api/")


def to_login(path: str) -> RedirectResponse:
    return RedirectResponse(f"/login?next={quote(path)}", 303)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _own_name() -> str:
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return "somebody"
