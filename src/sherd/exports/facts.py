"""What counts of all that is said of a record: facts, terms as the museum wrote them, and what is only suggested."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import quote

from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.suggest.known import terms_of
from sherd.thesaurus.folding import speaks
from sherd.thesaurus.skos import local_name
from sherd.types import Box, Concept

_AAT = re.compile(r"^https?://vocab\.getty\.edu/aat/[0-9]+$")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the catalogue as it is written there, and the concepts that it plainly means.

    field: of the record, 'regions' for the label of a box. image, box: where, for those.
    """

    field: str
    text: str
    concepts: tuple[Concept, ...]
    image: str | None = None
    box: Box | None = None


def facts(one: Described) -> list[Statement]:
    """What the catalogue and people say that holds. A person's word stands above the catalogue's: what a person refused
    is not among it, whoever says it."""
    refused = _refused(one)
    return [
        said
        for said in one.statements
        if said.author is not Author.MACHINE and said.holds and said.concept.uri not in refused
    ]


def suggestions(one: Described) -> list[Statement]:
    """What only a machine says, and no person has decided about."""
    decided = {said.concept.uri for said in one.by(Author.PERSON)}
    return [said for said in one.by(Author.MACHINE) if said.concept.uri not in decided]


def terms(one: Described) -> list[Term]:
    """The catalogue's terms in the order of its fields, without those all of whose concepts a person refused."""
    refused = _refused(one)
    meant: dict[tuple[str, str | None, Box | None], dict[str, Concept]] = defaultdict(dict)
    for said in one.by(Author.CATALOGUE):
        meant[said.label, said.image, said.box][said.concept.uri] = said.concept
    found = []
    for field, text, place in terms_of(one.record):
        image, box = (place.image, place.box) if place is not None else (None, None)
        concepts = meant.get((text, image, box), {})
        kept = tuple(concept for uri, concept in concepts.items() if uri not in refused)
        if kept or not concepts:
            found.append(Term(field, text, kept, image, box))
    return found


def label_of(concept: Concept, *languages: str) -> str:
    """Its preferred label in the first of these languages that has one, else in English, else any, else from its URI.

    >>> label_of(Concept("urn:a:ding", {"zh-Hans": "鼎", "en": "tripod"}), "zh"), label_of(Concept("urn:a:ding"))
    ('鼎', 'ding')
    """
    for language in (*languages, "en"):
        for tag, label in concept.pref_labels.items():
            if speaks(tag, language):
                return label
    return next(iter(concept.pref_labels.values()), local_name(concept.uri))


def equivalents(concept: Concept) -> list[str]:
    """URIs of the Art & Architecture Thesaurus that the concept matches exactly or closely; not its own."""
    found = (*concept.matches.get("exactMatch", ()), *concept.matches.get("closeMatch", ()))
    return [uri for uri in dict.fromkeys(found) if _AAT.match(uri) and uri != concept.uri]


def address(settings: ExportSettings, kind: str, name: str) -> str:
    """The URI of something of the collection.

    >>> address(ExportSettings("https://example.org/"), "object", "1987/10 a")
    'https://example.org/object/1987%2F10%20a'
    """
    return f"{settings.base}{kind}/{quote(name, safe='')}"


def picture_address(settings: ExportSettings, shot: Shot) -> str:
    """The URI of a picture where nobody says a better one: its path under the base."""
    return f"{settings.base}picture/{quote(shot.path)}"


def place_of(image: str | None, box: Box | None) -> str:
    """A place as a media fragment, in per cent of the upright picture; '' where there is none.

    >>> place_of("a/1.jpg", Box(0.1, 0.2, 0.3, 0.4))
    'a/1.jpg#xywh=percent:10,20,30,40'
    """
    if image is None or box is None:
        return image or ""
    return f"{image}#xywh=percent:" + ",".join(f"{100 * side:.10g}" for side in (box.x, box.y, box.w, box.h))


def _refused(one: Described) -> frozenset[str]:
    return frozenset(said.concept.uri for said in one.by(Author.PERSON) if not said.holds)
