"""Searches of many clients, first come first served, by as many workers as there are cores."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import faiss

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.cores import cores
from sherd.vectors.protocol import VectorIndex

Found = tuple[FloatArray, KeyArray]


class SearchPool:
    """`with SearchPool(index) as pool`, and any number of threads call `pool.search`.

    A thread for each client would do the same work, but the interpreter and the system hand the cores to threads in no
    order: of 32 clients some wait three times as long as with two workers and a queue.

    Args:
        index: one that many threads may search.
        workers: None for as many as this process may use cores.
    Raises:
        InvalidArgument: fewer than 1 worker.
    """

    def __init__(self, index: VectorIndex, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise InvalidArgument(f"a pool needs 1 worker or more, got {workers}")
        self._index = index
        # Each worker has one core; the threads of FAISS beneath it would only wait for each other.
        self._pool = ThreadPoolExecutor(
            workers or cores(), "sherd-search", initializer=faiss.omp_set_num_threads, initargs=(1,)
        )

    def search(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> Found:
        """`VectorIndex.search`, when its turn has come."""
        return self.submit(queries, k, allowed).result()

    def submit(self, queries: FloatArray, k: int, allowed: KeyArray | None = None) -> Future[Found]:
        """The same, without waiting for the answer; one that is cancelled before its turn costs nothing."""
        return self._pool.submit(self._index.search, queries, k, allowed)

    def close(self) -> None:
        """Answer what has been asked, then let the workers go."""
        self._pool.shutdown()

    def __enter__(self) -> SearchPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
