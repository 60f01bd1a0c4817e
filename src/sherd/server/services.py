"""What routes call: the library, the searcher, the encoder's worker, pools of threads and processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from sherd.catalogue import decisions
from sherd.catalogue.facets import FacetCounts
from sherd.encoder.protocol import Encoder
from sherd.errors import EncoderMismatch, LibraryError
from sherd.exports.changes import ChangeLog
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pictures import OpenedPicture, PictureLimits, thumbnail_pixels
from sherd.search.question import Question, encode, texts_of
from sherd.search.searcher import Searcher
from sherd.server.auth import TOKENS, Tokens
from sherd.server.describing import Describing
from sherd.server.encoding import EncoderWorker, Ready
from sherd.server.jobs import Jobs
from sherd.server.lag import watch_lag
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.proposing import Proposer
from sherd.server.received import RECEIVED, Received
from sherd.server.rendering import Renderer
from sherd.server.repeats import Repeats
from sherd.server.reviewing import Reviewing
from sherd.server.schemas import QueryForm
from sherd.server.settings import ServerSettings
from sherd.server.uploads import Uploads
from sherd.types import MAX_K, Answer, Picture, Query

T = TypeVar("T")
_DECODE_S = 20.0
_DECODER_MEMORY = 2 * 1024**3


class Services:
    """One library being served. `start` and `stop` are called in the event loop that serves.

    Args:
        encoder: in place of the one that the library names; for tests.
    """

    def __init__(self, folder: Path, settings: ServerSettings, *, encoder: Encoder | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        self.library = Library.open(folder)
        self.places = tuple({str(folder), str(folder.absolute()), str(folder.resolve())})
        self.tokens = Tokens(folder / TOKENS)
        self.facets = FacetCounts(self.library.catalogue)
        self.proposer = Proposer(self.library)
        self.reviewing = Reviewing(self.library, self.proposer)
        self.jobs = Jobs(folder.absolute(), settings.ingest_roots, max_pixels=settings.max_pixels)
        self.received = Received(
            folder.absolute() / RECEIVED, most_bytes=settings.received_bytes, most_files=settings.received_files
        )
        self.repeats = Repeats()
        self.uploads = Uploads(settings.upload_bytes)
        self.describing = Describing(self.library)
        self.changes = ChangeLog(self.library)
        self.renderer = Renderer(self.library, settings, self.metrics)
        self._encoder = encoder
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="search")
        self._reading = ThreadPoolExecutor(4, thread_name_prefix="read")
        self._decoders = DecoderPool(
            max(settings.decoders, 1),
            memory_limit_bytes=_DECODER_MEMORY,
            time_limit_s=_DECODE_S,
            limits=PictureLimits(max_pixels=settings.max_pixels, max_file_bytes=settings.max_upload_bytes),
        )
        self._decoding = ThreadPoolExecutor(max(settings.decoders, 1), thread_name_prefix="upload")
        self._opening = asyncio.Lock()
        self._opened: tuple[Searcher, EncoderWorker] | None = None
        self._lag: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the model, if anything has been indexed."""
        self._lag = asyncio.create_task(watch_lag(self.metrics.lag))
        with suppress(Refusal):
            await self.opened()

    async def stop(self) -> None:
        """Finish what runs, and let everything go."""
        self.stopping.set()
        if self._lag is not None:
            self._lag.cancel()
        await self.jobs.stop()
        if self._opened is not None:
            await self._opened[1].stop()
        for pool in (self._pool, self._reading, self._decoding):
            pool.shutdown(wait=True, cancel_futures=True)
        self.proposer.stop()
        self._decoders.close()
        self.renderer.stop()
        self.library.close()

    async def opened(self) -> tuple[Searcher, EncoderWorker]:
        """The searcher and the worker of its encoder, loaded on first use.

        Raises:
            Refusal: the library holds nothing that can be found.
            ModelUnavailable, EncoderMismatch, CorruptData: see `Searcher`.
        """
        if self._opened is None:
            async with self._opening:
                if self._opened is None:
                    await self._open()
        assert self._opened is not None
        return self._opened

    async def _open(self) -> None:
        if self.library.catalogue.encoder_fingerprint() is None:
            raise Refusal("library_empty", "`sherd ingest SOURCE --library DIR` puts pictures into it")
        encoder = self._encoder
        loop = asyncio.get_running_loop()
        make = (lambda: Searcher(self.library, encoder)) if encoder else (lambda: Searcher.open(self.library))
        searcher = await loop.run_in_executor(self._pool, make)
        kept, batch = self.settings.text_vectors, self.settings.batch
        worker = EncoderWorker(searcher.encoder, batch=batch, kept=kept, metrics=self.metrics)
        worker.start()
        self._opened = searcher, worker

    async def ready(self) -> bool:
        """Whether a search would be answered."""
        try:
            searcher, _ = await self.opened()
            await self.read(searcher.refresh)
        except (Refusal, LibraryError):
            return False
        return not self.stopping.is_set()

    async def read(self, work: Callable[[], T]) -> T:
        """`work` in one of the few threads that ask the catalogue and read small files."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, work)

    async def search(
        self, form: QueryForm, deadline: float, *, picture_weights: tuple[float, float] | None = None
    ) -> tuple[Answer, bool]:
        """The hits of a page, and whether there are more.

        Args:
            picture_weights: of object and parts, in place of those of a whole picture in the settings.
        Raises:
            Refusal, SherdError: as the page's question deserves.
        """
        start = time.perf_counter()
        query, question = await self.question(form, deadline)
        if picture_weights is not None and query.image is not None and query.box is None and query.text is None:
            question = replace(question, object_weight=picture_weights[0], part_weight=picture_weights[1])
        searcher, _ = await self.opened()
        encoding_ms = 1e3 * (time.perf_counter() - start)

        def find() -> Answer:
            if time.monotonic() > deadline:
                self.metrics.expired()
                raise Refusal("too_late", retry_after=2)
            more = replace(query, k=min(form.k + 1, MAX_K - form.offset))
            return searcher.search(more, question=question, skip=form.offset, refine=0)

        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, find)
        except EncoderMismatch:
            await self._reopen(searcher)
            raise
        timing = replace(answer.timing_ms, encode=encoding_ms, total=1e3 * (time.perf_counter() - start))
        self.metrics.searched(timing)
        hits = answer.hits[: form.k]
        return replace(answer, hits=hits, timing_ms=timing), len(answer.hits) > len(hits)

    async def question(self, form: QueryForm, deadline: float) -> tuple[Query, Question]:
        """The query with its picture, and what the encoder makes of it."""
        query = Query(
            text=form.text,
            minus=form.minus,
            image=await self._picture(form),
            box=form.box.box() if form.box is not None else None,
            where={field: tuple(values) for field, values in form.where.items()},
            k=form.k,
            plain=form.plain,
        )
        searcher, worker = await self.opened()
        vectors = await worker.texts(texts_of(query), deadline)
        ready = Ready(worker.encoder, vectors)
        if query.image is None:
            return query, encode(query, ready, searcher.settings)
        return query, await worker.run(lambda _: encode(query, ready, searcher.settings), deadline)

    def last_decision(self, record_id: str) -> int:
        """Number of the last decision about a record; 0 for none."""
        found = decisions.about(self.library.catalogue.database, [record_id]).get(record_id, [])
        return found[-1].number if found else 0

    async def decode(self, data: bytes) -> OpenedPicture:
        """An uploaded picture, opened in a process of its own.

        Raises:
            RejectedItem: it cannot be used.
        """
        start = time.perf_counter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._decoding, self._decoders.open_one, data)
        finally:
            self.metrics.stage("decode", time.perf_counter() - start)

    async def thumbnail(self, sha256: str) -> bytes:
        """The JPEG of a picture of the library. Raises Refusal where there is none."""
        try:
            return await self.read(self.library.thumbnail(sha256).read_bytes)
        except FileNotFoundError:
            raise Refusal("unknown_picture") from None

    async def thumbnail_size(self, sha256: str) -> tuple[int, int]:
        """Height and width of the thumbnail of a picture. Raises Refusal where there is none."""
        jpeg = await self.thumbnail(sha256)
        height, width, _ = (await self.read(lambda: thumbnail_pixels(jpeg))).shape
        return height, width

    async def _picture(self, form: QueryForm) -> Picture | None:
        if form.image is None:
            return None
        if form.image.upload is not None:
            jpeg = self.uploads.get(form.image.upload)
        else:
            assert form.image.picture is not None
            jpeg = await self.thumbnail(form.image.picture)
        return await self.read(lambda: thumbnail_pixels(jpeg))

    async def _reopen(self, old: Searcher) -> None:
        """After another model has indexed the library: the next request loads that one."""
        if self._encoder is None and self._opened is not None and self._opened[0] is old:
            _, worker = self._opened
            self._opened = None
            await worker.stop()


async def services_of(request: Request) -> Services:
    """The services of the application that answers."""
    services: Services = request.app.state.services
    return services


async def deadline_of(request: Request) -> float:
    """Until when work for this request may be begun, on the clock of `time.monotonic`."""
    deadline: float = request.state.deadline
    return deadline


Serving = Annotated[Services, Depends(services_of)]
Deadline = Annotated[float, Depends(deadline_of)]
