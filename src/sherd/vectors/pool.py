"""Searches of many clients, first come first served, by as many workers as there are cores."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import NamedTuple

import faiss
import numpy as np

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.cores import cores
from sherd.vectors.protocol import VectorIndex

Found = tuple[FloatArray, KeyArray]
_MOST = 16
"""Searches answered in one call of the index, at most: more save nothing, and the first would wait for the last."""


class _Asked(NamedTuple):
    queries: FloatArray
    k: int
    allowed: KeyArray | None
    answer: Future[Found]


class SearchPool:
    """`with SearchPool(index) as pool`, and any number of threads call `pool.search`.

    A thread for each client would do the same work, but the interpreter and the system hand the cores to threads in no
    order: of 32 clients some wait three times as long as with two workers and a queue. Searches that wait anyway are
    answered together, each worker taking its share of them: what the interpreter costs is then shared out, too.

    Args:
        index: one that many threads may search.
        workers: None for as many as this process may use cores; for an index that is larger than memory twice as many
            serve more, as half of a search is waiting for the disk.
    Raises:
        InvalidArgument: fewer than 1 worker.
    """

    def __init__(self, index: VectorIndex, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InvalidArgument(f"a pool needs 1 worker or more, got {workers}")
        self._index = index
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._change = threading.Lock()
        self._closed = False
        self._due = 0
        """Searches that were asked for and not begun: nobody may go before them."""
        self._last = 0
        count = workers or cores()
        self._free = threading.Semaphore(count)
        self._workers = [
            threading.Thread(target=self._work, name=f"sherd-search-{n}", daemon=True) for n in range(count)
        ]
        for worker in self._workers:
            worker.start()

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> Found:
        """`VectorIndex.search`, when its turn has come."""
        me = threading.get_ident()
        alone, self._last = self._last == me, me
        if not alone or self._closed or self._due or not self._free.acquire(blocking=False):
            return self.submit(queries, k, allowed).result()
        threads = faiss.omp_get_max_threads()
        try:
            faiss.omp_set_num_threads(1)
            return self._index.search(queries, k, allowed)
        finally:
            faiss.omp_set_num_threads(threads)
            self._free.release()

    def submit(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> Future[Found]:
        """The same, without waiting for the answer; one that is cancelled before its turn costs nothing.

        Raises:
            InvalidArgument: the pool is closed.
        """
        answer: Future[Found] = Future()
        with self._change:
            if self._closed:
                raise InvalidArgument("this pool is closed; make another one")
            self._due += 1
            self._asked.put(_Asked(queries, k, allowed, answer))
        return answer

    def close(self) -> None:
        """Answer what has been asked, then let the workers go."""
        with self._change:
            if not self._closed:
                self._closed = True
                for _ in self._workers:
                    self._asked.put(None)
        for worker in self._workers:
            worker.join()

    def __enter__(self) -> SearchPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _work(self) -> None:
        # Each worker has one core; the threads of FAISS beneath it would only wait for each other.
        faiss.omp_set_num_threads(1)
        while (first := self._asked.get()) is not None:
            with self._free:
                waiting, last = self._following(first)
                with self._change:
                    self._due -= len(waiting)
                for together in _alike(one for one in waiting if one.answer.set_running_or_notify_cancel()):
                    self._answer(together)
            if last:
                return

    def _following(self, first: _Asked) -> tuple[list[_Asked], bool]:
        """A worker's share of what waits, from `first` on, and whether the pool is closed behind it."""
        waiting = [first]
        share = min(_MOST, 1 + self._asked.qsize() // len(self._workers))
        while len(waiting) < share:
            try:
                following = self._asked.get_nowait()
            except Empty:
                break
            if following is None:
                return waiting, True
            waiting.append(following)
        return waiting, False

    def _answer(self, together: Sequence[_Asked]) -> None:
        first = together[0]
        try:
            queries = first.queries if len(together) == 1 else np.concatenate([one.queries for one in together])
            scores, keys = self._index.search(queries, first.k, first.allowed)
        except BaseException as error:
            if len(together) == 1:
                first.answer.set_exception(error)
            else:  # whose fault it is, each finds out alone
                for one in together:
                    self._answer([one])
            return
        start = 0
        for one in together:
            rows = slice(start, start + len(one.queries))
            one.answer.set_result((scores[rows], keys[rows]))
            start = rows.stop


def _alike(waiting: Iterator[_Asked]) -> Iterator[list[_Asked]]:
    """Runs of searches, in their order, that one call of the index can answer."""
    run: list[_Asked] = []
    for one in waiting:
        if run and not (one.k == run[0].k and one.allowed is run[0].allowed and _fits(one, run[0])):
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _fits(one: _Asked, other: _Asked) -> bool:
    return one.queries.ndim == 2 and one.queries.shape[1:] == other.queries.shape[1:]
