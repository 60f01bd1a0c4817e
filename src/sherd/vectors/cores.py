"""How the cores of the machine are shared out: threads of our own, each with one core, none of libraries below."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import faiss
from threadpoolctl import threadpool_limits

A = TypeVar("A")
B = TypeVar("B")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let FAISS use one thread for what this thread asks of it, and matrix products one for all.

    Both divide even small work among all cores and wait for the slowest: where another program has one of them,
    learning a coder on two took 20 times as long as on one, and sealing 5 times.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        faiss.omp_set_num_threads(before)


def in_order(work: Callable[[A], B], given: Iterable[A]) -> Iterator[B]:
    """`work` of each in its order, by as many threads as there are cores; few are in memory at a time."""
    workers = cores()
    waiting: deque[Future[B]] = deque()
    with single_threaded(), ThreadPoolExecutor(workers, initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool:
        for one in given:
            waiting.append(pool.submit(work, one))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
