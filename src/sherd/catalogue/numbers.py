"""Whole numbers out of a table, by the million: as text that numpy reads, so that no row becomes a Python object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, String, cast, func, literal, select

_AT_ONCE = 1 << 20
"""Rows in one text, some 20 MB; SQLite's texts end at a billion bytes."""
T = TypeVar("T")


def numbers_of(
    connection: Connection, rows: Select[Any], taken: Callable[[NDArray[np.int64]], T], *, at_once: int = _AT_ONCE
) -> Iterator[T]:
    """What `taken` makes of each block of rows (n, columns), ascending by the first column.

    Args:
        rows: columns of whole numbers; the first is 0 or more and in no two rows the same.
        at_once: rows of a block at most.
    """
    first, after = rows.selected_columns[0], -1
    while True:
        block = rows.where(first > after).order_by(first).limit(at_once).subquery()
        line: ColumnElement[str] = cast(block.c[0], String)
        for column in list(block.c)[1:]:
            line = line + literal(",") + cast(column, String)
        text = connection.scalar(select(func.aggregate_strings(line, ",")))
        found = np.fromstring(text or "", np.int64, sep=",").reshape(-1, len(block.c))
        found = found[np.argsort(found[:, 0], kind="stable")]  # an aggregate need not keep the order
        if len(found):
            yield taken(found)
        if len(found) < at_once:
            return
        after = int(found[-1, 0])
