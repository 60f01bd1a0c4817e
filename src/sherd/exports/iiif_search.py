"""IIIF Content Search 2: pages of annotations that answer a question, and terms that can be asked for.

What is said of pictures is found by its words; where a picture shows what is asked for, that place is an annotation for
highlighting, made for the answer.
Source: https://iiif.io/api/search/2.0/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sherd.catalogue.whole_words import stands_in
from sherd.errors import InvalidArgument
from sherd.exports.described import Described
from sherd.exports.iiif import annotation_page
from sherd.exports.iiif_places import Places
from sherd.exports.iiif_texts import by_language
from sherd.exports.web_annotation import Json
from sherd.ingest.sources.annotations import TERMS
from sherd.thesaurus.folding import fold_label

CONTEXT = "http://iiif.io/api/search/2/context.json"
PAGE_SIZE = 50
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
DATES = rf"^ *({_TIME}/{_TIME} *( +{_TIME}/{_TIME} *)*)?$"
"""What the parameter `date` may be."""
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:\S")
PageAddress: TypeAlias = Callable[[int | None], str]
_AROUND = 40
"""Characters told before and after what was found."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. words: all of them must be there. motivations, users (URIs), dates (from, until, as texts): one of
    each must be; empty ones do not count."""

    words: tuple[str, ...] = ()
    motivations: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    dates: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, q: str, motivation: str = "", user: str = "", date: str = "") -> Asked:
        """As the parameters of the standard say it.

        Raises:
            InvalidArgument: a range of dates is none.
        """
        if not re.fullmatch(DATES, date):
            example = "2026-01-01T00:00:00Z/2026-12-31T23:59:59Z"
            raise InvalidArgument(f"{date[:60]!r} is no range of dates such as {example}")
        words = tuple(word for word in (fold_label(one) for one in q.split()) if word)
        dates = tuple((start, end) for start, _, end in (one.partition("/") for one in date.split()))
        return cls(words, frozenset(motivation.split()), frozenset(user.split()), dates)

    def takes(self, motivation: str) -> bool:
        return not self.motivations or motivation in self.motivations

    @property
    def is_address(self) -> bool:
        """Whether concepts are asked for by their addresses, and nothing by words."""
        return bool(self.words) and all(_ADDRESS.match(word) for word in self.words)

    @property
    def by_people(self) -> bool:
        """Whether only what people said, at some time, can answer."""
        return bool(self.users or self.dates)


@dataclass(frozen=True, slots=True)
class Quote:
    """The words that were found in one annotation, with what stands around them."""

    annotation: str
    prefix: str
    exact: str
    suffix: str


def annotations_of(described: Described, asked: Asked, places: Places) -> Iterator[tuple[Json, list[Quote]]]:
    """What the catalogue and people say of a record that answers, with the words that do."""
    for layer in ("catalogue", "reviewed"):
        for path in (None, *(shot.path for shot in described.shots)):
            for one in annotation_page(described, layer, path, places)["items"]:
                if asked.takes(one["motivation"]) and _by_asked_people(one, asked):
                    quotes = [list(_quotes(one, word)) for word in asked.words]
                    if all(quotes):
                        yield one, list(dict.fromkeys(quote for some in quotes for quote in some))


def within_manifest(annotation: Json, described: Described, places: Places) -> Json:
    """The annotation, which also tells in which manifest its target is: a collection's canvases are in many."""
    label = by_language(described.record.titles) or {"none": [described.record.record_id]}
    manifest: Json = {"id": places.manifest(described.record.record_id), "type": "Manifest", "label": label}
    target = annotation["target"]
    if target == manifest["id"]:
        return annotation | {"target": manifest}
    return annotation | {"target": {"id": target, "type": "Canvas", "partOf": [manifest]}}


def pages_of(found: Sequence[object]) -> int:
    """How many pages an answer has; an empty one where nothing was found."""
    return max(1, -(-len(found) // PAGE_SIZE))


def answer_page(address: PageAddress, found: Sequence[tuple[Json, list[Quote]]], number: int) -> Json:
    """One page of all that was found, from 1 on.

    Args:
        address: gives the address of a page by its number, of the whole answer by None.
    Raises:
        InvalidArgument: there is no such page.
    """
    pages = pages_of(found)
    if not 1 <= number <= pages:
        raise InvalidArgument(f"page is {number}; there are pages 1 to {pages}")
    start = (number - 1) * PAGE_SIZE
    here = found[start : start + PAGE_SIZE]

    def named(n: int) -> Json:
        return {"id": address(n), "type": "AnnotationPage"}

    page: Json = {
        "@context": CONTEXT, "id": address(number), "type": "AnnotationPage", "startIndex": start,
        "partOf": {
            "id": address(None), "type": "AnnotationCollection", "total": len(found), "first": named(1),
            "last": named(pages),
        },
    }  # fmt: skip
    if number > 1:
        page["prev"] = named(number - 1)
    if number < pages:
        page["next"] = named(number + 1)
    page["items"] = [one for one, _ in here]
    quoted = [quote for _, quotes in here for quote in quotes]
    if quoted:
        page["annotations"] = [_in_context(address(number), quoted)]
    return page


def term_page(address: str, terms: Iterable[Json], ignored: Sequence[str]) -> Json:
    """Terms that can be asked for."""
    page: Json = {"@context": CONTEXT, "id": address, "type": "TermPage", "items": list(terms)}
    return page | ({"ignored": list(ignored)} if ignored else {})


def _in_context(page: str, quotes: Sequence[Quote]) -> Json:
    def entry(number: int, quote: Quote) -> Json:
        told = {"prefix": quote.prefix, "exact": quote.exact, "suffix": quote.suffix}
        selector = {"type": "TextQuoteSelector"} | {name: text for name, text in told.items() if text}
        return {
            "id": f"{page}#match-{number}", "type": "Annotation", "motivation": "contextualizing",
            "target": {"type": "SpecificResource", "source": quote.annotation, "selector": [selector]},
        }  # fmt: skip

    items = [entry(number, quote) for number, quote in enumerate(quotes, 1)]
    return {"id": f"{page}#context", "type": "AnnotationPage", "items": items}


def _by_asked_people(annotation: Json, asked: Asked) -> bool:
    if asked.users and annotation.get("creator", {}).get("id") not in asked.users:
        return False
    if not asked.dates:
        return True
    created = annotation.get("created")
    # All of one length and in UTC, so they compare as texts.
    return created is not None and any(start <= created <= end for start, end in asked.dates)


def _quotes(annotation: Json, word: str) -> Iterator[Quote]:
    """Where a word stands in the texts of an annotation, or which text is of the concept with this address."""
    for body in annotation["body"]:
        text, folded = body.get("value", ""), fold_label(body.get("value", ""))
        address = body.get(TERMS + "concept", body.get("source", ""))
        if fold_label(address) == word:
            yield Quote(annotation["id"], "", text or address, "")
        elif stands_in(word, folded):
            at = folded.find(word)
            # Folding may make a text longer or shorter; then it is quoted as a whole.
            start, end = (at, at + len(word)) if at >= 0 and len(folded) == len(text) else (0, len(text))
            before, after = text[:start][-_AROUND:], text[end:][:_AROUND]
            yield Quote(annotation["id"], before, text[start:end], after)
