"""W3C Web Annotations: each statement about a picture, a part of it or a record, with its concept and its author.

What a person says has a creator and a time; what a machine says has a generator, no creator, and its probability; what
the catalogue says has neither and is marked as the catalogue's. What a person refused is left out, unless it is asked
for: then it is an annotation for moderating that says `holds: false`, so that no reader takes it for a term.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.exports.facts import address, facts, picture_address, suggestions
from sherd.exports.files import whole_file
from sherd.ingest.sources.annotations import TERMS
from sherd.ingest.sources.selectors import MEDIA_FRAGMENTS, xywh
from sherd.types import Box

Json: TypeAlias = dict[str, Any]
PictureAddress: TypeAlias = Callable[[Shot], str]

MOTIVATION, REFUSING = "classifying", "moderating"
ANNO = "http://www.w3.org/ns/anno.jsonld"
OWN_TERMS: Json = {
    "sherd": TERMS,
    "prefLabel": {"@id": "http://www.w3.org/2004/02/skos/core#prefLabel", "@container": "@language"},
    "statedBy": "sherd:statedBy",
    "probability": "sherd:probability",
    "holds": "sherd:holds",
    "facet": "sherd:facet",
    "asWritten": "sherd:asWritten",
    "model": "sherd:model",
    "fingerprint": "sherd:fingerprint",
}
CONTEXT = [ANNO, OWN_TERMS]
PAGE_SIZE = 1_000
COLLECTION = "collection.json"
_PAGE_NAME = re.compile(r"^page-(\d{5,})\.json$")


def web_annotations(
    described: Iterable[Described],
    settings: ExportSettings | None = None,
    *,
    refused: bool = False,
    picture: PictureAddress | None = None,
) -> Iterator[Json]:
    """Annotations of records, each complete in itself; of each record what holds first, then what is suggested.

    Args:
        refused: give what people refused too.
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
    """
    settings = settings or ExportSettings()
    where = picture or (lambda shot: picture_address(settings, shot))
    for one in described:
        denied = [said for said in one.by(Author.PERSON) if not said.holds] if refused else []
        made: dict[str, Json] = {}
        for said in (*facts(one), *denied, *suggestions(one)):
            found = _annotation(one, said, settings, where)
            # A catalogue may say the same in two of its fields.
            made.setdefault(found["id"], found)
        yield from made.values()


def write_annotations(
    described: Iterable[Described],
    out: Path,
    settings: ExportSettings | None = None,
    *,
    refused: bool = False,
    picture: PictureAddress | None = None,
) -> int:
    """Write a collection into the folder `out`: collection.json, and page-00001.json and so on with at most 1,000
    annotations each. Pages of an earlier export that are not written anew are removed. Gives how many annotations there
    are.

    Raises:
        StorageRefused: a file cannot be written.
    """
    settings = settings or ExportSettings()
    found = web_annotations(described, settings, refused=refused, picture=picture)
    base = f"{settings.base}annotations/"
    total, number = 0, 0
    items = _batch(found)
    while items:
        after = _batch(found)
        number += 1
        page: Json = {
            "@context": CONTEXT, "id": base + _page_name(number), "type": "AnnotationPage",
            "partOf": base + COLLECTION, "startIndex": total,
        }  # fmt: skip
        if number > 1:
            page["prev"] = base + _page_name(number - 1)
        if after:
            page["next"] = base + _page_name(number + 1)
        _write(out / _page_name(number), page | {"items": items})
        total, items = total + len(items), after
    collection: Json = {
        "@context": CONTEXT, "id": base + COLLECTION, "type": "AnnotationCollection", "label": settings.name,
        "total": total,
    }  # fmt: skip
    if number:
        collection |= {"first": base + _page_name(1), "last": base + _page_name(number)}
    _write(out / COLLECTION, collection)
    for path in out.iterdir():
        match = _PAGE_NAME.match(path.name)
        if match and int(match[1]) > number:
            path.unlink()
    return total


def author_of(said: Statement, settings: ExportSettings) -> Json:
    """The properties of an annotation that tell whose word it is, other than our own."""
    if said.author is Author.PERSON:
        made: Json = {"creator": {"type": "Person", "name": said.who}}
        return made | ({"created": when} if (when := _utc(said.at)) else {})
    if said.author is Author.MACHINE:
        return {"generator": {"type": "Software", "name": settings.software}}
    return {}


def identifier_of(one: Described, said: Statement, kind: str, settings: ExportSettings) -> str:
    """An address for the annotation of a statement, the same in each export of the same statement.

    kind: so that annotations of one statement in several standards differ.
    """
    if said.number is not None:
        return address(settings, kind, f"decision-{said.number}" + ("" if said.holds else "-refused"))
    box = said.box and (said.box.x, said.box.y, said.box.w, said.box.h)
    known_by = [one.record.record_id, said.concept.uri, said.author, said.image, box, said.who, said.at, said.model]
    digest = hashlib.sha256(json.dumps(known_by).encode()).hexdigest()
    return address(settings, kind, f"{said.author}-{digest[:24]}")


def selector_of(box: Box, shot: Shot | None) -> Json:
    """A box as a selector: in whole pixels of the upright picture, in per cent where its size is not known."""
    per_cent = ",".join(f"{100 * side:.6g}" for side in (box.x, box.y, box.w, box.h))
    value = xywh(box, shot.width, shot.height) if shot is not None else f"xywh=percent:{per_cent}"
    return {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": value}


def _annotation(one: Described, said: Statement, settings: ExportSettings, picture: PictureAddress) -> Json:
    purpose = MOTIVATION if said.holds else REFUSING
    found: Json = {
        "@context": CONTEXT,
        "id": identifier_of(one, said, "annotation", settings),
        "type": "Annotation",
        "motivation": purpose,
        "statedBy": str(said.author),
        **author_of(said, settings),
    }
    if said.author is Author.MACHINE:
        name, _, fingerprint = said.model.rpartition(" ")
        found["generator"] |= {"model": name, "fingerprint": fingerprint}
        found["probability"] = said.probability
    if not said.holds:
        found["holds"] = False
    if said.facet:
        found["facet"] = said.facet
    if said.label:
        found["asWritten"] = said.label
    labels = {tag or "und": label for tag, label in said.concept.pref_labels.items()}
    source: Json = {"id": said.concept.uri, "type": "skos:Concept"} | ({"prefLabel": labels} if labels else {})
    found["body"] = {"type": "SpecificResource", "purpose": purpose, "source": source}
    found["target"] = _target(one, said, settings, picture)
    return found


def _target(one: Described, said: Statement, settings: ExportSettings, picture: PictureAddress) -> str | Json:
    """The record, or a picture in the scope of its record, or a place on that picture."""
    record = address(settings, "object", one.record.record_id)
    if said.image is None:
        return record
    shot = next((shot for shot in one.shots if shot.path == said.image), None)
    target: Json = {
        "type": "SpecificResource", "source": picture(shot or Shot(said.image, 0, 0, "")), "scope": record,
    }  # fmt: skip
    return target if said.box is None else target | {"selector": selector_of(said.box, shot)}


def _utc(at: str) -> str:
    """A time as the model wants it, with a Z; '' where it is none."""
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return ""
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _batch(found: Iterator[Json]) -> list[Json]:
    """The next annotations for a page, which has the context for all of them."""
    return [{name: value for name, value in one.items() if name != "@context"} for one in islice(found, PAGE_SIZE)]


def _page_name(number: int) -> str:
    return f"page-{number:05}.json"


def _write(path: Path, document: Json) -> None:
    with whole_file(path) as stream:
        stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n")
