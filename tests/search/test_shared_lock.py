from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from sherd.search.shared_lock import SharedLock


def test_many_share_and_one_is_alone() -> None:
    lock, both, state = SharedLock(), threading.Barrier(2, timeout=10), {"alone": 0, "shared": 0}
    wrong: list[str] = []

    def share(n: int) -> None:
        with lock.shared():
            if n < 2:
                both.wait()  # two are in at the same time, or this fails
            state["shared"] += 1
            if state["alone"]:
                wrong.append("shared while alone")

    def alone(_: int) -> None:
        with lock.alone():
            state["alone"] += 1
            if state["alone"] != 1:
                wrong.append("two alone")
            state["alone"] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(share, range(2)))
        jobs = [pool.submit(share if n % 3 else alone, n + 2) for n in range(600)]
        for job in jobs:
            job.result(10)
    assert wrong == []


def test_who_waits_to_be_alone_goes_before_those_who_come_later() -> None:
    lock, order = SharedLock(), list[str]()
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with lock.shared():
            inside.set()
            leave.wait(10)

    def writer() -> None:
        with lock.alone():
            order.append("alone")

    def late() -> None:
        with lock.shared():
            order.append("late")

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(first)]
        inside.wait(10)
        jobs.append(pool.submit(writer))
        while not lock._waiting:
            threading.Event().wait(0.001)
        jobs.append(pool.submit(late))
        threading.Event().wait(0.02)
        assert order == []
        leave.set()
        for job in jobs:
            job.result(10)
    assert order == ["alone", "late"]


def test_an_error_inside_frees_the_lock() -> None:
    lock = SharedLock()
    for enter in (lock.shared, lock.alone):
        try:
            with enter():
                raise ValueError
        except ValueError:
            pass
    with lock.alone():
        pass
