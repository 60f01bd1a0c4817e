"""IIIF Presentation 3: the collection, a manifest for each record, and what is said of it, a page for each layer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from sherd.exports.described import Described, Describer
from sherd.exports.iiif import CONTEXT, annotation_page, manifest, mention
from sherd.server.addresses import record_of
from sherd.server.auth import Permission, needs
from sherd.server.iiif_places import Json, ServerPlaces, places_of
from sherd.server.json_ld import MEDIA_TYPE, content, json_ld
from sherd.server.problems import Refusal
from sherd.server.schemas import problems
from sherd.server.services import Services, Serving
from sherd.suggest.suggest import Suggester, SuggestSettings
from sherd.types import Proposal

router = APIRouter(prefix="/iiif", tags=["iiif"])
PAGE_SIZE = 500
PATIENCE_S = 5.0
"""Viewers ask for the machine's layer of every picture that they show, and give up without a word."""
ANSWERS = content(MEDIA_TYPE, "application/json") | problems(404)
RecordPath = Annotated[str, Path(description="Name of a record in these addresses, as the collection tells it.")]


class Layer(StrEnum):
    """Whose word annotations are."""

    CATALOGUE = "catalogue"
    REVIEWED = "reviewed"
    MACHINE = "machine"


@router.get("/collection", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_collection(request: Request, services: Serving) -> Response:
    """All manifests; where they are many, collections of 500 each."""
    places = places_of(request)

    def tell() -> Json:
        names = services.library.catalogue.record_ids()
        if len(names) <= PAGE_SIZE:
            return _collection(places.collection(), places, _mentioned(services, names, places))
        pages = range(1, -(-len(names) // PAGE_SIZE) + 1)
        items = [
            {
                "id": places.collection_page(number), "type": "Collection",
                "label": {"none": [f"{places.settings.name} {number}/{len(pages)}"]},
            }
            for number in pages
        ]  # fmt: skip
        return _collection(places.collection(), places, items)

    return json_ld(request, await services.read(tell), CONTEXT)


@router.get("/collection/{number}", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_collection_page(
    request: Request, services: Serving, number: Annotated[int, Path(ge=1, le=1_000_000)]
) -> Response:
    """500 manifests of many."""
    places = places_of(request)

    def tell() -> Json:
        names = services.library.catalogue.record_ids()[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        if not names:
            raise Refusal("not_found")
        found = _collection(places.collection_page(number), places, _mentioned(services, names, places))
        return found | {"partOf": [{"id": places.collection(), "type": "Collection"}]}

    return json_ld(request, await services.read(tell), CONTEXT)


@router.get("/manifest/{record}", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)])
async def iiif_manifest(request: Request, services: Serving, record: RecordPath) -> Response:
    """A record with its pictures, in its languages, with its rights."""
    places = places_of(request)

    def tell() -> Json:
        described = shown(services, record)
        found = manifest(described, places.settings, places=places)
        return found | {"partOf": [{"id": places.collection(), "type": "Collection"}]}

    return json_ld(request, await services.read(tell), CONTEXT)


@router.get(
    "/annotations/{record}/{layer}", responses=ANSWERS, response_class=Response, dependencies=[needs(Permission.READ)]
)
async def iiif_annotations(
    request: Request,
    services: Serving,
    record: RecordPath,
    layer: Layer,
    image: Annotated[str | None, Query(max_length=4_000, description="Path of a picture, as in the source.")] = None,
) -> Response:
    """What the catalogue or people say of a picture or of the record as a whole, or what a machine suggests."""
    places = places_of(request)
    described = await services.read(lambda: shown(services, record))
    if image is not None and image not in {shot.path for shot in described.shots}:
        raise Refusal("unknown_picture")
    if layer is Layer.MACHINE:
        described = await with_suggestions(services, described)
    return json_ld(request, await services.read(lambda: annotation_page(described, layer, image, places)), CONTEXT)


async def with_suggestions(services: Services, described: Described) -> Described:
    """The record with what a machine suggests for it too."""
    name = described.record.record_id

    def tell(suggester: Suggester, proposed: list[Proposal]) -> Described:
        found = list(Describer(services.library, suggester.thesaurus).describe([name], {name: proposed}))
        return found[0] if found else described

    _, worker = await services.opened()
    return await services.proposer.propose(worker.encoder, name, None, SuggestSettings(), tell, patience_s=PATIENCE_S)


def shown(services: Services, token: str) -> Described:
    """A record that has pictures. Raises Refusal where there is none."""
    described = services.describing.one(record_of(token))
    if not described.shots:
        raise Refusal("unknown_record", "the record has no picture, and so no manifest")
    return described


def _collection(address: str, places: ServerPlaces, items: list[Json]) -> Json:
    return {
        "@context": CONTEXT, "id": address, "type": "Collection", "label": {"none": [places.settings.name]},
        "service": places.services(None), "items": items,
    }  # fmt: skip


def _mentioned(services: Services, names: list[str], places: ServerPlaces) -> list[Json]:
    return [mention(one, places) for one in services.describing.several(names) if one.shots]
