"""Opening and encoding pictures on the machines of a Ray cluster; the process that reads the source is the one writer.

Pictures go out in blocks, as two tasks: a block is opened, then what the library does not have yet, by the sha256 of
its files, is encoded. A task changes nothing anywhere, so Ray may run it again where a worker or a machine died; what
comes back is stored once, by the writer. The pictures must lie under the same paths on all machines.
"""

from __future__ import annotations

import atexit
import socket
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from sherd.catalogue import lookup
from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.errors import EncoderMismatch, InvalidArgument, MissingExtra, RejectedItem, ServerAway, SherdError
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.encoding import encode_thumbnails
from sherd.ingest.library import Library
from sherd.ingest.pictures import OpenedPicture, PictureLimits
from sherd.types import Embeddings, FloatArray

Token = TypeVar("Token")
Row = tuple[FloatArray, FloatArray, FloatArray] | None
"""Object vector, part vectors and boxes of a picture; None where the encoder makes none that can be used."""
_KEPT_ROWS = 100_000
_CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class RaySettings:
    """How blocks are made and worked on.

    block: pictures in one, 1 or more.
    ahead: blocks under way for each processor of the cluster, 1 or more.
    memory_limit_bytes, time_limit_s, limits: of the processes that open pictures, see `DecoderPool`.
    """

    block: int = 32
    ahead: int = 2
    memory_limit_bytes: int = 3 * 1024**3
    time_limit_s: float = 60.0
    limits: PictureLimits | None = None

    def __post_init__(self) -> None:
        if self.block < 1 or self.ahead < 1:
            raise InvalidArgument(f"block {self.block} and ahead {self.ahead} must be 1 or more")


class RayPool:
    """In the place of `DecoderPool`, with `encode` in the place of an encoder; a context manager.

    Args:
        address: of the head of the cluster, host:port; "auto" finds one on this machine, "local" starts one.
        encoder_name: under which the machines load the encoder.
        fingerprint: that it must have there.
        has_vectors: which of some sha256 have vectors in the library already.
    Raises:
        MissingExtra: Ray is not installed.
        ServerAway: there is no cluster at the address.
    """

    def __init__(
        self,
        address: str,
        encoder_name: str,
        fingerprint: str,
        *,
        has_vectors: Callable[[Sequence[str]], Collection[str]] = lambda some: (),
        settings: RaySettings | None = None,
    ) -> None:
        self._ray: Any = _ray()
        self._address, self._settings = address, settings or RaySettings()
        self._encoder = (encoder_name, fingerprint)
        self._has_vectors = has_vectors
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._started = not self._ray.is_initialized()
        if self._started:
            _connect(self._ray, address)
        # -1: as often as machines die. An error of our own code is none of these and comes back at once.
        self._open = self._ray.remote(num_cpus=1, max_retries=-1, num_returns=2)(open_block)
        self._encode = self._ray.remote(num_cpus=1, max_retries=-1)(encode_block)

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            self._ray.shutdown()

    def open_many(
        self, paths: Iterable[tuple[Token, Path, str]]
    ) -> Iterator[tuple[Token, OpenedPicture | RejectedItem]]:
        """See `DecoderPool.open_many`; the vectors of what comes from here are kept for `encode`.

        Raises:
            EncoderMismatch: a machine of the cluster has another encoder under this name.
            ServerAway: the cluster is gone. What was acknowledged is kept.
        """
        source, ended = iter(paths), False
        queue: deque[_Block] = deque()
        while queue or not ended:
            while not ended and len(queue) < self._window():
                block = self._next_block(source)
                ended = block is None
                if block is not None:
                    queue.append(block)
            if queue and self._advance(queue):
                yield from self._taken(queue.popleft())

    def encode(self, pictures: Sequence[OpenedPicture], here: Encoder) -> tuple[Embeddings | None, list[bool]]:
        """See `encode_thumbnails`; what did not come from the cluster is encoded by `here`."""
        missing = [one for one in pictures if one.sha256 not in self._rows]
        if missing:
            self._keep([one.sha256 for one in missing], *encode_thumbnails(here, [one.thumbnail for one in missing]))
        rows = [self._rows.pop(one.sha256) for one in pictures]
        good = [row for row in rows if row is not None]
        if not good:
            return None, [False] * len(rows)
        objects, parts, boxes = (np.stack(some) for some in zip(*good, strict=True))
        return Embeddings(objects, parts, boxes), [row is not None for row in rows]

    def _window(self) -> int:
        return max(2, int(self._ray.cluster_resources().get("CPU", 1)) * self._settings.ahead)

    def _next_block(self, source: Iterator[tuple[Token, Path, str]]) -> _Block | None:
        taken = [one for _, one in zip(range(self._settings.block), source, strict=False)]
        if not taken:
            return None
        wanted = [(str(root), relative) for _, root, relative in taken]
        said, thumbnails = self._open.remote(wanted, asdict(self._settings) | {"limits": self._settings.limits})
        return _Block([token for token, _, _ in taken], said, thumbnails)

    def _advance(self, queue: deque[_Block]) -> bool:
        """Send on what has been opened, wherever it stands; whether the first block is done. Waits for something."""
        opened = {block.said: block for block in queue if block.vectors is None}
        first = queue[0].vectors
        awaited = [*opened, *([first] if first is not None else [])]
        ready = self._asked(lambda: self._ray.wait(awaited, num_returns=1)[0])
        ready += self._asked(lambda: self._ray.wait(awaited, num_returns=len(awaited), timeout=0)[0])
        for said in dict.fromkeys(one for one in ready if one in opened):
            self._send_on(opened[said])
        return first is not None and first in ready

    def _send_on(self, block: _Block) -> None:
        block.opened = self._asked(lambda: self._ray.get(block.said))
        sha256 = [said["sha256"] for said in block.opened if "sha256" in said]
        there = set(self._has_vectors(sha256)) | self._rows.keys()
        block.encoded = [n for n, said in enumerate(block.opened) if "sha256" in said and said["sha256"] not in there]
        block.vectors = self._encode.remote(block.thumbnails, block.encoded, *self._encoder)

    def _taken(self, block: _Block) -> Iterator[tuple[Any, OpenedPicture | RejectedItem]]:
        vectors, usable = self._asked(lambda: self._ray.get(block.vectors))
        thumbnails = self._asked(lambda: self._ray.get(block.thumbnails))
        assert block.opened is not None
        self._keep([block.opened[n]["sha256"] for n in block.encoded], vectors, usable)
        for token, said, thumbnail in zip(block.tokens, block.opened, thumbnails, strict=True):
            if "sha256" in said:
                yield token, OpenedPicture(**said, thumbnail=thumbnail)
            else:
                yield token, RejectedItem(said["reason"], said["detail"])

    def _keep(self, sha256: Sequence[str], vectors: Embeddings | None, usable: Sequence[bool]) -> None:
        row = 0
        for one, good in zip(sha256, usable, strict=True):
            kept: Row = None
            if good and vectors is not None:
                kept = vectors.object[row], vectors.parts[row], vectors.boxes[row]
                row += 1
            self._rows[one] = kept
        while len(self._rows) > _KEPT_ROWS:  # of pictures that turned out to be in the library
            self._rows.popitem(last=False)

    def _asked(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SherdError):
                raise error.cause from error
            raise
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise ServerAway(
                f"{self._address}: the Ray cluster failed ({type(error).__name__}); what was acknowledged is kept. "
                "When it is back, run again"
            ) from error


@dataclass(slots=True, eq=False)
class _Block:
    """Pictures on their way; the references are Ray's."""

    tokens: list[Any]
    said: Any
    thumbnails: Any
    opened: list[dict[str, Any]] | None = None
    encoded: list[int] = ()  # type: ignore[assignment]
    vectors: Any = None


def pool_for(
    library: Library, encoder: Encoder, address: str, encoder_name: str, settings: RaySettings | None = None
) -> RayPool:
    """The pool for an ingest into a library, which knows what need not be encoded. Raises as `RayPool` does."""
    database = library.catalogue.database

    def has_vectors(sha256: Sequence[str]) -> list[str]:
        known = database.again(lambda: lookup.known_pictures(database, sha256, encoder.fingerprint))
        return [one for one, (_, there) in known.items() if there]

    return RayPool(address, encoder_name, encoder.fingerprint, has_vectors=has_vectors, settings=settings)


def open_block(wanted: Sequence[tuple[str, str]], settings: dict[str, Any]) -> tuple[list[dict[str, Any]], list[bytes]]:
    """On a machine of the cluster: what is to be said of each picture, and its thumbnail ('' where it is refused)."""
    pool = _decoder(settings["memory_limit_bytes"], settings["time_limit_s"], settings["limits"])
    said, thumbnails = [], []
    for _, opened in pool.open_many((n, Path(root), relative) for n, (root, relative) in enumerate(wanted)):
        if isinstance(opened, RejectedItem):
            said.append({"reason": opened.reason, "detail": opened.detail})
            thumbnails.append(b"")
        else:
            one = asdict(opened)
            thumbnails.append(one.pop("thumbnail"))
            said.append(one)
    return said, thumbnails


def encode_block(
    thumbnails: Sequence[bytes], which: Sequence[int], name: str, fingerprint: str
) -> tuple[Embeddings | None, list[bool]]:
    """On a machine of the cluster: the vectors of some of these thumbnails.

    Raises:
        EncoderMismatch: the machine has another encoder under this name.
    """
    if not which:
        return None, []
    encoder = _loaded(name)
    if encoder.fingerprint != fingerprint:
        raise EncoderMismatch(
            f"a machine of the cluster has another encoder {name} ({encoder.fingerprint[:12]}) than this one "
            f"({fingerprint[:12]}); install the same Sherd and model on all machines"
        )
    return encode_thumbnails(encoder, [thumbnails[n] for n in which])


@lru_cache(1)
def _loaded(name: str) -> Encoder:
    return load_encoder(name)


@lru_cache(1)
def _decoder(memory_limit_bytes: int, time_limit_s: float, limits: PictureLimits | None) -> DecoderPool:
    pool = DecoderPool(1, memory_limit_bytes=memory_limit_bytes, time_limit_s=time_limit_s, limits=limits)
    atexit.register(pool.__exit__, None, None, None)
    return pool


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtra("encoding on a cluster needs Ray: install it with `pip install 'sherd[ray]'`") from error
    return ray


def _connect(ray: Any, address: str) -> None:
    try:
        host, colon, port = address.rpartition(":")
        if colon and port.isdigit():
            # Ray itself waits for minutes where nobody listens.
            socket.create_connection((host, int(port)), _CONNECT_S).close()
        more = {"include_dashboard": False} if address == "local" else {}
        ray.init(address=address, log_to_driver=False, configure_logging=False, **more)
    except (OSError, RuntimeError, ValueError) as error:
        said = str(error).strip().splitlines()[0][:200]
        raise ServerAway(f"{address}: there is no Ray cluster ({said}); start one with `ray start --head`") from error
