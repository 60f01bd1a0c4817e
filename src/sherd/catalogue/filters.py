"""What `where` means: which records a filter lets through."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Select, func, select

from sherd.catalogue.bearers import bearing
from sherd.catalogue.database import Database
from sherd.catalogue.lexical import fold
from sherd.catalogue.schema import record_terms, terms
from sherd.catalogue.whole_words import stands_in
from sherd.errors import InvalidArgument

Where = Mapping[str, tuple[str, ...]]
CONCEPT = "concept"
FIELDS = (CONCEPT, "culture", "licence", "material", "motif", "object_type", "period", "rights", "theme")
"""What `where` may filter by: terms as they are written, and concepts of the thesaurus with all below them."""


def check(where: Where) -> None:
    """Raise InvalidArgument for an unknown field (the known ones are named), or a field without a value."""
    for field, values in where.items():
        if field not in FIELDS:
            raise InvalidArgument(f"cannot filter by {field!r}; the fields are {', '.join(FIELDS)}")
        if not values or not all(value.strip() for value in values):
            raise InvalidArgument(f"the filter {field} has no value; write {field}=VALUE")


def allowed_records(database: Database, connection: Connection, where: Where | None) -> list[Select[int]]:
    """One select of record numbers a field; a record must be in all of them.

    Raises:
        InvalidArgument: see `check`. UnknownConcept: no thesaurus of the library has a concept that is asked for.
    """
    if not where:
        return []
    check(where)
    selects = []
    for field, values in where.items():
        if field == CONCEPT:
            selects.append(bearing(database, connection, values))
            continue
        numbers: set[int] = set()
        for value in {fold(value) for value in values} - {""}:  # of what cannot be compared no record has any
            place = func.instr if connection.dialect.name == "sqlite" else func.strpos
            holding = select(terms.c.number, terms.c.folded).where(
                terms.c.field == field, place(terms.c.folded, value) > 0
            )
            numbers |= {number for number, term in connection.execute(holding) if stands_in(value, term)}
        selects.append(select(record_terms.c.record).where(record_terms.c.term.in_(sorted(numbers))))
    return selects
