"""How many records have which value of a field, for the filters beside a search."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVarTuple

from sqlalchemy import Connection, Select, distinct, func, select

from sherd.catalogue import decisions, filters
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.database import Database
from sherd.catalogue.filters import CONCEPT, FIELDS, Where
from sherd.catalogue.lexical import fold
from sherd.catalogue.records import filter_terms, from_body
from sherd.catalogue.schema import record_terms, records, terms
from sherd.catalogue.whole_words import stands_in
from sherd.errors import InvalidArgument

Ts = TypeVarTuple("Ts")
_LOOKED_AT = 4
"""So many times the values that are told are looked at: one that stands in many others may belong further up."""


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value as a record writes it, and how many records have it."""

    value: str
    count: int


class FacetCounts:
    """`facet_values`, kept for as long as the catalogue and what people decided stay as they are. For any thread.

    Args:
        kept: answers, 1 or more; the oldest give way.
    """

    def __init__(self, catalogue: Catalogue, *, kept: int = 64) -> None:
        self._catalogue, self._most_kept = catalogue, kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, dict[str, list[FacetValue]]] = OrderedDict()

    def values(self, where: Where | None = None, *, most: int = 12) -> dict[str, list[FacetValue]]:
        """As `facet_values`. Counting over 100,000 records takes long enough to be felt."""
        database = self._catalogue.database
        chosen = tuple(sorted((field, tuple(values)) for field, values in (where or {}).items()))
        said = decisions.head(database).number if CONCEPT in (where or {}) else 0
        name = self._catalogue.generation(), said, chosen, most
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        found = facet_values(database, where, most=most)
        with self._lock:
            self._kept[name] = found
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        return found


def facet_values(database: Database, where: Where | None = None, *, most: int = 12) -> dict[str, list[FacetValue]]:
    """By field that `where` may name, but not `concept`: its most frequent values, first the one of most records.

    The values of a field are counted among the records that all other fields of `where` let through, so that a second
    value of the same field can be chosen too. Upper and lower case are one value, written as one of the records does.
    Its count is that of the records which `where` with this value finds: those too in one of whose terms it stands.

    Args:
        most: values a field, 1 or more.
    Raises:
        InvalidArgument: most is below 1; and as `filters.check`.
        UnknownConcept: `where` asks for a concept that no thesaurus of the library has.
    """
    if most < 1:
        raise InvalidArgument(f"most is {most}; give 1 or more values a field")
    where = where or {}
    filters.check(where)
    with database.read() as connection:
        # Fields that nothing is chosen in are counted among the same records, and so at once.
        free = [field for field in FIELDS if field != CONCEPT and field not in where]
        found = _values(database, connection, free, where, most)
        for field in where:
            if field != CONCEPT:
                others = {name: values for name, values in where.items() if name != field}
                found |= _values(database, connection, [field], others, most)
        return {field: found[field] for field in FIELDS if field != CONCEPT}


def _values(
    database: Database, connection: Connection, fields: Sequence[str], where: Where, most: int
) -> dict[str, list[FacetValue]]:
    allowed = filters.allowed_records(database, connection, where)
    by_term = (
        _among(
            select(record_terms.c.term, func.count().label("count"), func.min(record_terms.c.record).label("first")),
            allowed,
        )
        .group_by(record_terms.c.term)
        .subquery()
    )
    rows = (
        select(terms.c.field, terms.c.number, terms.c.folded, by_term.c.count, by_term.c.first)
        .join(by_term, by_term.c.term == terms.c.number)
        .where(terms.c.field.in_(fields))
        .order_by(by_term.c.count.desc(), terms.c.folded)
    )
    there: dict[str, list[_Term]] = {field: [] for field in fields}
    for field, *row in connection.execute(rows):
        there[field].append(_Term(*row))
    return {field: _most_frequent(connection, field, some, allowed, most) for field, some in there.items()}


class _Term(NamedTuple):
    """A term as it is kept, how many records have it, and one of them."""

    number: int
    folded: str
    records: int
    first: int


def _most_frequent(
    connection: Connection, field: str, there: Sequence[_Term], allowed: Sequence[Select[int]], most: int
) -> list[FacetValue]:
    """A filter by a value finds terms in which it stands too ("gilt bronze" for "bronze"), and so they count.

    Args:
        there: all terms of a field, those of most records first.
    """
    found: list[tuple[int, int, _Term, list[int]]] = []
    for one in there[: _LOOKED_AT * most]:
        holding = [other for other in there if one.folded in other.folded and stands_in(one.folded, other.folded)]
        found.append((-sum(other.records for other in holding), len(found), one, [other.number for other in holding]))
    counted: list[tuple[int, str, _Term]] = []
    for _, _, one, numbers in sorted(found)[:most]:
        count = one.records
        if len(numbers) > 1:
            records_of = select(func.count(distinct(record_terms.c.record))).where(record_terms.c.term.in_(numbers))
            count = connection.scalar(_among(records_of, allowed)) or 0
        counted.append((-count, one.folded, one))
    return [FacetValue(_written(connection, field, one.folded, one.first), -count) for count, _, one in sorted(counted)]


def _among(rows: Select[*Ts], allowed: Sequence[Select[int]]) -> Select[*Ts]:
    """Rows of `record_terms` of the records that the filters let through."""
    for one in allowed:
        rows = rows.where(record_terms.c.record.in_(one))
    return rows


def _written(connection: Connection, field: str, folded: str, record: int) -> str:
    """A value as this record writes it; as it is kept where it does not say."""
    row = connection.execute(select(records.c.record_id, records.c.body).where(records.c.number == record)).one()
    written = filter_terms(from_body(row.record_id, row.body))[field]
    return next((value for value in written if fold(value) == folded), folded)
