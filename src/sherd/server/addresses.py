"""Absolute addresses for those who read the server by a standard, and names of records that are safe in them."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi import Request

from sherd.server.problems import Refusal
from sherd.server.services import Services

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_ESCAPED = re.compile(rb"~([0-9A-F]{2})")


def base_of(request: Request) -> str:
    """Where this server is found, with a slash at its end: as it is set up, else as the request calls it. The name that
    a request calls it by has been checked before."""
    services: Services = request.app.state.services
    return services.settings.public_url or f"{request.url.scheme}://{request.headers['host']}/"


def iiif_base(request: Request) -> str:
    """Under which all is found that IIIF asks for."""
    return base_of(request) + "iiif/"


def with_parameters(address: str, **given: str | int | None) -> str:
    """An address with those parameters that are given.

    >>> with_parameters("https://a.example/x", q="a b", page=None)
    'https://a.example/x?q=a+b'
    """
    kept = {name: value for name, value in given.items() if value is not None and value != ""}
    return f"{address}?{urlencode(kept)}" if kept else address


def token_of(record_id: str) -> str:
    """A record's identifier as one segment of a path that no proxy takes apart: what is not plain as ~ and two digits.

    >>> token_of("1987/10 a"), token_of("鼎"), token_of("..")
    ('1987~2F10~20a', '~E9~BC~8E', '~2E.')
    """
    data = record_id.encode("utf-8", "surrogatepass")
    token = "".join(chr(byte) if byte in _PLAIN else f"~{byte:02X}" for byte in data)
    return f"~2E{token[1:]}" if token.startswith(".") else token


def record_of(token: str) -> str:
    """The identifier again. Raises Refusal (unknown_record) where no record has this token."""
    try:
        data = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), token.encode("ascii"))
        found = data.decode("utf-8", "surrogatepass")
    except UnicodeError:
        raise Refusal("unknown_record") from None
    if token_of(found) != token:
        raise Refusal("unknown_record")
    return found
