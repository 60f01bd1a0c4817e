"""Reviewing: groups of look-alike parts, records one by one, what was decided, and how far the collection is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from sherd.catalogue import concepts, decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.errors import DecisionConflict, SherdError
from sherd.search.words import Language, covers
from sherd.server.auth import Permission, needs, principal_of
from sherd.server.named import Named, named
from sherd.server.page_words import words_in
from sherd.server.pages import language_of, page, problem_page
from sherd.server.problems import Refusal
from sherd.server.reviewing import Entry, entries, frames
from sherd.server.routes.decisions import who_decides
from sherd.server.routes.records import RecordQuery, find_record
from sherd.server.schemas import MAX_ID_CHARS
from sherd.server.services import Services, Serving
from sherd.server.shown import Frame, title_in
from sherd.suggest import review
from sherd.suggest.clusters import Member, decide_cluster
from sherd.suggest.suggest import Suggester, SuggestSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.types import Action, Box, Decision, Proposal, Suggestion

router = APIRouter(include_in_schema=False)
FACET, LEAST = "motif", 5
_SHOWN_GROUPS, _LOG, _MOST_UNDONE = 24, 400, 2_000
_PREFIX = "does-"
Facet = Annotated[str, Query(max_length=200, description="Of the thesaurus.")]
Least = Annotated[int, Query(ge=2, le=1_000, description="Records of a group.")]
Short = Annotated[str, Form(max_length=2_000)]


@dataclass(frozen=True, slots=True)
class Card:
    """A suggestion as the page shows it. odds: in how many of 10 cases such a one is right, None where nobody knows."""

    number: int
    concept: Named
    odds: int | None
    strange: bool
    catalogued: bool
    frame: Frame | None
    image: str
    place: str
    probability: str
    examples: tuple[Frame, ...]
    narrower: tuple[tuple[Named, tuple[Frame, ...]], ...]


@router.get("/review", dependencies=[needs(Permission.OBSERVE)])
async def review_page(request: Request, services: Serving, facet: Facet = FACET, least: Least = LEAST) -> Response:
    """Where the collection stands, groups that wait, and what was decided last."""
    language = language_of(request)
    if not await services.read(lambda: _has_thesaurus(services)):
        return page(request, "no_thesaurus.html")
    try:
        _, worker = await services.opened()
        progress = await services.reviewing.progress(worker.encoder, language)
        groups = await services.reviewing.groups(worker.encoder, facet, least, language)
        queue = await services.reviewing.queue(worker.encoder)
        log = await services.read(lambda: _log(services, language))
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    return page(
        request, "review.html", progress=progress, groups=groups[:_SHOWN_GROUPS], count=len(groups), facet=facet,
        least=least, queue=queue, log=log[:20], done=request.query_params.get("done", ""),
    )  # fmt: skip


@router.get("/review/group", dependencies=[needs(Permission.OBSERVE)])
async def group_page(
    request: Request,
    services: Serving,
    name: Annotated[str, Query(pattern="^[0-9a-f]{10}$")],
    facet: Facet = FACET,
    least: Least = LEAST,
) -> Response:
    """One group, to decide about all of it at once."""
    language = language_of(request)
    try:
        _, worker = await services.opened()
        group = await services.reviewing.group(worker.encoder, facet, least, name, language)
        groups = await services.reviewing.groups(worker.encoder, facet, least, language)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    if group is None:
        return problem_page(request, Refusal("unknown_group"))
    others = [one.name for one in groups if one.name != name and len(one.decided) < len(one.members)]
    return page(
        request, "review_group.html", group=group, facet=facet, least=least, following=others[0] if others else None,
        who=principal_of(request), done=request.query_params.get("done", ""),
    )  # fmt: skip


@router.post("/review/group", dependencies=[needs(Permission.DECIDE)])
async def decide_group(
    request: Request,
    services: Serving,
    name: Annotated[str, Form(pattern="^[0-9a-f]{10}$")],
    concept: Short,
    does: Annotated[str, Form(pattern="^(accept|refuse)$")],
    without: Annotated[list[str] | None, Form()] = None,
    other: Short = "",
    who: Annotated[str, Form(max_length=200)] = "",
    facet: Annotated[str, Form(max_length=200)] = FACET,
    least: Annotated[int, Form(ge=2, le=1_000)] = LEAST,
) -> Response:
    """The concept holds, or does not, of every member but those that were left out; all or none."""

    def decide(suggester: Suggester) -> list[int]:
        uri = review.uri_of(services.library, other.strip() or concept)
        assert uri is not None
        made = decide_cluster(
            services.reviewing.clusters(suggester, facet, least), name, uri, whose, without=without or [],
            refuse=does == "refuse",
        )  # fmt: skip
        return [one.number for one in review.decide(services.library, made)]

    try:
        whose = who_decides(request, who.strip() or None)
        _, worker = await services.opened()
        numbers = await services.proposer.use(worker.encoder, decide)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    return _onward(request, "/review", {"facet": facet, "least": str(least)}, numbers)


@router.get("/review/record", dependencies=[needs(Permission.OBSERVE)])
async def review_record(request: Request, services: Serving, id: RecordQuery | None = None) -> Response:
    """What the machine suggests for a record, to be decided; without a record, for the next that waits."""
    language = language_of(request)
    try:
        _, worker = await services.opened()
        if not await services.read(lambda: _has_thesaurus(services)):
            return page(request, "no_thesaurus.html")
        queue = await services.reviewing.queue(worker.encoder)
        if id is None:
            if not queue:
                return page(request, "review_done.html")
            id = queue[0]
        record, _ = await services.read(lambda: find_record(services, id))
        seen = await services.read(lambda: services.last_decision(id))

        def tell(suggester: Suggester, proposals: list[Proposal]) -> tuple[list[tuple[Named, list[Card]]], bool]:
            return _cards(services, suggester, proposals, language), bool(suggester.warnings())

        settings = SuggestSettings(unjudged=True)
        facets, unsure = await services.proposer.propose(worker.encoder, id, None, settings, tell)
        log = await services.read(lambda: _log(services, language, id))
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    shown = frames(services.library, [Member(id, image.path, Box(0, 0, 1, 1)) for image in record.images[:1]])
    return page(
        request, "review_record.html", record=record, title=title_in(record.titles, language) or id,
        facets=[(facet, new) for facet, cards in facets if (new := [one for one in cards if not one.catalogued])],
        written=[one for _, cards in facets for one in cards if one.catalogued], unsure=unsure, seen=seen, log=log,
        frame=next(iter(shown.values()), None), left=len(queue),
        following=next((one for one in queue if one != id), None), who=principal_of(request),
        done=request.query_params.get("done", ""),
    )  # fmt: skip


@router.post("/review/record", dependencies=[needs(Permission.DECIDE)])
async def decide_record(request: Request, services: Serving) -> Response:
    """What was chosen for each suggestion of a record; all or none, and none where somebody else decided meanwhile."""
    form = await request.form(max_files=0, max_fields=500)
    given = {name: str(value)[: MAX_ID_CHARS * 4] for name, value in form.items()}
    record = given.get("record", "")
    try:
        whose = who_decides(request, given.get("who", "").strip() or None)
        made = _chosen(given, record, whose, services)
        seen = {record: int(given.get("seen", "0"))}
        numbers = []
        if made:
            kept = await services.read(lambda: review.decide(services.library, made, seen=seen))
            numbers = [one.number for one in kept]
    except (ValueError, KeyError):
        return page(
            request, "problem.html", 400, problem=words_in(language_of(request))["review"]["not_chosen"], detail=""
        )
    except DecisionConflict as error:
        return page(request, "conflict.html", 409, problem=str(error), record=record)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    target = {"id": given["next"]} if given.get("next") else {"id": record}
    return _onward(request, "/review/record", target, numbers)


@router.post("/review/undo", dependencies=[needs(Permission.DECIDE)])
async def undo(
    request: Request,
    services: Serving,
    numbers: Annotated[str, Form(pattern="^[0-9]+(,[0-9]+)*$", max_length=8_000)],
    who: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Takes decisions back; that is a decision too, and stays in the log."""
    wanted = {int(one) for one in numbers.split(",")}
    database = services.library.catalogue.database

    def take_back() -> None:
        if max(wanted) - min(wanted) > _MOST_UNDONE:
            raise Refusal("invalid_argument", "these decisions were not made at once")
        found = decisions.page(database, min(wanted) - 1, max(wanted) - min(wanted) + 1)
        made = [review.undo(one, whose) for one in found if one.number in wanted]
        review.decide(services.library, made)

    try:
        whose = who_decides(request, who.strip() or None)
        await services.read(take_back)
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    return _onward(request, "/review", {}, [])


@router.post("/review/learn", dependencies=[needs(Permission.DECIDE)])
async def learn(request: Request, services: Serving) -> Response:
    """Suggestions learn from what was decided."""
    await services.proposer.learn()
    return _onward(request, "/review", {}, [])


@router.post("/review/thesaurus", dependencies=[needs(Permission.ADMINISTER)])
async def bring_in_thesaurus(request: Request, services: Serving) -> Response:
    """Brings Sherd's own thesaurus into the library."""

    def bring_in() -> None:
        with services.library.writer():
            import_thesaurus(services.library.catalogue.database, builtin_thesaurus(), name=_own_name())

    try:
        await services.read(bring_in)
        await services.proposer.learn()
    except (Refusal, SherdError) as error:
        return problem_page(request, error, services.places)
    return _onward(request, "/review", {}, [])


def _own_name() -> str:
    return builtin_thesaurus().scheme or "builtin"


def _has_thesaurus(services: Services) -> bool:
    return bool(concepts.stored_thesauri(services.library.catalogue.database))


def _cards(
    services: Services, suggester: Suggester, proposals: list[Proposal], language: Language
) -> list[tuple[Named, list[Card]]]:
    """By facet, in the suggester's thread."""
    found = []
    number = 0
    for proposal in proposals:
        cards = []
        for one in proposal.suggestions:
            number += 1
            cards.append(_card(services, suggester, number, one, proposal.strange, language))
        if cards:
            top = cards[0].concept.path[0][1] if cards[0].concept.path else cards[0].concept.uri
            found.append((named(suggester.thesaurus, top, language), cards))
    return found


def _card(
    services: Services, suggester: Suggester, number: int, one: Suggestion, strange: bool, language: Language
) -> Card:
    box = one.region.box if one.region is not None and not covers(one.region.box) else None
    place = Member(one.record_id, one.image, box or Box(0, 0, 1, 1))
    frame = frames(services.library, [place]).get(place)
    if frame is not None and box is None:
        frame = replace(frame, box=None)
    thesaurus = suggester.thesaurus
    below = thesaurus.narrower(one.concept)
    return Card(
        number,
        named(suggester.thesaurus, one.concept, language),
        round(10 * one.probability) if one.probability is not None else None,
        strange,
        one.catalogued,
        frame,
        one.image,
        ",".join(f"{side:.6f}" for side in (box.x, box.y, box.w, box.h)) if box is not None else "",
        "" if one.probability is None else str(one.probability),
        services.reviewing.examples(suggester, one.concept),
        tuple(
            (named(suggester.thesaurus, uri, language), services.reviewing.examples(suggester, uri)) for uri in below
        ),
    )


def _chosen(given: dict[str, str], record: str, who: str, services: Services) -> list[Decision]:
    """The decisions of the form of a record. Raises ValueError where it is none of ours."""
    made = []
    model = services.library.catalogue.encoder_fingerprint() or ""
    at = review.now()
    for name, does in given.items():
        if not name.startswith(_PREFIX) or does == "skip":
            continue
        number = name.removeprefix(_PREFIX)
        concept = given[f"concept-{number}"]
        narrower = given.get(f"narrower-{number}", "")
        action = {"accept": Action.ACCEPT, "refuse": Action.REJECT, "narrow": Action.NARROW}[does]
        if action is Action.NARROW and not narrower:
            raise ValueError("no narrower term was chosen")
        sides = given.get(f"place-{number}", "")
        box = Box(*map(float, sides.split(","))) if sides else None
        likely = given.get(f"probability-{number}", "")
        made.append(
            Decision(
                record, action, who, at, concept=concept, value=narrower if action is Action.NARROW else None,
                image=given.get(f"image-{number}") or None if box is not None else None, box=box, model=model,
                probability=float(likely) if likely else None,
            )
        )  # fmt: skip
    if other := given.get("other", "").strip():
        made.append(Decision(record, Action.OTHER, who, at, value=review.uri_of(services.library, other)))
    return made


def _log(services: Services, language: Language, record: str | None = None) -> list[Entry]:
    """The last decisions, of all or about one record; the newest first."""
    database = services.library.catalogue.database
    if record is not None:
        kept = decisions.about(database, [record]).get(record, [])
    else:
        last = decisions.head(database).number
        kept = decisions.page(database, max(last - _LOG, 0), _LOG)
    thesaurus = services.describing.thesaurus
    uris = {uri for one in kept for uri in (one.decision.value, one.decision.concept) if uri}
    return entries(kept, {uri: named(thesaurus, uri, language) for uri in uris})


def _onward(request: Request, path: str, given: dict[str, str], numbers: list[int]) -> RedirectResponse:
    """To a page, which says how many decisions were kept and takes them back if asked."""
    lang = request.query_params.get("lang")
    given = given | ({"done": ",".join(map(str, numbers))} if numbers else {}) | ({"lang": lang} if lang else {})
    return RedirectResponse(f"{path}?{urlencode(given)}" if given else path, 303)
