from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from sherd.encoder.protocol import Encoder
from sherd.encoder.toy import ToyEncoder
from sherd.server.encoding import EncoderWorker, Ready
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.types import FloatArray


class Watched(ToyEncoder):
    """Keeps what it was asked for, and waits until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.inside, self.most = 0, 0
        self.go = threading.Event()
        self.go.set()

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.threads.add(threading.current_thread().name)
        self.batches.append(list(texts))
        self.go.wait(10)
        self.inside -= 1
        return super().encode_text(texts)


def soon() -> float:
    return time.monotonic() + 30


def with_worker(work: Callable[[EncoderWorker, Watched], object], *, batch: int = 16, kept: int = 100) -> Watched:
    """Run a coroutine function with a worker."""
    encoder = Watched()

    async def run() -> None:
        worker = EncoderWorker(encoder, batch=batch, kept=kept, metrics=Metrics())
        worker.start()
        try:
            await work(worker, encoder)  # type: ignore[misc]
        finally:
            encoder.go.set()
            await worker.stop()

    asyncio.run(run())
    return encoder


def test_what_waits_meanwhile_is_encoded_together_in_one_thread() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        first = asyncio.create_task(worker.texts(["red"], soon()))
        while not encoder.batches:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(worker.texts([f"text {n}", "green"], soon())) for n in range(5)]
        await asyncio.sleep(0)
        encoder.go.set()
        found = [await first, *await asyncio.gather(*others)]
        plain = ToyEncoder()
        for texts in found:
            for text, vector in texts.items():
                np.testing.assert_array_equal(vector, plain.encode_text([text])[0])

    encoder = with_worker(work)
    assert encoder.batches == [["red"], ["text 0", "green", "text 1", "text 2", "text 3", "text 4"]]
    assert (len(encoder.threads), encoder.most) == (1, 1)


def test_a_batch_is_not_larger_than_it_may_be() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        asked = [asyncio.create_task(worker.texts([f"text {n}"], soon())) for n in range(10)]
        await asyncio.sleep(0.02)
        encoder.go.set()
        await asyncio.gather(*asked)

    assert max(map(len, with_worker(work, batch=3).batches)) == 3
    assert max(map(len, with_worker(work, batch=100).batches)) > 3


def test_vectors_are_kept_and_the_oldest_give_way() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        for text in ("a", "b", "a", "c", "a", "b"):
            await worker.texts([text], soon())

    assert with_worker(work, kept=2).batches == [["a"], ["b"], ["c"], ["b"]]
    assert len(with_worker(work, kept=0).batches) == 6


def test_what_comes_too_late_is_not_encoded() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        first = asyncio.create_task(worker.texts(["first"], soon()))
        while not encoder.batches:
            await asyncio.sleep(0.001)
        late = asyncio.create_task(worker.texts(["late"], time.monotonic() + 0.01))
        later = asyncio.create_task(worker.run(lambda _: encoder.batches.append(["never"]), time.monotonic() + 0.01))
        await asyncio.sleep(0.05)
        encoder.go.set()
        await first
        for one in (late, later):
            with pytest.raises(Refusal) as refused:
                await one
            assert refused.value.code == "too_late"
            assert refused.value.retry_after

    assert with_worker(work).batches == [["first"]]


def test_what_nobody_waits_for_any_more_is_passed_over() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        first = asyncio.create_task(worker.texts(["first"], soon()))
        while not encoder.batches:
            await asyncio.sleep(0.001)
        gone = asyncio.create_task(worker.texts(["gone"], soon()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        encoder.go.set()
        await first
        await worker.texts(["last"], soon())

    assert with_worker(work).batches == [["first"], ["last"]]


def test_an_error_reaches_who_asked_and_the_worker_goes_on() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        def broken(_: Encoder) -> None:
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            await worker.run(broken, soon())
        assert await worker.run(lambda encoder: encoder.name, soon()) == "toy"

    with_worker(work)


def test_texts_go_before_pictures() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        first = asyncio.create_task(worker.texts(["first"], soon()))
        while not encoder.batches:
            await asyncio.sleep(0.001)
        picture = asyncio.create_task(worker.run(lambda _: encoder.batches.append(["picture"]), soon()))
        await asyncio.sleep(0)
        text = asyncio.create_task(worker.texts(["text"], soon()))
        await asyncio.sleep(0)
        encoder.go.set()
        await asyncio.gather(first, picture, text)

    assert with_worker(work).batches == [["first"], ["text"], ["picture"]]


def test_who_waits_when_it_stops_is_told() -> None:
    async def work(worker: EncoderWorker, encoder: Watched) -> None:
        encoder.go.clear()
        asyncio.create_task(worker.texts(["first"], soon()))  # noqa: RUF006
        while not encoder.batches:
            await asyncio.sleep(0.001)
        waiting = asyncio.create_task(worker.run(lambda _: None, soon()))
        await asyncio.sleep(0)
        encoder.go.set()
        stopping = asyncio.create_task(worker.stop())
        with pytest.raises(Refusal) as refused:
            await waiting
        assert refused.value.code == "stopping"
        await stopping

    with_worker(work)


def test_texts_that_are_ready_are_taken_and_pictures_are_asked_for() -> None:
    encoder = Watched()
    vector = np.ones(encoder.dim, np.float32)
    ready = Ready(encoder, {"red": vector})
    np.testing.assert_array_equal(ready.encode_text(["red"]), vector[None])
    assert encoder.batches == []
    picture = np.zeros((8, 8, 3), np.uint8)
    np.testing.assert_array_equal(ready.encode_images([picture]).object, encoder.encode_images([picture]).object)
    np.testing.assert_array_equal(ready.heat(picture, vector), encoder.heat(picture, vector))
