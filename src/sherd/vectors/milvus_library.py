"""The indexes of a library in Milvus: filled from the parts, published by an alias, searched with what is newer.

For each encoder there are two collections, of objects and of parts, and two aliases that lead to them. A collection is
filled before its alias leads to it, so a library that is encoded anew is searched all the while. Whoever searches adds
what the catalogue has beyond the mark of the collection, from the parts on disk, so an ingest is seen by the next
search, whether or not the server has been told yet.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sherd.types import FloatArray, KeyArray
from sherd.vectors.exact import ExactIndex, allowed_mask
from sherd.vectors.milvus_address import MilvusAddress, parse_milvus
from sherd.vectors.milvus_connection import MilvusConnection
from sherd.vectors.milvus_index import MilvusIndex, is_there
from sherd.vectors.protocol import NO_KEY, PARTS_PER_KEY, best, checked_queries
from sherd.vectors.rows import PartRows

OBJECTS, PARTS = "object", "part"
_BLOCK = 4_096
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MilvusPlace:
    """Where the indexes of one library and one encoder are."""

    address: MilvusAddress
    library: str
    fingerprint: str

    def alias(self, level: str) -> str:
        """Under which the collection of a level is searched."""
        return f"sherd_{self.library[:16]}_{self.fingerprint[:16]}_{level}"


def place_of(url: str, library: str, fingerprint: str) -> MilvusPlace:
    """The place of a library's indexes. Raises InvalidArgument for an address that cannot be read."""
    return MilvusPlace(parse_milvus(url), re.sub(r"\W", "_", library), fingerprint)


class MilvusIndexes:
    """Searching: the two indexes of a library, over exactly the rows that it was given last."""

    def __init__(self, place: MilvusPlace) -> None:
        self._connection = MilvusConnection(place.address)
        self._place = place

    def take(self, rows: PartRows) -> tuple[FarIndex, FarIndex]:
        """The object index and the part index over `rows`.

        Raises:
            IndexAway: the server does not answer.
            CorruptData: a vector part is altered.
        """
        return self._level(OBJECTS, rows), self._level(PARTS, rows)

    def close(self) -> None:
        self._connection.close()

    def _level(self, level: str, rows: PartRows) -> FarIndex:
        group = PARTS_PER_KEY if level == PARTS else 1
        far = MilvusIndex(self._connection, self._place.alias(level), rows.dim, group=group)
        there = is_there(self._connection, far.name) is not None
        newer = rows.keys[rows.keys > far.mark()] if there else rows.keys
        tail = ExactIndex(rows.dim, group=group)
        for keys in _blocks(newer):
            tail.add(*_vectors(rows, keys, level))
        if newer.size and there:
            _log.info("%d pictures are searched beside the index, which has not been told of them", newer.size)
        return FarIndex(far if there else None, tail, rows, level)


class FarIndex:
    """What Milvus finds, and what is newer, in the rows of one state of the catalogue. It is only searched."""

    def __init__(self, far: MilvusIndex | None, tail: ExactIndex, rows: PartRows, level: str) -> None:
        self._far, self._tail, self._rows = far, tail, rows
        self._group = PARTS_PER_KEY if level == PARTS else 1
        self._each = rows.parts_per_image if level == PARTS else 1

    @property
    def dim(self) -> int:
        return self._rows.dim

    @property
    def newer(self) -> int:
        """Vectors that are searched here, since the server has not been told of them."""
        return len(self._tail)

    def __len__(self) -> int:
        return len(self._rows) * self._each

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, k, self.dim)
        scores, keys = self._tail.search(queries, k, allowed)
        if self._far is None:
            return scores, keys
        far_scores, far_keys = self._far.search(queries, k, allowed)
        for n in range(len(queries)):
            # The server may still have what is gone, or have been told already of what is newer.
            live = allowed_mask(np.maximum(far_keys[n], 0) // self._group, self._rows.keys) & (far_keys[n] != NO_KEY)
            live &= ~np.isin(far_keys[n], keys[n])
            both = np.concatenate([keys[n], far_keys[n][live]])
            scores[n], keys[n] = best(np.concatenate([scores[n], far_scores[n][live]]), both, k)
        return scores, keys


def fill(
    place: MilvusPlace,
    rows: PartRows,
    *,
    anew: bool = False,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> None:
    """Bring the server up to date with `rows`, and let the aliases lead to what is now whole; for the writer.

    It may be stopped at any time; what is in is not sent again.

    Args:
        anew: build the collections again, as the address says now, and change over when they are whole.
        told: (pictures done, pictures in all) of each level.
    Raises:
        IndexAway: the server was away for longer than the patience of the address.
        CorruptData: a vector part is altered.
    """
    connection = MilvusConnection(place.address, patience_s=place.address.writer_patience_s)
    try:
        for level in (OBJECTS, PARTS):
            if level == OBJECTS or rows.parts_per_image:
                _fill_level(connection, place, rows, level, anew, told)
    finally:
        connection.close()


def forget(place: MilvusPlace, *, keep: str | None) -> None:
    """Remove the collections of the library's other encoders.

    Args:
        keep: fingerprint of the encoder that stays.
    """
    connection = MilvusConnection(place.address)
    try:
        mine = f"sherd_{place.library[:16]}_"
        kept = f"{mine}{keep[:16]}_" if keep is not None else ""
        for name in connection.call("list_collections"):
            if name.startswith(mine) and not (kept and name.startswith(kept)):
                _drop(connection, name)
    finally:
        connection.close()


def count(place: MilvusPlace) -> dict[str, int | None]:
    """Level -> vectors that the server has; None where it has no index."""
    connection = MilvusConnection(place.address)
    try:
        found: dict[str, int | None] = {}
        for level in (OBJECTS, PARTS):
            there = is_there(connection, place.alias(level)) is not None
            found[level] = len(MilvusIndex(connection, place.alias(level), 1)) if there else None
        return found
    finally:
        connection.close()


def _fill_level(
    connection: MilvusConnection, place: MilvusPlace, rows: PartRows, level: str, anew: bool,
    told: Callable[[int, int], None],
) -> None:  # fmt: skip
    alias = place.alias(level)
    current = is_there(connection, alias)
    name = current if current is not None and not anew else _next_name(connection, alias, current)
    group = PARTS_PER_KEY if level == PARTS else 1
    index = MilvusIndex(connection, name, rows.dim, group=group)
    index.create()
    _remove_extra(index, rows, level)
    mark = index.mark()
    for keys in _blocks(rows.keys[rows.keys > mark]):
        index.add(*_vectors(rows, keys, level))
        index.set_mark(int(keys[-1]))
        told(int(np.searchsorted(rows.keys, keys[-1], "right")), len(rows))
    if current != name:
        if current is None:
            connection.call("create_alias", name, alias)
        else:
            connection.call("alter_alias", name, alias)
            connection.call("drop_collection", current)
    for left in connection.call("list_collections"):  # of a build that was given up
        if left.startswith(f"{alias}_") and left != name:
            _drop(connection, left)


def _remove_extra(index: MilvusIndex, rows: PartRows, level: str) -> None:
    """Take out what the library no longer has, and what is missing below the mark is sent again. Their keys are only
    asked for when the numbers differ."""
    each = rows.parts_per_image if level == PARTS else 1
    mark = index.mark()
    below = rows.keys[rows.keys <= mark]
    if len(index) == below.size * each:
        return
    there = index.keys()
    wanted = rows.part_keys(below) if level == PARTS else below
    extra = there[~allowed_mask(there, wanted)]
    index.remove(extra)
    missing = wanted[~allowed_mask(wanted, there)] // (PARTS_PER_KEY if level == PARTS else 1)
    for keys in _blocks(np.unique(missing)):
        index.add(*_vectors(rows, keys, level))


def _next_name(connection: MilvusConnection, alias: str, current: str | None) -> str:
    """Of a new collection: that of a build which was interrupted, else a name that none ever had."""
    there = [name for name in connection.call("list_collections") if name.startswith(f"{alias}_") and name != current]
    return there[0] if there else f"{alias}_{int(time.time() * 1000):x}"


def _drop(connection: MilvusConnection, name: str) -> None:
    aliases = connection.call("list_aliases", name)
    for alias in aliases.get("aliases", []) if isinstance(aliases, dict) else aliases:
        connection.call("drop_alias", alias)
    connection.call("drop_collection", name)


def _vectors(rows: PartRows, keys: KeyArray, level: str) -> tuple[KeyArray, FloatArray]:
    if level == PARTS:
        return rows.part_keys(keys), rows.part_vectors(keys).reshape(-1, rows.dim)
    return keys, rows.object_vectors(keys)


def _blocks(keys: KeyArray) -> Iterator[KeyArray]:
    for start in range(0, keys.size, _BLOCK):
        yield keys[start : start + _BLOCK]
