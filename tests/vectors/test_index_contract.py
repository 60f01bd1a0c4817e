"""What every vector index keeps to, and the agreement of all of them with the exact one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.exact import ExactIndex
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.protocol import PARTS_PER_KEY, VectorIndex
from tests.vectors.batches import clustered, random_unit

DIM = 16


class Memory:
    """A source that knows every vector it was told."""

    def __init__(self) -> None:
        self.rows: dict[int, FloatArray] = {}

    def put(self, keys: KeyArray, vectors: FloatArray) -> None:
        self.rows.update(zip(keys.tolist(), vectors, strict=True))

    def vectors(self, keys: KeyArray) -> FloatArray:
        found = [self.rows[key] for key in keys.tolist()]
        return np.stack(found) if found else np.zeros((0, DIM), np.float32)


FORCED = IndexSettings(exact_limit=100, probes=16, rerank=100, brute_limit=20)
Put = Callable[[KeyArray, FloatArray], None]


def _exact(dim: int, group: int) -> tuple[VectorIndex, Put]:
    index = ExactIndex(dim, group=group)
    return index, index.add


def _faiss(limits: IndexSettings) -> Callable[[int, int], tuple[VectorIndex, Put]]:
    def make(dim: int, group: int) -> tuple[VectorIndex, Put]:
        memory = Memory()
        index = FaissIndex(dim, memory, group=group, settings=limits)

        def put(keys: KeyArray, vectors: FloatArray) -> None:
            memory.put(keys, vectors)
            index.add(keys, vectors)

        return index, put

    return make


Maker = Callable[[int, int], tuple[VectorIndex, Put]]
MAKERS: dict[str, Maker] = {"exact": _exact, "faiss small": _faiss(IndexSettings()), "faiss large": _faiss(FORCED)}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Maker:
    return MAKERS[request.param]


def test_an_empty_index_finds_nothing(make: Maker) -> None:
    index, _ = make(DIM, 1)
    scores, keys = index.search(random_unit((2, DIM)), 3)
    assert len(index) == 0
    assert (keys == -1).all()
    assert np.isneginf(scores).all()


def test_agrees_with_the_exact_index(make: Maker) -> None:
    vectors, queries = clustered(600, DIM, 1, clusters=10), clustered(20, DIM, 2, clusters=10)
    index, put = make(DIM, 1)
    put(np.arange(600), vectors)
    oracle = ExactIndex(DIM)
    oracle.add(np.arange(600), vectors)
    scores, keys = index.search(queries, 10)
    true_scores, true_keys = oracle.search(queries, 10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(keys, true_keys, strict=True)]) >= 0.97
    assert np.allclose(scores[:, 0], true_scores[:, 0], atol=1e-3)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_adds_updates_and_removals_are_seen_by_the_next_search(make: Maker) -> None:
    vectors = clustered(300, DIM, 3, clusters=10)
    index, put = make(DIM, 1)
    put(np.arange(300), vectors)
    new = random_unit((1, DIM), 77)
    put(np.array([1_000]), new)
    assert index.search(new, 1)[1].tolist() == [[1_000]]
    put(np.array([5]), new)  # an update of an old key
    assert index.search(new, 2)[1].tolist() == [[5, 1_000]]
    assert 5 not in index.search(vectors[5:6], 301)[1][0, :1]
    index.remove(np.array([5, 1_000, 4_444]))
    assert len(index) == 299
    assert not {5, 1_000} & set(index.search(new, 400)[1][0].tolist())
    assert index.keys().tolist() == [key for key in range(300) if key != 5]
    put(np.array([5]), vectors[5:6])
    assert index.search(vectors[5:6], 1)[1].tolist() == [[5]]


def test_equal_scores_come_by_key(make: Maker) -> None:
    index, put = make(DIM, 1)
    row = random_unit((1, DIM))
    for key in (9, 3, 7, 1):
        put(np.array([key]), row)
    assert index.search(row, 3)[1].tolist() == [[1, 3, 7]]


@pytest.mark.parametrize("count", [1, 15, 90, 400])
def test_a_filter_keeps_its_recall(make: Maker, count: int) -> None:
    vectors, queries = clustered(800, DIM, 4, clusters=10), clustered(10, DIM, 5, clusters=10)
    allowed = np.sort(np.random.default_rng(6).choice(800, count, replace=False))
    index, put = make(DIM, 1)
    put(np.arange(800), vectors)
    _, keys = index.search(queries, 10, allowed)
    truth = ExactIndex(DIM)
    truth.add(allowed, vectors[allowed])
    _, true_keys = truth.search(queries, 10)
    found = [len((set(a) & set(b)) - {-1}) / min(10, count) for a, b in zip(keys, true_keys, strict=True)]
    assert np.mean(found) >= 0.97
    assert set(keys.ravel()) - {-1} <= set(allowed.tolist())
    assert (index.search(queries, 10, np.empty(0, np.int64))[1] == -1).all()


def test_parts_are_filtered_by_the_key_of_their_picture(make: Maker) -> None:
    index, put = make(DIM, PARTS_PER_KEY)
    pictures = np.repeat(np.arange(100), 4)
    put(pictures * PARTS_PER_KEY + np.tile(np.arange(4), 100), clustered(400, DIM, 8, clusters=10))
    _, keys = index.search(random_unit((3, DIM), 9), 20, np.array([10, 50, 99]))
    assert all(set((row[row >= 0] // PARTS_PER_KEY).tolist()) == {10, 50, 99} for row in keys)
    assert (keys >= 0).sum(1).tolist() == [12] * 3


BAD = {
    "nan": np.full((1, DIM), np.nan, np.float32),
    "inf": np.full((1, DIM), np.inf, np.float32),
    "zero": np.zeros((1, DIM), np.float32),
    "wrong dim": random_unit((1, DIM + 1)),
    "one axis": random_unit((DIM,)),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_vectors_and_queries_are_refused_and_change_nothing(make: Maker, bad: str) -> None:
    index, put = make(DIM, 1)
    put(np.arange(150), clustered(150, DIM, 1, clusters=5))
    with pytest.raises(InvalidArgument):
        index.search(BAD[bad], 1)
    with pytest.raises(InvalidArgument):
        index.add(np.array([500]), BAD[bad])
    assert len(index) == 150


@pytest.mark.parametrize("keys", [[-3, 1], [4, 4], [1.5, 2.5], [[1, 2]], [1]])
def test_bad_keys_and_a_bad_k_are_refused(make: Maker, keys: list[int]) -> None:
    index, _ = make(DIM, 1)
    with pytest.raises(InvalidArgument):
        index.add(np.array(keys), random_unit((2, DIM)))
    with pytest.raises(InvalidArgument):
        index.add(np.array([1]), random_unit((1, DIM)) * 3)
    with pytest.raises(InvalidArgument):
        index.search(random_unit((1, DIM)), 0)


Step = tuple[str, int, int]


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "remove", "rebuild", "seal"]), st.integers(0, 60), st.integers(1, 40)),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=25, deadline=None)
def test_any_history_leaves_the_keys_and_the_exact_scores_of_a_dictionary(steps: list[Step]) -> None:
    memory, truth = Memory(), dict[int, FloatArray]()
    index = FaissIndex(DIM, memory, settings=IndexSettings(exact_limit=40, probes=1_000, rerank=1_000, brute_limit=5))
    for number, (act, start, count) in enumerate(steps):
        keys = np.arange(start, start + count)
        if act == "add":
            vectors = random_unit((count, DIM), number)
            memory.put(keys, vectors)
            index.add(keys, vectors)
            truth.update(zip(keys.tolist(), vectors, strict=True))
        elif act == "remove":
            index.remove(keys)
            for key in keys.tolist():
                truth.pop(key, None)
        elif act == "seal":
            index.seal()
        else:
            index.rebuild()
        assert index.keys().tolist() == sorted(truth)
    query = random_unit((1, DIM), 1_234)
    scores, keys = index.search(query, 200)
    wanted = sorted(((float(row @ query[0]), -key) for key, row in truth.items()), reverse=True)
    assert keys[0][: len(wanted)].tolist() == [-key for _, key in wanted]
    assert np.allclose(scores[0][: len(wanted)], [score for score, _ in wanted], atol=1e-5)


@pytest.mark.parametrize(("dim", "floor"), [(64, 0.95), (65, 0.95)])
def test_recall_of_fifty_thousand_clustered_vectors(dim: int, floor: float) -> None:
    vectors, queries = clustered(50_000, dim, 1, clusters=1_000), clustered(50, dim, 2, clusters=1_000)
    memory = ExactIndex(dim)
    memory.add(np.arange(50_000), vectors)
    index = FaissIndex(dim, memory, settings=IndexSettings(exact_limit=10_000))
    index.rebuild(np.arange(50_000))
    assert index.sealed is not None
    truth = memory.search(queries, 10)[1]
    found = index.search(queries, 10)[1]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth, strict=True)])
    assert recall >= floor, f"recall@10 {recall:.3f}"
