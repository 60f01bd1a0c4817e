"""Which records bear a concept: by their terms, by the labels of their boxes, by what people decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from sherd.catalogue import concepts, decisions
from sherd.catalogue.database import Database
from sherd.catalogue.lexical import fold
from sherd.catalogue.schema import concept_labels, images, record_terms, records, regions, terms
from sherd.catalogue.schema import concepts as concept_table
from sherd.catalogue.standings import standings
from sherd.catalogue.whole_words import stands_in

_FIELDS = {
    "type": ("object_type",), "material": ("material",), "culture": ("culture", "period"), "motif": ("motif",),
    "theme": ("theme",),
}  # fmt: skip
"""Where a record says what it bears of a facet; of other facets it may say it in any of them."""
_ANYWHERE = tuple(dict.fromkeys(field for fields in _FIELDS.values() for field in fields))
_CHUNK = 900
_own, _shown = records.alias(), images.alias()  # whoever asks may have these tables in the question already


def bearing(database: Database, connection: Connection, names: Sequence[str]) -> Select[int]:
    """Numbers of the records that bear one of the concepts called `names`, or one below them.

    A record does if a label of such a concept stands, as whole words, in one of its terms or in the label of one of its
    boxes, or if a person said so. It does not if a person refused the concept or one above it, nor for a term that says
    only what a person refused.

    Args:
        names: URIs, notations or labels; a label of several concepts means all of them.
    Raises:
        UnknownConcept: no thesaurus of the library has one of them.
    """
    meant = {one.uri for name in names for one in concepts.resolve(database, name)}
    wanted = meant | {uri for one in meant for uri, _ in concepts.descendants(database, one)}
    above = {uri for one in meant for uri, _ in concepts.ancestors(database, one)}
    said = standings(decisions.everything(database))
    by_person = {one.record_id for one in said if one.holds and one.concept in wanted}
    refused: dict[str, set[str]] = defaultdict(set)
    for one in said:
        if not one.holds and one.record_id not in by_person and one.concept in wanted | above:
            refused[one.record_id].add(one.concept)
    out = {
        record
        for record, some in refused.items()
        if some & (meant | above) or not connection.scalar(_said_of(connection, wanted - some, record))
    }
    return select(_own.c.number).where(
        or_(*_written(connection, wanted), _own.c.record_id.in_(sorted(by_person))),
        _own.c.record_id.not_in(sorted(out)),
    )


def _said_of(connection: Connection, uris: set[str], record_id: str) -> Select[int]:
    return select(_own.c.number).where(_own.c.record_id == record_id, or_(*_written(connection, uris)))


def _written(connection: Connection, uris: set[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """That a record's terms, or its boxes, say one of these concepts."""
    labels = _labels(connection, uris)
    numbers = _terms_with(connection, labels)
    on_boxes = _box_labels_with(connection, {label for some in labels.values() for label in some})
    shown = select(_shown.c.record).join(regions, regions.c.image == _shown.c.number)
    return (
        _own.c.number.in_(select(record_terms.c.record).where(record_terms.c.term.in_(numbers))),
        _own.c.number.in_(shown.where(regions.c.label.in_(on_boxes))),
    )


def _labels(connection: Connection, uris: set[str]) -> dict[str, set[str]]:
    """By facet, the folded labels of these concepts."""
    found: dict[str, set[str]] = defaultdict(set)
    wanted = sorted(uris)
    for start in range(0, len(wanted), _CHUNK):
        rows = (
            select(concept_table.c.facet, concept_labels.c.label)
            .join(concept_labels, concept_labels.c.concept == concept_table.c.number)
            .where(concept_table.c.uri.in_(wanted[start : start + _CHUNK]))
        )
        for facet, label in connection.execute(rows):
            found[facet].add(fold(label))
    return found


def _terms_with(connection: Connection, labels: dict[str, set[str]]) -> list[int]:
    by_field: dict[str, set[str]] = defaultdict(set)
    for facet, some in labels.items():
        for field in _FIELDS.get(facet, _ANYWHERE):
            by_field[field] |= some
    rows = connection.execute(
        select(terms.c.number, terms.c.field, terms.c.folded).where(terms.c.field.in_(list(by_field)))
    )
    return sorted(
        number for number, field, folded in rows if any(stands_in(label, folded) for label in by_field[field] if label)
    )


def _box_labels_with(connection: Connection, labels: set[str]) -> list[str]:
    written = connection.scalars(select(regions.c.label).distinct().where(regions.c.label.is_not(None)))
    return sorted(
        one for one in written if any(stands_in(label, fold(one.replace("_", " "))) for label in labels if label)
    )
