"""Logging in with a token, for browsers: kept in a cookie that scripts cannot read and other sites cannot send."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from sherd.server.auth import COOKIE, Permission, needs
from sherd.server.pages import page
from sherd.server.services import Serving

router = APIRouter(include_in_schema=False)


@router.get("/login", dependencies=[needs(Permission.PUBLIC)])
async def login_page(request: Request) -> Response:
    """The form that asks for a token."""
    return page(request, "login.html", wrong=False, next=own_path(request.query_params.get("next", "/")))


@router.post("/login", dependencies=[needs(Permission.PUBLIC)])
async def log_in(
    request: Request,
    services: Serving,
    token: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=2_000)] = "/",
) -> Response:
    """Takes the token, and goes on to where the person wanted to be."""
    if services.tokens.principal(token.strip()) is None:
        return page(request, "login.html", 401, wrong=True, next=own_path(next))
    answer = RedirectResponse(own_path(next), 303)
    answer.set_cookie(
        COOKIE, token.strip(), httponly=True, samesite="lax", secure=request.url.scheme == "https", max_age=30 * 86_400
    )
    return answer


@router.post("/logout", dependencies=[needs(Permission.PUBLIC)])
async def log_out() -> Response:
    """Forgets the token."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer


def own_path(path: str) -> str:
    """`path` where it is one of this server, else '/': nobody is led elsewhere after logging in.

    >>> own_path("/record?id=1"), own_path("//evil.example"), own_path("https://evil.example"), own_path("/\\\\evil")
    ('/record?id=1', '/', '/', '/')
    """
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"
