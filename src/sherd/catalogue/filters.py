"""What `where` means: which records a filter lets through."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Select, func, select

from sherd.catalogue.lexical import fold
from sherd.catalogue.schema import record_terms, terms
from sherd.errors import InvalidArgument

Where = Mapping[str, tuple[str, ...]]
FIELDS = ("culture", "licence", "material", "motif", "object_type", "period", "rights", "theme")
"""What `where` may filter by."""


def check(where: Where) -> None:
    """Raise InvalidArgument for an unknown field (the known ones are named), or a field without a value."""
    for field, values in where.items():
        if field not in FIELDS:
            raise InvalidArgument(f"cannot filter by {field!r}; the fields are {', '.join(FIELDS)}")
        if not values or not all(fold(value) for value in values):
            raise InvalidArgument(f"the filter {field} has no value; write {field}=VALUE")


def allowed_records(connection: Connection, where: Where | None) -> list[Select[tuple[int]]]:
    """One select of record numbers a field; a record must be in all of them."""
    if not where:
        return []
    check(where)
    selects = []
    for field, values in where.items():
        numbers: set[int] = set()
        for value in {fold(value) for value in values}:
            holding = select(terms.c.number, terms.c.folded).where(
                terms.c.field == field, func.instr(terms.c.folded, value) > 0
            )
            numbers |= {number for number, term in connection.execute(holding) if stands_in(value, term)}
        selects.append(select(record_terms.c.record).where(record_terms.c.term.in_(sorted(numbers))))
    return selects


def stands_in(value: str, term: str) -> bool:
    """Whether `value` (folded) is in `term` (folded) as whole words; Chinese has no word breaks, so any part counts.

    >>> stands_in("bronze", "gilt bronze"), stands_in("bronze", "bronzed wood"), stands_in("周", "西周中期")
    (True, False, True)
    """
    start = term.find(value)
    while start >= 0:
        end = start + len(value)
        if _is_edge(term[start - 1 : start], value[0]) and _is_edge(value[-1], term[end : end + 1]):
            return True
        start = term.find(value, start + 1)
    return False


def _is_edge(left: str, right: str) -> bool:
    """Whether a word can end between two neighbours ('' is the end of the text)."""
    return not (_joins(left) and _joins(right))


def _joins(character: str) -> bool:
    return character.isalnum() and character < "\u2e80"
