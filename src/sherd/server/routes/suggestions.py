"""What the machine suggests for a record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sherd.errors import InvalidArgument
from sherd.server.auth import Permission, needs
from sherd.server.problems import Refusal
from sherd.server.routes.records import RecordQuery
from sherd.server.schemas import (
    BoxForm,
    ConceptName,
    Example,
    Likely,
    ProposalTold,
    RegionTold,
    SuggestionsTold,
    SuggestionTold,
    problems,
)
from sherd.server.services import Serving
from sherd.suggest.suggest import Suggester, SuggestSettings
from sherd.types import Proposal, Suggestion

router = APIRouter(prefix="/api/v1", tags=["suggestions"])


@router.get(
    "/suggestions",
    response_model=SuggestionsTold,
    responses=problems(404, 409),
    dependencies=[needs(Permission.READ)],
)
async def get_suggestions(
    services: Serving,
    record: RecordQuery,
    facet: Annotated[list[str] | None, Query(max_length=20, description="Only these facets, such as motif.")] = None,
    unjudged: Annotated[
        bool, Query(description="Suggest, in order only, where too little is known to tell how likely a term is.")
    ] = False,
) -> SuggestionsTold:
    """Terms of the thesaurus that a record may bear, by facet. `seen` is what a decision about it has to give."""
    catalogue = services.library.catalogue
    if record not in await services.read(lambda: catalogue.keys_of([record])):
        raise Refusal("unknown_record")
    seen = await services.read(lambda: services.last_decision(record))
    _, worker = await services.opened()

    def tell(suggester: Suggester, proposals: list[Proposal]) -> SuggestionsTold:
        told = [_proposal(suggester, one) for one in proposals]
        return SuggestionsTold(record_id=record, seen=seen, facets=told, warnings=suggester.warnings(facet))

    settings = SuggestSettings(unjudged=unjudged)
    try:
        return await services.proposer.propose(worker.encoder, record, facet, settings, tell)
    except InvalidArgument as error:
        raise Refusal("unknown_facet", str(error)) from None


def _proposal(suggester: Suggester, one: Proposal) -> ProposalTold:
    within = None
    if one.within is not None:
        within = [Likely(concept=_name(suggester, uri), probability=probability) for uri, probability in one.within]
    return ProposalTold(
        facet=one.facet,
        suggestions=[_suggestion(suggester, suggestion) for suggestion in one.suggestions],
        within=within,
        coverage=one.coverage,
        strange=one.strange,
    )


def _suggestion(suggester: Suggester, one: Suggestion) -> SuggestionTold:
    region = RegionTold(image=one.region.image, box=BoxForm.of(one.region.box)) if one.region is not None else None
    return SuggestionTold(
        concept=_name(suggester, one.concept),
        probability=one.probability,
        leaf=_name(suggester, one.leaf),
        leaf_probability=one.leaf_probability,
        level=one.level.value,
        image=one.image,
        region=region,
        hot=one.hot,
        examples=[Example(record_id=name, likeness=cosine) for name, cosine in one.examples],
        path=[_name(suggester, uri) for uri in one.path],
        catalogued=one.catalogued,
    )


def _name(suggester: Suggester, uri: str) -> ConceptName:
    return ConceptName(uri=uri, labels=dict(suggester.thesaurus.concept(uri).pref_labels))
