"""One worker owns the encoder. Texts that wait for it are encoded together; what comes too late is not encoded at all.

A batch is whatever waits when the worker is free, so nobody waits for others to come. Texts go before pictures: they
take a fraction of a millisecond each.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from sherd.encoder.protocol import Encoder
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.types import Box, Embeddings, FloatArray, Picture

T = TypeVar("T")


@dataclass(slots=True)
class _Texts:
    texts: list[str]
    deadline: float
    done: asyncio.Future[FloatArray]


@dataclass(slots=True)
class _Work:
    work: Callable[[Encoder], Any]
    deadline: float
    done: asyncio.Future[Any]


class EncoderWorker:
    """Used from one event loop. `start` begins, `stop` ends it.

    Args:
        batch: texts encoded at a time, 1 or more.
        kept: text vectors that are kept, the least recently used give way.
    """

    def __init__(self, encoder: Encoder, *, batch: int, kept: int, metrics: Metrics) -> None:
        self.encoder = encoder
        self._batch, self._kept, self._metrics = max(batch, 1), kept, metrics
        self._vectors: OrderedDict[str, FloatArray] = OrderedDict()
        self._texts: deque[_Texts] = deque()
        self._works: deque[_Work] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")
        self._task: asyncio.Task[None] | None = None
        metrics.encoding.set_function(lambda: len(self._texts) + len(self._works))

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """What waits is refused, what runs is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        waiting: list[_Texts | _Work] = [*self._texts, *self._works]
        for one in waiting:
            _fail(one.done, Refusal("stopping", retry_after=5))
        self._thread.shutdown(wait=True)

    async def texts(self, texts: Sequence[str], deadline: float) -> dict[str, FloatArray]:
        """Text -> its vector (D,).

        Args:
            deadline: on the clock of `time.monotonic`.
        Raises:
            Refusal: it was not begun in time.
        """
        wanted = list(dict.fromkeys(texts))
        found = {text: vector for text in wanted if (vector := self._recall(text)) is not None}
        missing = [text for text in wanted if text not in found]
        self._metrics.texts(kept=len(found), new=len(missing))
        if missing:
            done: asyncio.Future[FloatArray] = asyncio.get_running_loop().create_future()
            self._texts.append(_Texts(missing, deadline, done))
            self._wake.set()
            found |= dict(zip(missing, await done, strict=True))
        return found

    async def run(self, work: Callable[[Encoder], T], deadline: float) -> T:
        """What `work` gives, alone with the encoder.

        Raises:
            Refusal: it was not begun in time. Whatever `work` raises.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._works.append(_Work(work, deadline, done))
        self._wake.set()
        return await done

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            if batch := self._taken_texts():
                texts = list(dict.fromkeys(text for one in batch for text in one.texts))
                self._metrics.batch(len(texts))
                await self._settle(batch, loop.run_in_executor(self._thread, self.encoder.encode_text, texts), texts)
            elif (one := self._taken_work()) is not None:
                try:
                    result = await loop.run_in_executor(self._thread, one.work, self.encoder)
                except Exception as error:
                    _fail(one.done, error)
                else:
                    if not one.done.done():
                        one.done.set_result(result)
            else:
                self._wake.clear()

    async def _settle(self, batch: list[_Texts], encoding: asyncio.Future[FloatArray], texts: list[str]) -> None:
        try:
            rows = dict(zip(texts, await encoding, strict=True))
        except Exception as error:
            for one in batch:
                _fail(one.done, error)
            return
        for text, row in rows.items():
            self._remember(text, row)
        for one in batch:
            if not one.done.done():
                one.done.set_result(np.stack([rows[text] for text in one.texts]))

    def _taken_texts(self) -> list[_Texts]:
        """The next batch; what is too late is refused, what nobody waits for any more is passed over."""
        taken: list[_Texts] = []
        size = 0
        while self._texts and (not taken or size + len(self._texts[0].texts) <= self._batch):
            one = self._texts.popleft()
            if self._still_wanted(one):
                taken.append(one)
                size += len(one.texts)
        return taken

    def _taken_work(self) -> _Work | None:
        while self._works:
            one = self._works.popleft()
            if self._still_wanted(one):
                return one
        return None

    def _still_wanted(self, one: _Texts | _Work) -> bool:
        if one.done.done():
            return False
        if time.monotonic() > one.deadline:
            self._metrics.expired()
            _fail(one.done, Refusal("too_late", retry_after=2))
            return False
        return True

    def _recall(self, text: str) -> FloatArray | None:
        vector = self._vectors.get(text)
        if vector is not None:
            self._vectors.move_to_end(text)
        return vector

    def _remember(self, text: str, vector: FloatArray) -> None:
        self._vectors[text] = vector
        self._vectors.move_to_end(text)
        while len(self._vectors) > self._kept:
            self._vectors.popitem(last=False)


class Ready:
    """An encoder whose texts are encoded already; for pictures it asks the real one."""

    def __init__(self, encoder: Encoder, vectors: dict[str, FloatArray]) -> None:
        self._encoder, self._vectors = encoder, vectors
        self.name, self.fingerprint, self.dim = encoder.name, encoder.fingerprint, encoder.dim
        self.parts_per_image = encoder.parts_per_image

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        return np.stack([self._vectors[text] for text in texts])

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        return self._encoder.encode_images(pictures)

    def encode_boxes(self, picture: Picture, boxes: Sequence[Box]) -> FloatArray:
        return self._encoder.encode_boxes(picture, boxes)

    def heat(self, picture: Picture, vector: FloatArray) -> FloatArray:
        return self._encoder.heat(picture, vector)


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
