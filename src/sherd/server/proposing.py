"""Suggestions for a server: one suggester, made when it is first asked and again when the library has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sherd.encoder.protocol import Encoder
from sherd.ingest.library import Library
from sherd.server.problems import Refusal
from sherd.suggest.suggest import Suggester, SuggestSettings
from sherd.types import Proposal

T = TypeVar("T")
_COME_AGAIN_S = 10
_REST = 20.0
"""A suggester that took n seconds to make is not made again for the sake of news before 20 n seconds have passed."""


class Proposer:
    """Owns the suggester, in a thread of its own: making one reads all vectors of the library."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="suggest")
        self._suggester: Suggester | None = None
        self._generation, self._made, self._took = -1, 0.0, 0.0

    def stop(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def propose(
        self,
        encoder: Encoder,
        record_id: str,
        facets: Sequence[str] | None,
        settings: SuggestSettings,
        tell: Callable[[Suggester, list[Proposal]], T],
        *,
        patience_s: float | None = None,
    ) -> T:
        """What is suggested for a record, with what people have decided about it until now.

        The first time, and after changes, all facets are learnt anew from what is known of the collection: half a
        minute for some thousand records.

        Args:
            tell: makes the answer of it.
            patience_s: who would wait longer is told to come again; what was begun goes on, so that it will be there.
        Raises:
            InvalidArgument: the record has no picture that is indexed, or there is no such facet.
            Refusal: it takes longer than `patience_s`.
        """

        def find() -> T:
            suggester = self._current(encoder, record_id)
            suggester.settings = settings
            suggester.heed([record_id])
            return tell(suggester, suggester.propose([record_id], facets)[record_id])

        finding = asyncio.get_running_loop().run_in_executor(self._thread, find)
        _, late = await asyncio.wait([finding], timeout=patience_s)
        if late:
            finding.cancel()  # where it has not been begun; else nobody hears of it, and what was learnt stays
            raise Refusal("learning", "come again in a while", retry_after=_COME_AGAIN_S)
        return await finding

    async def use(self, encoder: Encoder, work: Callable[[Suggester], T]) -> T:
        """What `work` makes of the suggester, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: work(self._current(encoder, None))
        )

    async def learn(self) -> None:
        """Let the next suggester be a new one, which has learnt from all that was decided."""

        def forget() -> None:
            self._suggester = None

        await asyncio.get_running_loop().run_in_executor(self._thread, forget)

    def _current(self, encoder: Encoder, record_id: str | None) -> Suggester:
        """Not older than it must be; new at once where the record is newer than it, or another encoder came."""
        there, generation = self._suggester, self._library.catalogue.generation()
        if there is not None and there.encoder is encoder:
            rested = time.monotonic() - self._made > _REST * self._took
            knows = record_id is None or record_id in there.looks.records
            if generation == self._generation or (knows and not rested):
                return there
        start = time.monotonic()
        self._suggester = Suggester(self._library, encoder)
        self._made = time.monotonic()
        self._took, self._generation = self._made - start, generation
        return self._suggester
