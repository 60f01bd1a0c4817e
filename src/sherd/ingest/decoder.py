"""Decoding in worker processes, so that a hostile file kills a worker and not the job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sherd.errors import RejectedItem
from sherd.ingest.pictures import OpenedPicture, PictureLimits

Token = TypeVar("Token")


class DecoderPool:
    """Fresh worker processes that open pictures under a memory and a time limit; a context manager."""

    def __init__(
        self,
        workers: int = 1,
        *,
        memory_limit_bytes: int = 3 * 1024**3,
        time_limit_s: float = 60.0,
        limits: PictureLimits | None = None,
    ) -> None:
        raise NotImplementedError

    def open_many(
        self, paths: Iterable[tuple[Token, Path, str]]
    ) -> Iterator[tuple[Token, OpenedPicture | RejectedItem]]:
        """Results in the order of `paths` (token, root, relative path); a bounded number is decoded ahead."""
        raise NotImplementedError

    def open_one(self, picture: Path | bytes) -> OpenedPicture:
        """One picture, e.g. of a query; raises RejectedItem."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> DecoderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
