"""Searches of many threads: answered in their order, as without a pool."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
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
        self.sizes: list[int] = []
        self.inside = 0
        self.notice: Callable[[], object] = lambda: None

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> tuple[FloatArray, KeyArray]:
        self.notice()
        self.inside += 1
        assert self.go.wait(20)
        self.inside -= 1
        self.threads.add(faiss.omp_get_max_threads())
        found = super().search(queries, k, allowed)
        self.order.append(k)
        self.sizes.append(len(queries))
        return found


def test_first_come_first_served_by_one_core_each() -> None:
    index = Slow()
    with SearchPool(index, workers=1) as pool:
        waiting = [pool.submit(random_unit((1, 4)), k) for k in range(1, 40)]
        assert waiting[-1].cancel()
        index.go.set()
        assert [one.result()[1].shape for one in waiting[:-1]] == [(1, k) for k in range(1, 39)]
    assert index.order == list(range(1, 39))
    assert index.threads == {1}


def test_those_who_wait_are_answered_together_and_each_gets_its_own() -> None:
    index = Slow()
    vectors = random_unit((50, 4))
    index.add(np.arange(50), vectors)
    alone = [ExactIndex.search(index, vectors[n : n + 1], 3) for n in range(50)]
    with SearchPool(index, workers=1) as pool:
        waiting = [pool.submit(vectors[n : n + 1], 3) for n in range(50)]
        bad = pool.submit(np.full((1, 4), np.nan, np.float32), 3)
        narrow = pool.submit(random_unit((1, 3)), 3)
        last = pool.submit(vectors[:2], 3)
        index.go.set()
        for one, expected in zip(waiting, alone, strict=True):
            assert np.array_equal(one.result()[0], expected[0])
            assert np.array_equal(one.result()[1], expected[1])
        for refused in (bad, narrow):
            with pytest.raises(InvalidArgument):
                refused.result()
        assert last.result()[1][:, 0].tolist() == [0, 1]
    assert max(index.sizes) > 8


def test_a_closed_pool_answers_what_was_asked_and_no_more() -> None:
    index = Slow()
    index.add(np.arange(9), random_unit((9, 4)))
    pool = SearchPool(index, workers=2)
    waiting = [pool.submit(random_unit((1, 4)), 1 + n % 2) for n in range(20)]
    threading.Timer(0.05, index.go.set).start()
    pool.close()
    assert all(one.done() and one.result()[1].shape == (1, 1 + n % 2) for n, one in enumerate(waiting))
    with pytest.raises(InvalidArgument, match="closed"):
        pool.submit(random_unit((1, 4)), 1)
    pool.close()


def test_who_comes_alone_searches_himself_with_one_core_and_never_more_at_once_than_there_are_workers() -> None:
    index = Slow()
    index.add(np.arange(9), random_unit((9, 4)))
    before = faiss.omp_get_max_threads()
    with SearchPool(index, workers=1) as pool, ThreadPoolExecutor(1) as other:
        index.go.set()
        seen: list[str] = []
        index.notice = lambda: seen.append(threading.current_thread().name)
        for _ in range(3):
            pool.search(random_unit((1, 4)), 1)
        assert seen == ["sherd-search-0", *2 * [threading.current_thread().name]]
        assert index.threads == {1}
        assert faiss.omp_get_max_threads() == before
        assert other.submit(pool.search, random_unit((1, 4)), 2).result()[1].shape == (1, 2)
        index.go.clear()
        waiting = other.submit(pool.search, random_unit((1, 4)), 2)  # by itself
        while not index.inside:
            time.sleep(0.001)
        mine = pool.submit(random_unit((1, 4)), 3)
        time.sleep(0.05)
        assert index.inside == 1  # the worker leaves the only core to who has it
        index.go.set()
        assert waiting.result()[1].shape == (1, 2)
        assert mine.result()[1].shape == (1, 3)
        with pytest.raises(InvalidArgument):
            pool.search(random_unit((1, 3)), 1)
        assert pool.search(random_unit((1, 4)), 4)[1].shape == (1, 4)
    assert index.order == [1, 1, 1, 2, 2, 3, 4]
    with pytest.raises(InvalidArgument, match="closed"):
        pool.search(random_unit((1, 4)), 1)


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
