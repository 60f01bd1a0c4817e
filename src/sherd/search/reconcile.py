"""Which concept a name in somebody's table means: candidates with a score, and whether one of them is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sherd.catalogue.concepts import Found
from sherd.catalogue.database import Database
from sherd.search.concept_search import find_concepts
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import fold_label, fold_pinyin, fold_tagged, is_han, speaks
from sherd.thesaurus.skos import local_name
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept

CERTAIN = 95.0
"""From which score a candidate is certain, if it is the only one."""
_ALTERNATIVE, _ALIKE, _NEAR = 96.0, 90.0, 85.0
"""Scores of another name than the preferred one, and the highest of a name that begins so or has the words, and of one
that is a slip away."""
_MISSED = 40.0
"""What each property costs that a candidate does not have."""
_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that a candidate should have: `values` are URIs or texts, of which one must fit."""

    property: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept that may be meant. score: 0..100. features: what the score is made of."""

    concept: Concept
    score: float
    certain: bool
    features: Mapping[str, float | bool]


def reconcile(
    database: Database,
    thesaurus: Thesaurus,
    query: str,
    *,
    types: Sequence[str] = (),
    wanted: Sequence[Wanted] = (),
    limit: int = 5,
) -> list[Candidate]:
    """Candidates for a name, best first.

    Args:
        thesaurus: of the library, as `thesaurus_of` gives it.
        query: a label in any language, a URI or a notation; '' asks by properties alone.
        types: facets, or URIs of concepts above; a candidate is of one of them. Empty ones do not count.
        wanted: see `PROPERTIES`; a property that is not known fits nothing.
    """
    scored = []
    for concept, score, features in _named(database, thesaurus, query, types, wanted):
        if types and not any(_is_of(concept, one, thesaurus) for one in types):
            continue
        missed = sum(not _has(concept, one, thesaurus) for one in wanted)
        told = {**features, "properties_missed": float(missed)} if wanted else features
        scored.append((max(score - _MISSED * missed, 0.0), concept, told))
    scored.sort(key=lambda one: (-one[0], one[1].uri))
    alone = len(scored) == 1 or (len(scored) > 1 and scored[1][0] < CERTAIN)
    return [
        Candidate(concept, round(score, 2), n == 0 and alone and score >= CERTAIN, features)
        for n, (score, concept, features) in enumerate(scored[:limit])
    ]


def name_of(concept: Concept, language: str) -> str:
    """Its preferred label in this language ('zh' in simplified characters first), else in English, else any."""
    order = ("zh-Hans", "zh") if language == "zh" else (language,)
    for wanted in (*order, "en"):
        for tag, label in concept.pref_labels.items():
            if speaks(tag, wanted):
                return label
    return next(iter(concept.pref_labels.values()), local_name(concept.uri))


def language_of(text: str) -> str:
    """'zh' where a text has Chinese characters, else 'en'.

    >>> language_of("饕餮纹 taotie"), language_of("taotie")
    ('zh', 'en')
    """
    return "zh" if any(map(is_han, text)) else "en"


def way_to(concept: Concept, thesaurus: Thesaurus, language: str) -> list[str]:
    """Names of what is above it by its first broader concepts, from the top down."""
    found: list[str] = []
    above = concept
    while above.broader:
        above = thesaurus.concept(above.broader[0])
        found.append(name_of(above, language))
    return found[::-1]


def texts_in(notes: Mapping[str, str], language: str) -> list[str]:
    """Texts in a language; in Chinese simplified ones first."""
    tags = sorted((tag for tag in notes if speaks(tag, language)), key=lambda tag: tag not in ("zh-Hans", language))
    return list(dict.fromkeys(notes[tag] for tag in tags))


def values_of(concept: Concept, name: str, thesaurus: Thesaurus) -> list[str | Concept] | None:
    """What a concept has of a property; None where there is no such property."""
    reader = PROPERTIES.get(name)
    return None if reader is None else reader(concept, thesaurus)


def _others(concept: Concept, _: Thesaurus) -> list[str | Concept]:
    return list(dict.fromkeys(label for _, label, preferred in labels_of(concept) if not preferred))


_Reader = Callable[[Concept, Thesaurus], list[str | Concept]]
PROPERTIES: Mapping[str, _Reader] = {
    "label-zh": lambda one, _: [*texts_in(one.pref_labels, "zh")],
    "label-en": lambda one, _: [*texts_in(one.pref_labels, "en")],
    "other-labels": _others,
    "definition-zh": lambda one, _: [*texts_in(one.scope_notes, "zh")],
    "definition-en": lambda one, _: [*texts_in(one.scope_notes, "en")],
    "notation": lambda one, _: [one.notation] if one.notation else [],
    "facet": lambda one, _: [one.facet] if one.facet else [],
    "broader": lambda one, thesaurus: [thesaurus.concept(uri) for uri in one.broader],
    "narrower": lambda one, thesaurus: [thesaurus.concept(uri) for uri in thesaurus.narrower(one.uri)],
    "exact-match": lambda one, _: [*one.matches.get("exactMatch", ())],
    "close-match": lambda one, _: [*one.matches.get("closeMatch", ())],
}
"""Name of a property -> its values: texts, or concepts."""


_Scored = tuple[Concept, float, dict[str, float | bool]]


def _named(
    database: Database, thesaurus: Thesaurus, query: str, types: Sequence[str], wanted: Sequence[Wanted]
) -> list[_Scored]:
    if not query.strip():
        return [(one, 100.0, {}) for one in thesaurus if wanted and all(_has(one, prop, thesaurus) for prop in wanted)]
    if query in thesaurus:
        return [(thesaurus.concept(query), 100.0, {"identifier": True})]
    facet = types[0] if len(types) == 1 and types[0] not in thesaurus else None
    found = [one for one in find_concepts(database, query, facet=facet, limit=_CANDIDATES) if one.uri in thesaurus]
    scored = [_score(thesaurus.concept(one.uri), one, query) for one in found]
    known = {one.uri for one in found}
    by_notation = (one for one in thesaurus if one.notation == query and one.uri not in known)
    return scored + [(one, 100.0, {"notation": True}) for one in by_notation]


def _score(concept: Concept, found: Found, query: str) -> _Scored:
    from rapidfuzz import fuzz  # imported on use: it is not needed where a name is an identifier

    latin = "-Latn" in found.language
    asked = fold_pinyin(query) if latin else fold_label(query)
    likeness = float(fuzz.ratio(asked, fold_tagged(found.label, found.language)))
    if found.how == "exact":
        score = 100.0 if found.preferred and not latin else _ALTERNATIVE
    else:
        score = likeness * (_NEAR if found.how == "near" else _ALIKE) / 100
    return concept, score, {"name_likeness": round(likeness, 2), "preferred": found.preferred}


def _is_of(concept: Concept, type_: str, thesaurus: Thesaurus) -> bool:
    return concept.facet == type_ or (type_ in thesaurus and type_ in thesaurus.steps_up(concept.uri))


def _has(concept: Concept, wanted: Wanted, thesaurus: Thesaurus) -> bool:
    if wanted.property == "broader":  # at whatever height
        above: list[str | Concept] = [thesaurus.concept(uri) for uri in thesaurus.ancestors(concept.uri)]
        return any(_fits(one, value) for one in above for value in wanted.values)
    values = values_of(concept, wanted.property, thesaurus) or []
    return any(_fits(one, value) for one in values for value in wanted.values)


def _fits(value: str | Concept, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted or fold_label(value) == fold_label(wanted)
    return value.uri == wanted or any(
        fold_tagged(label, tag) == fold_tagged(wanted, tag) for tag, label, _ in labels_of(value)
    )
