"""The search page: a plain form that works without any script. The query is in the address, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from sherd.catalogue.filters import FIELDS
from sherd.errors import SherdError
from sherd.search.words import Language, covers, match_words, reason_words, understood_words
from sherd.server.auth import Permission, needs
from sherd.server.page_words import EXAMPLES, WORDS
from sherd.server.pages import language_of, page
from sherd.server.problems import Refusal, refusal_of
from sherd.server.routes.records import RecordQuery, record_told
from sherd.server.routes.search import keep_upload, read_query
from sherd.server.schemas import BoxForm, ImageForm, QueryForm
from sherd.server.services import Deadline, Serving
from sherd.types import MAX_QUERY_CHARS, Answer, Box, Hit

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A hit as the page shows it."""

    hit: Hit
    box: Box | None
    match: str
    reasons: str
    likely: str
    picture_query: str
    part_query: str


@router.get("/", dependencies=[needs(Permission.READ)])
async def search_page(request: Request, services: Serving, deadline: Deadline) -> Response:
    """The form, and the hits of what is asked for."""
    given = request.query_params
    if "q" not in given and any(given.get(name) for name in ("text", "minus", *FIELDS)):
        return _to_query(request, _form_of(given))
    form, answer, more, problem = QueryForm(), None, False, ""
    if "q" in given:
        try:
            form = read_query(given["q"])
            answer, more = await services.search(form, deadline)
        except (Refusal, SherdError) as error:
            refusal = error if isinstance(error, Refusal) else refusal_of(error, services.places)
            problem = refusal.words or refusal.title
    language = language_of(request)
    found = answer or None
    return page(
        request,
        "search.html",
        400 if problem else 200,
        form=form,
        shown=[_shown(hit, language) for hit in found.hits] if found else [],
        asked=found is not None,
        understood=[understood_words(one, language) for one in found.understood] if found else [],
        problem=problem,
        following=form.model_copy(update={"offset": form.offset + form.k}).short() if more else None,
        plain=form.model_copy(update={"plain": True, "offset": 0}).short(),
        picture=_picture_of(form),
        examples=EXAMPLES,
        fields=FIELDS,
        said=_message(found, language),
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
        refusal = refusal_of(error, services.places)
        return page(request, "problem.html", refusal.status_code, problem=refusal.words or refusal.title)
    words = text.replace("\0", " ").strip()[:MAX_QUERY_CHARS]
    return _to_query(request, QueryForm(text=words or None, image=ImageForm(upload=kept.upload)))


@router.get("/record", dependencies=[needs(Permission.READ)])
async def record_page(request: Request, services: Serving, id: RecordQuery) -> Response:
    """One record with its photographs."""
    try:
        record = await services.read(lambda: record_told(services, id))
    except Refusal as refusal:
        return page(request, "problem.html", refusal.status_code, problem=refusal.words or refusal.title)
    return page(request, "record.html", record=record, similar=lambda sha: _by_picture(sha, None))


def _form_of(given: Mapping[str, str]) -> QueryForm:
    """The query of a form that was filled in."""

    def said(name: str) -> str:
        return given.get(name, "").replace("\0", " ").strip()[:MAX_QUERY_CHARS]

    where = {name: [said(name)] for name in FIELDS if said(name)}
    image = None
    if given.get("image"):
        try:
            image = ImageForm.model_validate_json(given["image"])
        except ValidationError:
            image = None
    return QueryForm(text=said("text") or None, minus=said("minus") or None, where=where, image=image)


def _to_query(request: Request, form: QueryForm) -> RedirectResponse:
    lang = request.query_params.get("lang")
    given = {"q": form.short()} | ({"lang": lang} if lang else {})
    return RedirectResponse(f"/?{urlencode(given)}", 303)


def _shown(hit: Hit, language: Language) -> Shown:
    box = hit.region.box if hit.region is not None and not covers(hit.region.box) else None
    reasons = (", " if language == "en" else "，").join(
        f"{words} {share:.2f}" for words, share in reason_words(hit.reasons, language)
    )
    likely = WORDS[language]["likely"].format(round(100 * hit.probability)) if hit.probability is not None else ""
    return Shown(
        hit,
        box,
        match_words(hit, language),
        reasons,
        likely,
        _by_picture(hit.sha256, None),
        _by_picture(hit.sha256, hit.region.box if hit.region is not None else None),
    )


def _by_picture(sha256: str, box: Box | None) -> str:
    return QueryForm(image=ImageForm(picture=sha256), box=BoxForm.of(box) if box is not None else None).short()


def _picture_of(form: QueryForm) -> str | None:
    """Address of the query's picture."""
    if form.image is None:
        return None
    kind, name = ("uploads", form.image.upload) if form.image.upload else ("pictures", form.image.picture)
    return f"/api/v1/{kind}/{name}/thumbnail"


def _message(answer: Answer | None, language: Language) -> str:
    if answer is None or answer.hits:
        return ""
    return answer.message if language == "en" else WORDS[language]["nothing"]
