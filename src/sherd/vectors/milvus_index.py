"""An index in Milvus behind `VectorIndex`: one collection of keys and vectors, and a mark of how far it goes.

The mark is a row of its own with the key -1: all vectors of the library up to the key in its `picture` are in. It is
written after them, so whatever is cut off in between is only done again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.milvus_address import MilvusAddress
from sherd.vectors.milvus_connection import MilvusConnection, NotLoaded, NotThere
from sherd.vectors.protocol import NO_KEY, best, checked_queries, checked_rows

if TYPE_CHECKING:
    from pymilvus import MilvusClient

MAX_HITS = 16_384
"""Milvus gives no more in one search."""
_MARK = NO_KEY
_UPSERT_BYTES = 4 << 20
_WRITING = 6.0
_PAUSE_S = 0.2
_LOADING = 60.0
"""Times the patience of a search: so long it may take to load a large collection."""
_PAGE = 10_000
_FILTER_KEYS = 10_000
"""Keys in one filter; 25,000 take 0.7 s to be understood."""
_SPARSE = 0.05
"""Above this share of allowed keys it is worth asking without the filter first."""
_SLACK = 8
"""Hits asked for beyond k: the mark may be among them, and equal scores at the edge come by key."""
_QUERIES = 256


class MilvusIndex:
    """See `VectorIndex`; IndexAway from every method when the server does not answer.

    Args:
        name: of the collection, or of an alias of it.
        dim: width D.
        group: what a key is divided by to get the picture key that `allowed` speaks of; PARTS_PER_KEY for part vectors.
    """

    def __init__(self, connection: MilvusConnection, name: str, dim: int, *, group: int = 1) -> None:
        self.name, self.dim = name, dim
        self._connection, self._group = connection, group
        self._wrote = True
        """Whether something may have been written that a search does not yet see."""

    @property
    def address(self) -> MilvusAddress:
        return self._connection.address

    def create(self) -> None:
        """Make the collection where there is none, ready to be searched."""
        from pymilvus import DataType, MilvusClient

        if self._connection.call("has_collection", self.name):
            return
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("picture", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dim)
        built = MilvusClient.prepare_index_params()
        built.add_index(
            "vector", index_type=self.address.index, metric_type="IP", params=self.address.build_parameters()
        )
        self._connection.call(
            "create_collection", self.name, schema=schema, index_params=built, num_shards=self.address.shards,
            consistency_level="Bounded", answer_s=_WRITING * self.address.answer_s,
        )  # fmt: skip

    def drop(self) -> None:
        """Remove the collection with all that is in it, where there is one."""
        self._connection.call("drop_collection", self.name, answer_s=_WRITING * self.address.answer_s)

    def __len__(self) -> int:
        [row] = self._query(filter="id >= 0", output_fields=["count(*)"])
        return int(row["count(*)"])

    def keys(self) -> KeyArray:

        def listed(client: MilvusClient) -> KeyArray:
            pages = client.query_iterator(
                self.name, batch_size=_PAGE, filter="id >= 0", output_fields=["id"], consistency_level="Strong",
                timeout=_WRITING * self.address.answer_s,
            )  # fmt: skip
            found = [np.empty(0, np.int64)]
            while page := pages.next():
                found.append(np.fromiter((row["id"] for row in page), np.int64, len(page)))
            pages.close()
            return np.sort(np.concatenate(found))

        len(self)  # a list of pages does not wait for what was just written, on every server; a count does
        return self._connection.use(listed)

    def mark(self) -> int:
        """The picture key up to which all vectors are in; 0 for none. NotThere where there is no collection."""
        rows = self._query(ids=[_MARK], output_fields=["picture"])
        return int(rows[0]["picture"]) if rows else 0

    def set_mark(self, picture: int) -> None:
        """Say that all vectors up to this picture key are in."""
        row = {"id": _MARK, "picture": picture, "vector": np.eye(1, self.dim, dtype=np.float32)[0]}
        self._write("upsert", [row])

    def add(self, keys: KeyArray, vectors: FloatArray) -> None:
        keys, vectors = checked_rows(keys, vectors, self.dim)
        size = max(1, _UPSERT_BYTES // (4 * self.dim))
        for start in range(0, keys.size, size):
            block = zip(keys[start : start + size].tolist(), vectors[start : start + size], strict=True)
            self._write("upsert", [{"id": key, "picture": key // self._group, "vector": row} for key, row in block])

    def remove(self, keys: KeyArray) -> None:
        wanted = np.asarray(keys, np.int64)
        wanted = wanted[wanted >= 0]
        for start in range(0, wanted.size, _PAGE):
            self._write("delete", ids=wanted[start : start + _PAGE].tolist())

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        queries = checked_queries(queries, k, self.dim)
        if k + _SLACK > MAX_HITS:
            raise InvalidArgument(f"k is {k}; an index in Milvus gives at most {MAX_HITS - _SLACK}")
        scores = np.full((len(queries), k), -np.inf, np.float32)
        keys = np.full((len(queries), k), NO_KEY, np.int64)
        if allowed is not None and not len(allowed):
            return scores, keys
        for start in range(0, len(queries), _QUERIES):
            rows = slice(start, start + _QUERIES)
            scores[rows], keys[rows] = self._found(queries[rows], k, allowed)
        return scores, keys

    def _found(self, queries: FloatArray, k: int, allowed: KeyArray | None) -> tuple[FloatArray, KeyArray]:
        if allowed is None:
            return _best(self._asked(queries, k + _SLACK), k)
        wanted = np.asarray(allowed, np.int64)
        if wanted.size > _FILTER_KEYS:
            share = wanted.size * self._group / max(1, len(self))
            deep = min(MAX_HITS, int(2 * k / max(share, 1e-9)) + _SLACK)
            if share >= _SPARSE and deep < MAX_HITS:
                answers = [_among(some, wanted, self._group) for some in self._asked(queries, deep)]
                if all(keys.size >= k for _, keys in answers):
                    return _best(answers, k)
        # By filters of so many keys at a time, which miss nothing however few or many are allowed.
        merged = [(np.empty(0, np.float32), np.empty(0, np.int64)) for _ in queries]
        for start in range(0, wanted.size, _FILTER_KEYS):
            listed = ",".join(map(str, wanted[start : start + _FILTER_KEYS].tolist()))
            some = self._asked(queries, k + _SLACK, f"picture in [{listed}]")
            merged = [
                (np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])) for a, b in zip(merged, some, strict=True)
            ]
        return _best(merged, k)

    def _asked(self, queries: FloatArray, limit: int, filter_: str = "") -> list[tuple[FloatArray, KeyArray]]:
        """(scores, keys) of each query, the mark left out."""
        limit = min(limit, MAX_HITS)
        answer = self._loaded(
            "search", data=list(queries), filter=filter_, limit=limit, output_fields=["id"],
            search_params={"metric_type": "IP", "params": self.address.search_parameters(limit)},
            consistency_level=self._consistency(),
        )  # fmt: skip
        self._wrote = False
        found = []
        for hits in answer:
            keys = np.fromiter((hit["id"] for hit in hits), np.int64, len(hits))
            scores = np.fromiter((hit["distance"] for hit in hits), np.float32, len(hits))
            found.append((scores[keys != _MARK], keys[keys != _MARK]))
        return found

    def _query(self, **asked: Any) -> list[dict[str, int]]:
        rows = self._loaded("query", consistency_level="Strong", answer_s=_WRITING * self.address.answer_s, **asked)
        self._wrote = False
        return list(rows)

    def _loaded(self, what: str, **named: Any) -> Any:
        """A call about the collection, which is first taken into the server's memory where it is not there: a file of
        Milvus Lite that was just opened, or a server on which somebody has released it."""
        until = time.monotonic() + max(self._connection.patience_s, self.address.answer_s)
        while True:
            try:
                return self._connection.call(what, self.name, **named)
            except NotLoaded:
                if time.monotonic() > until:
                    raise
                # A server that was just started says that it is loaded a little before it is.
                self._connection.call("load_collection", self.name, answer_s=_LOADING * self.address.answer_s)
                time.sleep(_PAUSE_S)

    def _write(self, what: str, *arguments: object, **named: object) -> None:
        self._wrote = True
        self._connection.call(what, self.name, *arguments, answer_s=_WRITING * self.address.answer_s, **named)

    def _consistency(self) -> str:
        return "Strong" if self._wrote else self.address.consistency


def _among(found: tuple[FloatArray, KeyArray], allowed: KeyArray, group: int) -> tuple[FloatArray, KeyArray]:
    scores, keys = found
    inside = np.isin(keys // group, allowed)
    return scores[inside], keys[inside]


def _best(found: list[tuple[FloatArray, KeyArray]], k: int) -> tuple[FloatArray, KeyArray]:
    each = [best(scores, keys, k) for scores, keys in found]
    return np.stack([scores for scores, _ in each]), np.stack([keys for _, keys in each])


def is_there(connection: MilvusConnection, name: str) -> str | None:
    """The collection that an alias leads to; None where there is no such alias."""
    try:
        return str(connection.call("describe_alias", name)["collection_name"])
    except NotThere:
        return None
