"""Rendering of pages: Jinja with everything escaped, and what every template may use."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from sherd.search.words import Language, field_words, place_words, printable
from sherd.server.page_words import WORDS, language_for
from sherd.types import Box

TEMPLATES = Path(__file__).parent / "templates"
environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def language_of(request: Request) -> Language:
    """The language of a page: `?lang=`, else what the browser asks for."""
    return language_for(request.query_params.get("lang"), request.headers.get("accept-language", ""))


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A template as an answer. It knows `words`, `language`, `here(...)` (this address with other parameters),
    `place` (a box in words), `field` (a filter in words) and `clean` (a text that is safe to show)."""
    language = language_of(request)

    def here(path: str | None = None, **changed: str | None) -> str:
        kept: dict[str, str | None] = {} if path is not None else dict(request.query_params)
        if request.query_params.get("lang"):
            kept["lang"] = language
        kept |= changed
        given = urlencode({name: value for name, value in kept.items() if value is not None})
        return f"{path or request.url.path}{'?' if given else ''}{given}"

    def place(box: Box) -> str:
        return place_words(box, language)

    html = environment.get_template(template).render(
        words=WORDS[language],
        language=language,
        tag="zh-Hans" if language == "zh" else "en",
        other="en" if language == "zh" else "zh",
        here=here,
        place=place,
        field=lambda name: field_words(name, language),
        clean=printable,
        principal=request.state.principal,
        **values,
    )
    headers = {"Content-Language": "zh-Hans" if language == "zh" else "en", "Vary": "Accept-Language"}
    return HTMLResponse(html, status, headers)
