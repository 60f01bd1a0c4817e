"""SKOS in Turtle, RDF/XML, JSON-LD and N-Triples. Nothing is fetched, and a document with a DTD is refused.

Read: prefLabel, altLabel and hiddenLabel, broader and narrower (their union), notation, scopeNote and definition, the
mapping relations, inScheme, topConceptOf, hasTopConcept, and membership of collections. Not read: labels that are
resources of their own (SKOS-XL), broaderTransitive (it follows from broader), related, and anything without a URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from sherd.errors import SourceError
from sherd.thesaurus.folding import clean
from sherd.types import Concept

FORMATS = {
    ".ttl": RdfFormat.TURTLE,
    ".rdf": RdfFormat.RDF_XML,
    ".xml": RdfFormat.RDF_XML,
    ".jsonld": RdfFormat.JSON_LD,
    ".json": RdfFormat.JSON_LD,
    ".nt": RdfFormat.N_TRIPLES,
}
"""Suffix -> how the file is read."""

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_MATCHES = ("exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")
_MAX_DEPTH = 200
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


@dataclass(slots=True)
class _Draft:
    """What a file has said of one subject so far."""

    declared: bool = False
    pref: dict[str, str] = field(default_factory=dict)
    seconds: list[tuple[str, str]] = field(default_factory=list)
    alt: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    broader: list[str] = field(default_factory=list)
    matches: dict[str, list[str]] = field(default_factory=dict)
    notation: str | None = None
    scheme: str | None = None
    is_top: bool = False
    collection: str | None = None


def read_skos(path: Path) -> Iterator[Concept]:
    """The concepts of one file, in the order in which the file first names them.

    A URI that the file only names as narrower than another comes without labels; one that it only names as broader
    does not come. `facet` is set for top concepts (their local name) and, where a file has none, for what a collection
    has as member (the collection's). A second prefLabel of one language is an altLabel, and comes once more as the
    prefLabel of a second description of the concept, for `mend` to tell.

    Raises:
        SourceError: the file is absent, malformed, has a DTD, wants something fetched, or is nested too deeply.
    """
    suffix = path.suffix.lower()
    if not path.exists():
        raise SourceError(f"{path}: cannot be read (No such file or directory)")
    if suffix not in FORMATS:
        raise SourceError(f"{path}: is no SKOS file by its name; known are {', '.join(FORMATS)}")
    try:
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror})") from error
    if FORMATS[suffix] is RdfFormat.RDF_XML:
        _check_xml(path, data)
    elif FORMATS[suffix] is RdfFormat.JSON_LD:
        _check_json(path, data)
    try:
        drafts = _drafts(parse(data, FORMATS[suffix]))
    except (SyntaxError, ValueError) as error:
        told = " ".join(str(error).split())
        if "load remote contexts" in told:
            told = "it names a context that would have to be fetched; write the context into the file"
        raise SourceError(f"{path}: {told}") from error
    has_tops = any(draft.is_top for draft in drafts.values())
    for uri, draft in drafts.items():
        if draft.declared:
            yield _concept(uri, draft, has_tops=has_tops)
            for language, text in draft.seconds:
                yield Concept(uri, {language: text})


def local_name(uri: str) -> str:
    """The last word of a URI.

    >>> local_name("urn:sherd:motif"), local_name("http://vocab.example/aat/300264092#this")
    ('motif', 'this')
    """
    return re.split(r"[/#:]", uri.rstrip("/#:"))[-1]


def language_tag(tag: str | None) -> str:
    """A language tag in its usual letters ('zh-Hant-TW'); 'und' where there is none."""
    if not tag:
        return "und"
    first, *rest = tag.split("-")
    cased = [p.title() if len(p) == 4 and p.isalpha() else p.upper() if len(p) == 2 else p.lower() for p in rest]
    return "-".join((first.lower(), *cased))


def _check_xml(path: Path, data: bytes) -> None:
    """Refuse a DTD before any entity could be expanded, and nesting that costs the RDF parser quadratic time."""
    parser = expat.ParserCreate()
    depth = 0

    def doctype(*_: object) -> None:
        raise SourceError(f"{path}: has a DTD (<!DOCTYPE ...>), which is never read; remove it and write entities out")

    def start(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise SourceError(f"{path}: has elements nested more than {_MAX_DEPTH} deep")

    def end(*_: object) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SourceError(f"{path}: is no well-formed XML ({error})") from error


def _check_json(path: Path, data: bytes) -> None:
    """Refuse nesting at which the JSON-LD parser overflows its stack (a crash at 30,000 objects, pyoxigraph 0.5.13)."""
    depth = 0
    for found in _BRACKETS.finditer(data):
        first = found[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > _MAX_DEPTH:
            raise SourceError(f"{path}: has values nested more than {_MAX_DEPTH} deep")


def _drafts(quads: Iterable[Quad]) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    for quad in quads:
        subject, predicate, value = quad.subject, quad.predicate.value, quad.object
        if not isinstance(subject, NamedNode):
            continue
        if predicate == _TYPE:
            if isinstance(value, NamedNode) and value.value == f"{_SKOS}Concept":
                _of(drafts, subject.value).declared = True
        elif predicate.startswith(_SKOS):
            word = predicate[len(_SKOS) :]
            if isinstance(value, Literal):
                _literal(drafts, subject.value, word, value)
            elif isinstance(value, NamedNode):
                _link(drafts, subject.value, word, value.value)
    return drafts


def _of(drafts: dict[str, _Draft], uri: str) -> _Draft:
    return drafts.setdefault(uri, _Draft())


def _literal(drafts: dict[str, _Draft], uri: str, word: str, value: Literal) -> None:
    text = clean(value.value)
    if not text:
        return
    language = language_tag(value.language)
    if word == "prefLabel":
        draft = _of(drafts, uri)
        if draft.pref.setdefault(language, text) != text:
            _add(draft.alt.setdefault(language, []), text)
            draft.seconds.append((language, text))
    elif word in ("altLabel", "hiddenLabel"):
        _add(_of(drafts, uri).alt.setdefault(language, []), text)
    elif word in ("scopeNote", "definition"):
        _add(_of(drafts, uri).notes.setdefault(language, []), text)
    elif word == "notation":
        draft = _of(drafts, uri)
        draft.notation = draft.notation or text


def _link(drafts: dict[str, _Draft], uri: str, word: str, target: str) -> None:
    if word == "broader":
        draft = _of(drafts, uri)
        draft.declared = True
        _add(draft.broader, target)
    elif word == "narrower":
        _of(drafts, uri).declared = True
        below = _of(drafts, target)
        below.declared = True
        _add(below.broader, uri)
    elif word in _MATCHES:
        _add(_of(drafts, uri).matches.setdefault(word, []), target)
    elif word == "inScheme":
        draft = _of(drafts, uri)
        draft.scheme = draft.scheme or target
    elif word in ("topConceptOf", "hasTopConcept"):
        top, scheme = (uri, target) if word == "topConceptOf" else (target, uri)
        draft = _of(drafts, top)
        draft.declared = draft.is_top = True
        draft.scheme = draft.scheme or scheme
    elif word == "member":
        draft = _of(drafts, target)
        draft.collection = draft.collection or uri


def _add(values: list[str], value: str) -> None:
    if value not in values:
        values.append(value)


def _concept(uri: str, draft: _Draft, *, has_tops: bool) -> Concept:
    facet = None
    if draft.is_top:
        facet = local_name(uri)
    elif draft.collection and not has_tops and not draft.broader:
        facet = local_name(draft.collection)
    alt = {tag: tuple(t for t in texts if t != draft.pref.get(tag)) for tag, texts in draft.alt.items()}
    return Concept(
        uri,
        draft.pref,
        {tag: texts for tag, texts in alt.items() if texts},
        tuple(draft.broader),
        draft.notation,
        facet,
        {tag: " ".join(texts) for tag, texts in draft.notes.items()},
        {word: tuple(uris) for word, uris in draft.matches.items()},
        draft.scheme,
    )
