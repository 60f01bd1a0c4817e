"""The search page: a plain form that works without any script. The query is in the address, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from sherd.catalogue.facets import FacetValue
from sherd.catalogue.filters import FIELDS
from sherd.errors import SherdError
from sherd.search.words import Language, printable
from sherd.server.auth import Permission, needs
from sherd.server.named import named
from sherd.server.page_words import EXAMPLES, words_in
from sherd.server.pages import language_of, page, problem_page, problem_words
from sherd.server.problems import Refusal
from sherd.server.routes.search import keep_upload, read_query
from sherd.server.schemas import ImageForm, QueryForm
from sherd.server.services import Deadline, Services, Serving
from sherd.server.shown import Asked, Choice, choices_of, first_guess, meant_words, records_asked_with, shown_hits
from sherd.server.themes import Themes, asked_themes, shared_themes
from sherd.types import MAX_QUERY_CHARS, Answer

router = APIRouter(include_in_schema=False)
_MOSAIC, _VALUES = 24, 8
_FACETS = ("object_type", "motif", "theme", "material", "culture", "period", "licence", "rights")
"""In the order in which they are shown."""


@router.get("/", dependencies=[needs(Permission.READ)])
async def search_page(request: Request, services: Serving, deadline: Deadline) -> Response:
    """The form, and the hits of what is asked for."""
    given = request.query_params
    if "q" not in given and any(given.get(name) for name in ("text", "minus", "from", *FIELDS)):
        return _to_query(request, _form_of(given))
    form, answer, more, problem, detail = QueryForm.nothing(), None, False, "", ""
    if "q" in given:
        try:
            form = read_query(given["q"])
            answer, more = await services.search(form, deadline)
        except (Refusal, SherdError) as error:
            problem, detail = problem_words(request, error, services.places)
    language = language_of(request)
    if answer is None:
        start = await services.read(lambda: _start(services))
        return page(
            request, "search.html", 400 if problem else 200, form=form, problem=problem, detail=detail, fields=FIELDS,
            **start,
        )  # fmt: skip
    found = answer
    searcher, _ = await services.opened()
    shown, facets, asked = await services.read(
        lambda: (
            shown_hits(services.library, form, found.hits, language, _themes(services, form, found, language)),
            _choices(services, form),
            Asked.of(services.library, form),
        )
    )
    names = await services.read(
        lambda: {one.uri: named(services.describing.thesaurus, one.uri, language).name for one in found.understood}
    )
    return page(
        request,
        "results.html",
        form=form,
        asked=asked,
        shown=shown,
        line=first_guess(found.hits),
        guess_below=round(100 * searcher.settings.guess_below),
        judged=any(hit.probability is not None for hit in found.hits),
        understood=[meant_words(one, names[one.uri]) for one in found.understood],
        following=form.model_copy(update={"offset": form.offset + form.k}).short() if more else None,
        earlier=form.model_copy(update={"offset": max(form.offset - form.k, 0)}).short() if form.offset else None,
        facets=facets,
        fields=FIELDS,
        said=_message(found, language),
        problem="",
        detail="",
    )


@router.post("/search-by-picture", dependencies=[needs(Permission.READ)])
async def search_by_picture(
    request: Request,
    services: Serving,
    file: Annotated[UploadFile, File()],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Takes a picture from the form, and goes on to the page with the query in its address."""
    try:
        kept = await keep_upload(services, await file.read())
    except SherdError as error:
        return problem_page(request, error, services.places)
    words, image = printable(text)[:MAX_QUERY_CHARS].strip(), ImageForm(upload=kept.upload)
    return _to_query(request, QueryForm(text=words, image=image) if words else QueryForm(image=image))


def _start(services: Services) -> dict[str, object]:
    """What the page shows before anything is asked: how much there is, examples, and some pictures."""
    catalogue = services.library.catalogue
    records, pictures = catalogue.count()
    values = services.facets.values(most=_VALUES)
    own = [one.value for field in ("motif", "theme", "object_type") for one in values[field][:3]]
    every = max(pictures // _MOSAIC, 1)
    keys = catalogue.live_keys()[::every][:_MOSAIC]
    stored = catalogue.pictures_by_key(keys.tolist())
    mosaic = [
        (stored[key].sha256, stored[key].width, stored[key].height, shown[0].record_id, shown[0].title)
        for key, shown in catalogue.hits_for(keys).items()
        if key in stored
    ]
    return {"records": records, "pictures": pictures, "mosaic": mosaic, "examples": (own or list(EXAMPLES))[:8]}


def _themes(services: Services, form: QueryForm, found: Answer, language: Language) -> Themes:
    """The themes that hits share with the question, but for the records whose picture it is asked with."""
    own = records_asked_with(services.library, form)
    asked = asked_themes(services.describing, found.understood, own)
    names = [hit.record_id for hit in found.hits if hit.record_id not in own]
    return shared_themes(services.describing, asked, names, language)


def _choices(services: Services, form: QueryForm) -> list[tuple[str, list[Choice]]]:
    where = {field: tuple(values) for field, values in form.where.items()}
    values: Mapping[str, list[FacetValue]] = services.facets.values(where, most=_VALUES)
    return [(field, found) for field in _FACETS if (found := choices_of(form, field, values[field]))]


def _form_of(given: Mapping[str, str]) -> QueryForm:
    """The query of a form that was filled in, on top of the one that the page showed."""

    def said(name: str) -> str:
        return printable(given.get(name, ""))[:MAX_QUERY_CHARS].strip()

    try:
        base = read_query(given["from"]) if given.get("from") else QueryForm.nothing()
    except Refusal:
        base = QueryForm.nothing()
    where = {name: list(values) for name, values in base.where.items()}
    for name in FIELDS:
        if said(name) and said(name) not in where.get(name, []):
            where[name] = [*where.get(name, []), said(name)][:50]
    changed = {"text": said("text") or None, "minus": said("minus") or None, "where": where, "offset": 0}
    if said("text") != (base.text or ""):
        changed["plain"] = False
    return base.model_copy(update=changed)


def _to_query(request: Request, form: QueryForm) -> RedirectResponse:
    lang = request.query_params.get("lang")
    given = {"q": form.short()} | ({"lang": lang} if lang else {})
    return RedirectResponse(f"/?{urlencode(given)}", 303)


def _message(answer: Answer, language: Language) -> str:
    if answer.hits:
        return ""
    return printable(answer.message) if language == "en" else words_in(language)["search"]["nothing"]
