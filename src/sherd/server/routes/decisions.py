"""What people decided: made, kept in their chain, and read again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from sherd.catalogue import decisions
from sherd.catalogue.decisions import Kept
from sherd.errors import DecisionConflict, InvalidArgument
from sherd.server.auth import Permission, needs, principal_of
from sherd.server.problems import Refusal
from sherd.server.repeats import IdempotencyKey
from sherd.server.schemas import (
    BoxForm,
    DecisionForm,
    DecisionPage,
    DecisionsForm,
    DecisionsTold,
    DecisionTold,
    problems,
)
from sherd.server.services import Services, Serving
from sherd.suggest import review
from sherd.types import Action, Decision

router = APIRouter(prefix="/api/v1", tags=["decisions"])


@router.post(
    "/decisions",
    response_model=DecisionsTold,
    status_code=201,
    responses=problems(404, 409, 507),
    dependencies=[needs(Permission.DECIDE)],
)
async def decide(
    request: Request, form: DecisionsForm, services: Serving, idempotency_key: IdempotencyKey = None
) -> DecisionsTold:
    """Keep decisions, all or none; they are on disk when this answers.

    Each says the number of the last decision about its record that was `seen` (0: none). Where somebody else has
    decided since, nothing is kept, and the answer (409) has what was decided.
    """
    who = who_decides(request, form.who)
    return await services.repeats.once(request, idempotency_key, lambda: _decided(services, form, who))


async def _decided(services: Services, form: DecisionsForm, who: str) -> DecisionsTold:
    made = [_decision(one, who) for one in form.decisions]
    seen: dict[str, int] = {}
    for one in form.decisions:
        seen[one.record_id] = min(one.seen, seen.get(one.record_id, one.seen))
    there = await services.read(lambda: services.library.catalogue.keys_of(list(seen)))
    if gone := [one.record_id for one in form.decisions if one.action != "undo" and one.record_id not in there]:
        raise Refusal("unknown_record", f"there is no record {gone[0]!r}")
    try:
        kept = await services.read(lambda: review.decide(services.library, made, seen=seen))
    except DecisionConflict as error:
        newer = await services.read(lambda: decisions.about(services.library.catalogue.database, list(seen)))
        since = [_told(one) for name, some in newer.items() for one in some if one.number > seen[name]]
        current = [one.model_dump(mode="json", exclude_none=True) for one in since]
        raise Refusal("decision_conflict", str(error), extra={"decisions": current}) from None
    except InvalidArgument as error:
        raise Refusal("decision_impossible", str(error)) from None
    return DecisionsTold(decisions=[_told(one) for one in kept])


@router.get("/decisions", response_model=DecisionPage, responses=problems(), dependencies=[needs(Permission.OBSERVE)])
async def list_decisions(
    services: Serving,
    record: Annotated[str | None, Query(max_length=1_000, description="Only about this record.")] = None,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only with a higher number.")] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
) -> DecisionPage:
    """Decisions in their order; `next` is the `after` of the next page, null at the end."""
    database = services.library.catalogue.database

    def find() -> list[Kept]:
        if record is not None:
            found = decisions.about(database, [record]).get(record, [])
            return [one for one in found if one.number > after][: limit + 1]
        return decisions.page(database, after, limit + 1)

    rows = await services.read(find)
    shown = rows[:limit]
    return DecisionPage(decisions=[_told(one) for one in shown], next=shown[-1].number if len(rows) > limit else None)


def who_decides(request: Request, said: str | None) -> str:
    """Whose word it is: the token's, else what the asker says, who needs none on this machine."""
    principal = principal_of(request)
    if principal.token and said is not None and said != principal.name:
        raise Refusal("forbidden", f"the token is that of {principal.name}, whose word alone it brings")
    return said or principal.name


def _decision(one: DecisionForm, who: str) -> Decision:
    said = {name: getattr(one, name) for name in ("concept", "value", "image", "model", "undoes") if hasattr(one, name)}
    boxes = {name: box.box() for name in ("box", "new_box") if (box := getattr(one, name, None)) is not None}
    return Decision(
        one.record_id,
        Action(one.action),
        who,
        review.now(),
        probability=getattr(one, "probability", None),
        note=one.note,
        **said,
        **boxes,
    )


def _told(kept: Kept) -> DecisionTold:
    one = kept.decision
    return DecisionTold(
        number=kept.number,
        record_id=one.record_id,
        action=one.action.value,
        who=one.who,
        at=one.at,
        facet=one.facet,
        concept=one.concept,
        value=one.value,
        image=one.image,
        box=BoxForm.of(one.box) if one.box is not None else None,
        new_box=BoxForm.of(one.new_box) if one.new_box is not None else None,
        model=one.model,
        probability=one.probability,
        undoes=one.undoes,
        note=one.note,
        hash=kept.hash,
    )
