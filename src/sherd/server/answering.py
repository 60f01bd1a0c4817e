"""What answers a Content Search: words that the catalogue and people said, and places that look like what is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from sherd.catalogue import decisions
from sherd.catalogue.standings import standings
from sherd.errors import RejectedItem
from sherd.exports.described import Described, Shot
from sherd.exports.facts import address
from sherd.exports.iiif_search import Asked, Quote, annotations_of, within_manifest
from sherd.exports.web_annotation import Json
from sherd.ingest.sources.annotations import TERMS
from sherd.ingest.sources.selectors import xywh
from sherd.search.locate import box_from_heat
from sherd.search.words import LANGUAGES, covers, match_words, printable
from sherd.server.iiif_places import ServerPlaces
from sherd.server.problems import Refusal
from sherd.server.schemas import QueryForm
from sherd.server.services import Services
from sherd.types import MAX_QUERY_CHARS, Hit, HitRegion

MOST_RECORDS, MOST_HITS = 200, 100
_TAGS = {"en": "en", "zh": "zh-Hans"}
Found = list[tuple[Json, list[Quote]]]


async def answers(
    services: Services, places: ServerPlaces, q: str, asked: Asked, described: Described | None, deadline: float
) -> Found:
    """Words first, then places, best first.

    Args:
        described: the record that is asked about; None for the collection, of which the 200 records with the words
            that fit best are looked through.
    """
    if described is not None:
        said = await services.read(lambda: list(annotations_of(described, asked, places)))
    else:
        said = await services.read(lambda: _said_anywhere(services, places, q, asked))
    return said + await _places(services, places, q, asked, described, deadline)


def _said_anywhere(services: Services, places: ServerPlaces, q: str, asked: Asked) -> Found:
    return [
        (within_manifest(one, described, places), quotes)
        for described in services.describing.several(_mentioning(services, q, asked))
        if described.shots
        for one, quotes in annotations_of(described, asked, places)
    ]


def _mentioning(services: Services, q: str, asked: Asked) -> list[str]:
    """Records that may answer: by words of their own, by other names of what is asked, by what people decided."""
    catalogue = services.library.catalogue
    found: list[str] = []
    if asked.words and not asked.by_people:
        meant = catalogue.understood(q)
        names = [name for one in meant for name in one.names]
        found += [name for name, _ in catalogue.lexical(q, MOST_RECORDS, labels=names)]
    if asked.words or asked.by_people:
        uris = {uri for word in q.split() for uri in services.describing.thesaurus.find(word)}
        uris |= set(services.describing.thesaurus.find(q)) | set(q.split())
        for one in standings(decisions.everything(catalogue.database)):
            if one.holds and (asked.by_people or one.concept in uris):
                found.append(one.record_id)
    return list(dict.fromkeys(found))[:MOST_RECORDS]


async def _places(
    services: Services, places: ServerPlaces, q: str, asked: Asked, described: Described | None, deadline: float
) -> Found:
    q = printable(q)[:MAX_QUERY_CHARS]  # an address may hold any character
    if not q or not asked.words or asked.is_address or asked.by_people or not asked.takes("highlighting"):
        return []
    try:
        answer, _ = await services.search(QueryForm(text=q, k=MOST_HITS), deadline)
    except Refusal as refusal:
        if refusal.code == "library_empty":
            return []
        raise
    hits: Sequence[Hit] = [hit for hit in answer.hits if not hit.guess]
    if described is not None:
        mine = [hit for hit in hits if hit.record_id == described.record.record_id]
        hits = [await _closer(services, q, hit, deadline) for hit in mine]
        shown = {described.record.record_id: described}
    else:
        names = [hit.record_id for hit in hits]
        shown = {one.record.record_id: one for one in await services.read(lambda: services.describing.several(names))}
    model = await services.read(services.library.catalogue.encoder_name)
    found: Found = []
    for hit in hits:
        record = shown.get(hit.record_id)
        shot = next((shot for shot in record.shots if shot.path == hit.image), None) if record is not None else None
        if record is not None and shot is not None:
            one = _highlight(hit, shot, q, model or "", places)
            found.append((one if described is not None else within_manifest(one, record, places), []))
    return found


async def _closer(services: Services, q: str, hit: Hit, deadline: float) -> Hit:
    """The hit with the box of its heat map, which is finer than that of a part."""
    if hit.region is None:
        return hit
    _, question = await services.question(QueryForm(text=q), deadline)
    searcher, worker = await services.opened()
    try:
        heat = await worker.run(lambda _: searcher.heat(question, hit.sha256), deadline)
    except RejectedItem:  # no thumbnail; the part will do
        return hit
    return replace(hit, region=HitRegion(hit.region.image, box_from_heat(heat)))


def _highlight(hit: Hit, shot: Shot, q: str, model: str, places: ServerPlaces) -> Json:
    """A hit as an annotation. Where words made the match no place is shown."""
    target = places.canvas(hit.record_id, shot.path)
    by_words = hit.reasons.get("lexical", 0.0) > hit.reasons.get("object", 0.0) + hit.reasons.get("part", 0.0)
    if hit.region is not None and not by_words and not covers(hit.region.box):
        target += f"#{xywh(hit.region.box, shot.width, shot.height)}"
    digest = hashlib.sha256(json.dumps([q, target, model]).encode()).hexdigest()[:24]
    return {
        "id": address(places.settings, "hit", digest), "type": "Annotation", "motivation": "highlighting",
        TERMS + "statedBy": "machine",
        "generator": {"type": "Software", "name": places.settings.software, TERMS + "model": model},
        TERMS + "score": hit.score, TERMS + "probability": hit.probability,
        "body": [
            {
                "type": "TextualBody", "value": f"{q}: {match_words(hit, language)}", "format": "text/plain",
                "language": _TAGS[language],
            }
            for language in LANGUAGES
        ],
        "target": target,
    }  # fmt: skip
