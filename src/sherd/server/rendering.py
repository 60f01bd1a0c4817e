"""Parts of pictures for viewers: from the thumbnail where it has pixels enough, else from the picture's own file."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from sherd.catalogue.catalogue import StoredPicture
from sherd.catalogue.lookup import originals
from sherd.errors import RejectedItem
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.ingest.rendering import Rendering, rendered
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.settings import ServerSettings

_MEMORY = 4 * 1024**3
_RENDER_S = 30.0


class Renderer:
    """Used from one event loop. What was rendered last is kept, up to `image_bytes`."""

    def __init__(self, library: Library, settings: ServerSettings, metrics: Metrics) -> None:
        self._library, self._metrics = library, metrics
        workers = max(settings.image_workers, 1)
        self._pool = DecoderPool(workers, memory_limit_bytes=_MEMORY, time_limit_s=_RENDER_S)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="render")
        self._kept = _Kept(settings.image_bytes)

    def stop(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    async def render(self, picture: StoredPicture, wanted: Rendering, deadline: float) -> bytes:
        """The file of what is wanted of a picture of the library.

        Raises:
            Refusal: original_gone where it needs the picture's own file; too_late.
            RejectedItem: the file cannot be decoded any more, or not within the limits.
        """
        key = picture.sha256, wanted
        found = self._kept.get(key)
        if found is None:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._render, picture, wanted, deadline
            )
            self._kept.put(key, found)
        return found

    def _render(self, picture: StoredPicture, wanted: Rendering, deadline: float) -> bytes:
        if time.monotonic() > deadline:
            self._metrics.expired()
            raise Refusal("too_late", retry_after=2)
        start = time.perf_counter()
        try:
            return self._from_thumbnail(picture, wanted) or self._from_original(picture, wanted)
        finally:
            self._metrics.stage("decode", time.perf_counter() - start)

    def _from_thumbnail(self, picture: StoredPicture, wanted: Rendering) -> bytes | None:
        try:
            pixels = thumbnail_pixels(self._library.thumbnail(picture.sha256).read_bytes())
        except FileNotFoundError:
            return None
        size = picture.width, picture.height
        enough = wanted.scale * max(picture.width / pixels.shape[1], picture.height / pixels.shape[0]) <= 1
        return rendered(Image.fromarray(pixels), wanted, size) if enough else None

    def _from_original(self, picture: StoredPicture, wanted: Rendering) -> bytes:
        with self._library.catalogue.database.read() as connection:
            places = originals(connection, [picture.key]).get(picture.key, [])
        for place in places:
            try:
                return self._pool.render(Path(place.root), place.path, picture.sha256, wanted)
            except RejectedItem as refusal:
                if refusal.reason.startswith(("image_", "decoder_")):
                    raise
        raise Refusal("original_gone")


class _Kept:
    """The answers that were used last, of so many bytes together."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes, self._bytes = room_bytes, 0
        self._files: OrderedDict[tuple[str, Rendering], bytes] = OrderedDict()

    def get(self, key: tuple[str, Rendering]) -> bytes | None:
        found = self._files.get(key)
        if found is not None:
            self._files.move_to_end(key)
        return found

    def put(self, key: tuple[str, Rendering], file: bytes) -> None:
        if key in self._files or len(file) > self._room_bytes:
            return
        self._files[key] = file
        self._bytes += len(file)
        while self._bytes > self._room_bytes:
            self._bytes -= len(self._files.popitem(last=False)[1])
