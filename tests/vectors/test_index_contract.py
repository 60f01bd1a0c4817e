"""What every vector index keeps to, and the agreement of all of them with the exact one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.vectors.depths import Depths
from sherd.vectors.exact import ExactIndex
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.protocol import PARTS_PER_KEY, VectorIndex
from tests.vectors.batches import clustered, random_unit

DIM = 16
Make = Callable[[int, int], VectorIndex]
Maker = Callable[[int, int, Path], VectorIndex]


# 600 vectors have 49 lists: looking into 32 of them finds next to everything.
FORCED = IndexSettings(exact_limit=100, tail_limit=60, depths=Depths(32, 100, 40), brute_limit=20)


def _exact(dim: int, group: int, folder: Path) -> VectorIndex:
    return ExactIndex(dim, group=group)


def _faiss(settings: IndexSettings, *, files: bool = False, background: bool = False) -> Maker:
    def make(dim: int, group: int, folder: Path) -> VectorIndex:
        where = folder if files else None
        return FaissIndex(dim, group=group, settings=settings, folder=where, background=background)

    return make


MAKERS: dict[str, Maker] = {
    "exact": _exact,
    "small": _faiss(IndexSettings()),
    "lists": _faiss(FORCED),
    "lists in files": _faiss(FORCED, files=True),
    "lists in the background": _faiss(FORCED, background=True),
    "graph": _faiss(replace(FORCED, kind="hnsw", depths=Depths(200, 100, 40))),
    "graph in files": _faiss(replace(FORCED, kind="hnsw", depths=Depths(200, 100, 40)), files=True),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def made(dim: int, group: int) -> VectorIndex:
        index: VectorIndex = MAKERS[request.param](dim, group, tmp_path)
        return index

    return made


def test_an_empty_index_finds_nothing(make: Make) -> None:
    index = make(DIM, 1)
    scores, keys = index.search(random_unit((2, DIM)), 3)
    assert len(index) == 0
    assert (keys == -1).all()
    assert np.isneginf(scores).all()


def test_agrees_with_the_exact_index(make: Make) -> None:
    vectors, queries = clustered(600, DIM, 1, clusters=10), clustered(20, DIM, 2, clusters=10)
    index = make(DIM, 1)
    index.add(np.arange(600), vectors)
    oracle = ExactIndex(DIM)
    oracle.add(np.arange(600), vectors)
    scores, keys = index.search(queries, 10)
    true_scores, true_keys = oracle.search(queries, 10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(keys, true_keys, strict=True)]) >= 0.97
    assert np.allclose(scores[:, 0], true_scores[:, 0], atol=1e-3)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_adds_updates_and_removals_are_seen_by_the_next_search(make: Make) -> None:
    vectors = clustered(300, DIM, 3, clusters=10)
    index = make(DIM, 1)
    index.add(np.arange(300), vectors)
    new = random_unit((1, DIM), 77)
    index.add(np.array([1_000]), new)
    assert index.search(new, 1)[1].tolist() == [[1_000]]
    index.add(np.array([5]), new)  # an update of an old key
    assert index.search(new, 2)[1].tolist() == [[5, 1_000]]
    assert 5 not in index.search(vectors[5:6], 301)[1][0, :1]
    index.remove(np.array([5, 1_000, 4_444]))
    assert len(index) == 299
    assert not {5, 1_000} & set(index.search(new, 400)[1][0].tolist())
    assert index.keys().tolist() == [key for key in range(300) if key != 5]
    index.add(np.array([5]), vectors[5:6])
    assert index.search(vectors[5:6], 1)[1].tolist() == [[5]]


def test_equal_scores_come_by_key(make: Make) -> None:
    index = make(DIM, 1)
    row = random_unit((1, DIM))
    for key in (9, 3, 7, 1):
        index.add(np.array([key]), row)
    assert index.search(row, 3)[1].tolist() == [[1, 3, 7]]


@pytest.mark.parametrize("count", [1, 15, 90, 400])
def test_a_filter_keeps_its_recall(make: Make, count: int) -> None:
    vectors, queries = clustered(800, DIM, 4, clusters=10), clustered(10, DIM, 5, clusters=10)
    allowed = np.sort(np.random.default_rng(6).choice(800, count, replace=False))
    index = make(DIM, 1)
    index.add(np.arange(800), vectors)
    _, keys = index.search(queries, 10, allowed)
    truth = ExactIndex(DIM)
    truth.add(allowed, vectors[allowed])
    _, true_keys = truth.search(queries, 10)
    found = [len((set(a) & set(b)) - {-1}) / min(10, count) for a, b in zip(keys, true_keys, strict=True)]
    assert np.mean(found) >= 0.97
    assert set(keys.ravel()) - {-1} <= set(allowed.tolist())
    assert (index.search(queries, 10, np.empty(0, np.int64))[1] == -1).all()


def test_parts_are_filtered_by_the_key_of_their_picture(make: Make) -> None:
    index = make(DIM, PARTS_PER_KEY)
    pictures = np.repeat(np.arange(100), 4)
    index.add(pictures * PARTS_PER_KEY + np.tile(np.arange(4), 100), clustered(400, DIM, 8, clusters=10))
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
def test_bad_vectors_and_queries_are_refused_and_change_nothing(make: Make, bad: str) -> None:
    index = make(DIM, 1)
    index.add(np.arange(150), clustered(150, DIM, 1, clusters=5))
    with pytest.raises(InvalidArgument):
        index.search(BAD[bad], 1)
    with pytest.raises(InvalidArgument):
        index.add(np.array([500]), BAD[bad])
    assert len(index) == 150


@pytest.mark.parametrize("keys", [[-3, 1], [4, 4], [1.5, 2.5], [[1, 2]], [1]])
def test_bad_keys_and_a_bad_k_are_refused(make: Make, keys: list[int]) -> None:
    index = make(DIM, 1)
    with pytest.raises(InvalidArgument):
        index.add(np.array(keys), random_unit((2, DIM)))
    with pytest.raises(InvalidArgument):
        index.add(np.array([1]), random_unit((1, DIM)) * 3)
    with pytest.raises(InvalidArgument):
        index.search(random_unit((1, DIM)), 0)


Step = tuple[str, int, int]
