"""A concept with its definition and a picture from the collection, for those who choose among concepts elsewhere."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from sherd.catalogue import decisions
from sherd.catalogue.standings import standings
from sherd.exports.described import Described, Statement
from sherd.exports.facts import facts
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.ingest.sources.selectors import pixels
from sherd.search.reconcile import name_of, texts_in, way_to
from sherd.server.describing import Describing
from sherd.thesaurus.check import labels_of
from sherd.types import Box, Concept

_LOOKED_AT = 30
"""Records that are looked through for an example."""
_MARGIN = 0.08
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """names: in other languages. way: names of what is above, from the top. picture: data address of a JPEG, '' where
    the collection shows none; record: title of the object on it."""

    name: str
    names: tuple[str, ...]
    way: tuple[str, ...]
    definition: str
    picture: str = ""
    record: str = ""


def preview(library: Library, describing: Describing, uri: str, language: str) -> Preview:
    """Raises UnknownConcept where the thesaurus has no such concept."""
    thesaurus = describing.thesaurus
    concept = thesaurus.concept(uri)
    name = name_of(concept, language)
    others = (label for tag, label in concept.pref_labels.items() if label != name and "-Latn" not in tag)
    notes = [*texts_in(concept.scope_notes, language), *concept.scope_notes.values()]
    picture, record = _example(library, describing, concept)
    way = tuple(way_to(concept, thesaurus, language))
    return Preview(name, tuple(dict.fromkeys(others)), way, notes[0] if notes else "", picture, record)


def _example(library: Library, describing: Describing, concept: Concept) -> tuple[str, str]:
    """A crop, or a whole picture where nobody says where the concept is; and the title of its record."""
    meant = {concept.uri} | describing.thesaurus.descendants(concept.uri)
    found: tuple[Described, Statement] | None = None
    for one in describing.several(_bearers(library, concept, meant)):
        for said in facts(one):
            if said.concept.uri in meant and one.shots and (found is None or (said.box and not found[1].box)):
                found = one, said
        if found is not None and found[1].box is not None:
            break
    if found is None:
        return "", ""
    described, said = found
    shot = next((shot for shot in described.shots if shot.path == said.image), described.shots[0])
    box = said.box if said.image == shot.path else None
    try:
        jpeg = library.thumbnail(shot.sha256).read_bytes()
    except OSError:
        return "", ""
    return f"data:image/jpeg;base64,{base64.b64encode(_crop(jpeg, box)).decode()}", described.record.title


def _bearers(library: Library, concept: Concept, meant: set[str]) -> list[str]:
    """Records that may bear the concept: by people's word, then by words of their own."""
    decided = [
        one.record_id for one in standings(decisions.everything(library.catalogue.database))
        if one.holds and one.concept in meant
    ]  # fmt: skip
    labels = [label for _, label, _ in labels_of(concept)]
    written = [name for label in labels[:1] for name, _ in library.catalogue.lexical(label, _LOOKED_AT, labels=labels)]
    return list(dict.fromkeys([*decided[-_LOOKED_AT:], *written]))


def _crop(jpeg: bytes, box: Box | None) -> bytes:
    image = Image.fromarray(thumbnail_pixels(jpeg))
    if box is not None:
        x, y, w, h = pixels(box, image.width, image.height)
        margin = round(_MARGIN * max(w, h))
        edges = (
            max(x - margin, 0),
            max(y - margin, 0),
            min(x + w + margin, image.width),
            min(y + h + margin, image.height),
        )
        image = image.crop(edges)
    image.thumbnail((_LONGEST, _LONGEST))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()
