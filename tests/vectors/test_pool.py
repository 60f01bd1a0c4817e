"""Searches of many threads: answered in their order, as without a pool."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.exact import ExactIndex
from sherd.vectors.pool import SearchPool
from tests.vectors.batches import random_unit


class Slow(ExactIndex):
    """Waits to be let go, and notes who came in which order, and with how many threads of FAISS."""

    def __init__(self) -> None:
        super().__init__(4)
        self.go, self.order, self.threads = threading.Event(), list[int](), set[int]()

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        assert self.go.wait(20)
        self.order.append(k)
        self.threads.add(faiss.omp_get_max_threads())
        return super().search(queries, k, allowed)


def test_first_come_first_served_by_one_core_each() -> None:
    index = Slow()
    with SearchPool(index, workers=1) as pool:
        waiting = [pool.submit(random_unit((1, 4)), k) for k in range(1, 40)]
        assert waiting[-1].cancel()
        index.go.set()
        assert [one.result()[1].shape for one in waiting[:-1]] == [(1, k) for k in range(1, 39)]
    assert index.order == list(range(1, 39))
    assert index.threads == {1}


def test_many_threads_get_their_own_answers_and_errors() -> None:
    vectors = random_unit((200, 4))
    index = ExactIndex(4)
    index.add(np.arange(200), vectors)
    with SearchPool(index) as pool, ThreadPoolExecutor(16) as clients:
        found = list(clients.map(lambda n: int(pool.search(vectors[n : n + 1], 1)[1][0, 0]), range(200)))
        assert found == list(range(200))
        assert pool.search(vectors[:1], 3, np.array([5, 9]))[1].tolist()[0][2] == -1
        with pytest.raises(InvalidArgument):
            pool.search(vectors[:1], 0)
    with pytest.raises(InvalidArgument, match="1 worker"):
        SearchPool(index, workers=0)
