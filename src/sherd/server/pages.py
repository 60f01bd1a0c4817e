"""Rendering of pages: Jinja with everything escaped, and what every template may use."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from sherd.errors import SherdError
from sherd.search.words import Language, field_words, place_words, printable
from sherd.server.auth import ALLOWED, Permission, Principal
from sherd.server.page_words import language_for, words_in
from sherd.server.problems import Refusal, refusal_of
from sherd.types import Box

TEMPLATES = Path(__file__).parent / "templates"
BUILT = Path(__file__).parent / "static" / "built"
"""Where `make web` puts the page's modules."""
MENU = (("/", "search"), ("/review", "review"), ("/thesaurus", "terms"), ("/map", "map"), ("/board", "board"))
"""(address, name in `page_words`) of the pages that every page leads to."""
ADMIN_MENU = (("/ingest", "add"),)
"""Those that only an admin is led to."""
_ROW = re.compile(r" (?:row|line) (\d+)$")
environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def language_of(request: Request) -> Language:
    """The language of a page: `?lang=`, else what the browser asks for."""
    return language_for(request.query_params.get("lang"), request.headers.get("accept-language", ""))


def is_built() -> bool:
    """Whether the page's modules are there."""
    return (BUILT / "page.js").is_file()


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer.

    It knows `words`, `language`, `here(...)` (this address with other parameters), `place` (a box in words), `field` (a
    filter in words), `where` (a row of a table in words), `clean` (a text without what cannot be seen), `may(...)`
    (whether who asks has a permission) and `built` (whether the page's modules are there).
    """
    language = language_of(request)

    def here(path: str | None = None, /, **changed: str | None) -> str:
        kept: dict[str, str | None] = {} if path is not None else dict(request.query_params)
        if request.query_params.get("lang"):
            kept["lang"] = language
        kept |= changed
        given = urlencode({name: value for name, value in kept.items() if value is not None})
        return f"{path or request.url.path}{'?' if given else ''}{given}"

    def place(box: Box) -> str:
        return place_words(box, language)

    def may(permission: str) -> bool:
        principal: Principal | None = request.state.principal
        return principal is not None and Permission(permission) in ALLOWED[principal.role]

    words = words_in(language)
    html = environment.get_template(template).render(
        words=words,
        script_words=json.dumps(dict(words["script"]), ensure_ascii=False),
        built=is_built(),
        may=may,
        path=request.url.path,
        menu=[*MENU, *(ADMIN_MENU if may("administer") else ())],
        language=language,
        tag="zh-Hans" if language == "zh" else "en",
        other="en" if language == "zh" else "zh",
        here=here,
        place=place,
        field=lambda name: field_words(name, language),
        clean=printable,
        where=lambda text: _ROW.sub(words["ingest"]["row_of"], text),
        principal=request.state.principal,
        **values,
    )
    headers = {"Content-Language": "zh-Hans" if language == "zh" else "en", "Vary": "Accept-Language"}
    return HTMLResponse(html, status, headers)


def problem_page(request: Request, error: Exception, places: Sequence[str] = ()) -> HTMLResponse:
    """What went wrong, in the language of the page; what tells more about it is in English.

    Args:
        error: a Refusal, a SherdError, or an OSError of a folder that was to be read.
        places: texts such as the library's folder that must not be told.
    """
    refusal = _refusal(error, places)
    problem, detail = problem_words(request, refusal)
    return page(request, "problem.html", refusal.status_code, problem=problem, detail=detail)


def problem_words(request: Request, error: Exception, places: Sequence[str] = ()) -> tuple[str, str]:
    """(what went wrong in the language of the page, what tells more or '')."""
    refusal = _refusal(error, places)
    said = words_in(language_of(request))["problems"].get(refusal.code, refusal.title)
    return said, refusal.words


def _refusal(error: Exception, places: Sequence[str]) -> Refusal:
    if isinstance(error, OSError):
        return Refusal("source_unreadable")
    assert isinstance(error, (Refusal, SherdError))
    return error if isinstance(error, Refusal) else refusal_of(error, places)
