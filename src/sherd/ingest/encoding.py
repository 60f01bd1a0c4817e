"""From thumbnails to vectors that are fit to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from sherd.encoder.protocol import Encoder
from sherd.errors import RejectedItem
from sherd.ingest.pictures import OpenedPicture, thumbnail_pixels
from sherd.types import Embeddings

_UNIT_TOLERANCE = 1e-2
Token = TypeVar("Token")


class PicturePool(Protocol):
    """What opens and encodes the pictures of an ingest: processes of this machine, or a cluster."""

    def open_many(
        self, paths: Iterable[tuple[Token, Path, str]]
    ) -> Iterator[tuple[Token, OpenedPicture | RejectedItem]]:
        """See `DecoderPool.open_many`."""
        ...

    def encode(self, pictures: Sequence[OpenedPicture], here: Encoder) -> tuple[Embeddings | None, list[bool]]:
        """See `encode_thumbnails`.

        Args:
            here: the encoder as it is loaded in this process.
        """
        ...


def encode_thumbnails(encoder: Encoder, thumbnails: Sequence[bytes]) -> tuple[Embeddings | None, list[bool]]:
    """The vectors of thumbnails (JPEG), and which of them gave usable ones.

    Returns:
        (vectors of the usable ones in their order, or None where there are none; one bool a thumbnail). A vector that
        is NaN, Inf, zero or not of unit length is not usable, nor is a picture with such a part.
    Raises:
        CorruptData: the bytes are no complete JPEG.
    """
    if not thumbnails:
        return None, []
    made = encoder.encode_images([thumbnail_pixels(thumbnail) for thumbnail in thumbnails])
    rows = np.concatenate([made.object[:, None], made.parts], axis=1)  # (n, 1 + K, D)
    with np.errstate(invalid="ignore", over="ignore"):
        usable = (np.abs(np.linalg.norm(rows, axis=2) - 1) < _UNIT_TOLERANCE).all(axis=1)
    if not usable.any():
        return None, usable.tolist()
    return Embeddings(made.object[usable], made.parts[usable], made.boxes[usable]), usable.tolist()
