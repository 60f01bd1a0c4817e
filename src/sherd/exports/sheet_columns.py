"""What stands in the columns that Sherd adds to a museum's own table, and what is kept to know it again.

For each facet: the terms that people accepted and their URIs, the terms that the machine suggests and how likely the
first of them is. Beside each row a state is kept, so that it can be told later what a curator changed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sherd.catalogue.decisions import GENESIS
from sherd.errors import InvalidArgument, RejectedItem, SourceError
from sherd.exports.described import Author, Described, Statement
from sherd.ingest.sources.texts import split_values
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import clean, speaks
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Box, Concept

LANGUAGES = ("en", "zh")
SEPARATOR = "; "
STATE_VERSION = 1
_FACETS_ZH = {"motif": "纹饰", "type": "器类", "material": "质地", "culture": "文化与时代", "theme": "主题"}


class Kind(StrEnum):
    """What one added column holds. Whatever is not `ACCEPTED` is not read again."""

    RECORD = "record"
    ACCEPTED = "accepted"
    URI = "uri"
    SUGGESTED = "suggested"
    PROBABILITY = "probability"
    STATE = "state"

    @property
    def by(self) -> Author | None:
        """Whose words stand in it; None for what only serves to know the row again."""
        if self in (Kind.ACCEPTED, Kind.URI):
            return Author.PERSON
        return Author.MACHINE if self in (Kind.SUGGESTED, Kind.PROBABILITY) else None


_HEADINGS = {
    "en": {
        Kind.RECORD: "Sherd: record", Kind.ACCEPTED: "Sherd: {} (accepted)", Kind.URI: "Sherd: {} URI",
        Kind.SUGGESTED: "Sherd: {} (suggested)", Kind.PROBABILITY: "Sherd: {} probability", Kind.STATE: "Sherd: state",
    },
    "zh": {
        Kind.RECORD: "Sherd：记录", Kind.ACCEPTED: "Sherd：{}（已采纳）", Kind.URI: "Sherd：{} URI",
        Kind.SUGGESTED: "Sherd：{}（建议）", Kind.PROBABILITY: "Sherd：{} 概率", Kind.STATE: "Sherd：状态",
    },
}  # fmt: skip
RECORD_HEADINGS = tuple(_HEADINGS[language][Kind.RECORD] for language in LANGUAGES)
STATE_HEADINGS = tuple(_HEADINGS[language][Kind.STATE] for language in LANGUAGES)


_ADDED = re.compile(
    "|".join(re.escape(one).replace(r"\{\}", ".+") for some in _HEADINGS.values() for one in some.values())
)


def is_added(heading: str) -> bool:
    """Whether a heading is one that Sherd gives to its columns.

    >>> is_added("Sherd: motif (accepted)"), is_added("Sherd：纹饰（建议）"), is_added("motif")
    (True, True, False)
    """
    return _ADDED.fullmatch(heading) is not None


@dataclass(frozen=True, slots=True)
class Column:
    """One added column."""

    kind: Kind
    facet: str
    heading: str


@dataclass(frozen=True, slots=True)
class Term:
    """A concept as it was written into a cell. probability, image, box, model: of a suggestion."""

    uri: str
    label: str
    probability: float | None = None
    image: str | None = None
    box: Box | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class FacetState:
    """What was written for one record in one facet, and under which headings."""

    heading: str
    uri_heading: str
    accepted: tuple[Term, ...] = ()
    suggested: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class RowState:
    """One record as it was written. number, hash: of the last decision about it, 0 and `GENESIS` where there was none.

    id_heading: of the column that the record's id was read from; '' where it came from the name of a picture.
    """

    record_id: str
    number: int = 0
    hash: str = GENESIS
    id_heading: str = ""
    facets: Mapping[str, FacetState] = field(default_factory=dict)


def columns_for(facets: Sequence[str], thesaurus: Thesaurus, language: str) -> tuple[Column, ...]:
    """The columns for these facets, in their order.

    Raises:
        InvalidArgument: the language is neither 'en' nor 'zh'.
    """
    if language not in LANGUAGES:
        raise InvalidArgument(f"language is {language!r}; give 'en' or 'zh'")
    words = _HEADINGS[language]
    found = [Column(Kind.RECORD, "", words[Kind.RECORD])]
    for facet in facets:
        name = facet_name(facet, thesaurus, language)
        kinds = (Kind.ACCEPTED, Kind.URI, Kind.SUGGESTED, Kind.PROBABILITY)
        found += [Column(kind, facet, words[kind].format(name)) for kind in kinds]
    return tuple(found)


def state_column(language: str) -> Column:
    """The column of a text table that keeps each row's state."""
    return Column(Kind.STATE, "", _HEADINGS[language][Kind.STATE])


def facet_name(facet: str, thesaurus: Thesaurus, language: str) -> str:
    """What a facet is called in a heading: in English its own short name, in Chinese that of its top concept."""
    if language != "zh":
        return clean(facet) or "term"
    top = next((one for one in thesaurus if not one.broader and one.facet == facet), None)
    label = next((text for tag, text in (top.pref_labels if top else {}).items() if speaks(tag, "zh")), "")
    return _FACETS_ZH.get(facet) or clean(label) or clean(facet) or "词"


def label_of(concept: Concept, language: str) -> str:
    """A concept's name for a cell: in the language, else in the other one, else any.

    A name that holds a separator would be taken for two, so that another is taken, at last the URI.
    """
    wanted = sorted(labels_of(concept), key=lambda one: (not one[2], not speaks(one[0], language), "-Latn" in one[0]))
    texts = (unicodedata.normalize("NFC", clean(text)) for _, text, _ in wanted)
    return next((text for text in texts if _is_one(text)), concept.uri)


def state_of(
    one: Described, columns: Sequence[Column], language: str, *, number: int = 0, hash_: str = GENESIS, id_heading: str
) -> RowState:
    """A record's state, as the columns show it."""
    headings = {(column.kind, column.facet): column.heading for column in columns}
    facets = {}
    for facet in dict.fromkeys(column.facet for column in columns if column.kind is Kind.ACCEPTED):
        accepted = [said for said in one.by(Author.PERSON) if said.facet == facet and said.holds]
        suggested = [said for said in one.by(Author.MACHINE) if said.facet == facet]
        facets[facet] = FacetState(
            headings[Kind.ACCEPTED, facet],
            headings[Kind.URI, facet],
            _terms(accepted, language),
            _terms(suggested, language),
        )
    return RowState(one.record.record_id, number, hash_, id_heading, facets)


def cells_of(state: RowState, columns: Sequence[Column]) -> list[str | float | None]:
    """What stands in the columns for one record: texts, probabilities, None where a cell stays empty."""
    return [_cell(state, column) for column in columns]


def shown(terms: Iterable[Term]) -> str:
    """Terms as they stand in a cell."""
    return SEPARATOR.join(one.label for one in terms)


def shown_uris(terms: Iterable[Term]) -> str:
    """URIs as they stand in a cell."""
    return SEPARATOR.join(one.uri for one in terms)


def to_text(state: RowState) -> str:
    """A state as ASCII text without control characters, which any table can keep."""
    facets = {
        facet: {
            "a": one.heading, "u": one.uri_heading,
            "t": [[term.uri, term.label] for term in one.accepted],
            "s": [[term.uri, term.label, term.probability, term.image, _corners(term.box), term.model]
                  for term in one.suggested],
        }
        for facet, one in state.facets.items()
    }  # fmt: skip
    data = {"v": STATE_VERSION, "r": state.record_id, "n": state.number, "h": state.hash, "i": state.id_heading}
    text = json.dumps(data | {"f": facets}, separators=(",", ":"))
    # A workbook would read _x0041_ as a character, and may hold no control characters; JSON escapes all but this one.
    return text.replace("_x", "\\u005fx").replace("\x7f", "\\u007f")


def from_text(text: str) -> RowState:
    """The state again.

    Raises:
        SourceError: it is none, or of a newer Sherd.
    """
    try:
        data = json.loads(text)
        version = data["v"]
        if version != STATE_VERSION:
            raise SourceError(f"was written in form {version!r}; this Sherd reads form {STATE_VERSION}")
        facets = {
            _str(facet): FacetState(
                _str(one["a"]),
                _str(one["u"]),
                tuple(Term(_str(uri), _str(label)) for uri, label in one["t"]),
                tuple(map(_suggested, one["s"])),
            )
            for facet, one in data["f"].items()
        }
        if type(data["n"]) is not int:
            raise TypeError("the number is none")
        return RowState(_str(data["r"]), data["n"], _str(data["h"]), _str(data["i"]), facets)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidArgument) as error:
        raise SourceError(f"what Sherd kept of a row cannot be read any more ({error})") from error


def _terms(said: Iterable[Statement], language: str) -> tuple[Term, ...]:
    """Terms of statements; a label stands for one concept only, so the second of that name is told by its URI."""
    found: dict[str, Term] = {}
    for one in {said_.concept.uri: said_ for said_ in said}.values():
        label = label_of(one.concept, language)
        label = one.concept.uri if label in found else label
        found[label] = Term(one.concept.uri, label, one.probability, one.image, one.box, one.model)
    return tuple(found.values())


def _cell(state: RowState, column: Column) -> str | float | None:
    if column.kind is Kind.RECORD:
        return state.record_id
    if column.kind is Kind.STATE:
        return to_text(state)
    facet = state.facets[column.facet]
    if column.kind is Kind.PROBABILITY:
        return facet.suggested[0].probability if facet.suggested else None
    if column.kind is Kind.URI:
        return shown_uris(facet.accepted) or None
    return shown(facet.accepted if column.kind is Kind.ACCEPTED else facet.suggested) or None


def _is_one(label: str) -> bool:
    try:
        return split_values(label, "a label") == (label,)
    except RejectedItem:
        return False


def _corners(box: Box | None) -> list[float] | None:
    return None if box is None else [box.x, box.y, box.w, box.h]


def _suggested(found: Any) -> Term:
    uri, label, probability, image, corners, model = found
    if probability is not None and not (type(probability) in (int, float) and 0 <= probability <= 1):
        raise ValueError("a probability is no fraction 0..1")
    box = None if corners is None else Box(*map(float, corners))
    return Term(_str(uri), _str(label), probability, None if image is None else _str(image), box, _str(model))


def _str(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(f"{type(found).__name__} where a text belongs")
    return found
