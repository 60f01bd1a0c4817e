"""What every encoder is, seen from above: pictures and words in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sherd.types import Box, Embeddings, FloatArray, Picture


class Encoder(Protocol):
    """Turns pictures and texts into vectors of one space.

    All vectors are float32 of unit length; their dot product is a cosine, -1..1.
    Encoders always see the library's thumbnails, so that the same picture gives the same vector wherever it comes from.
    """

    @property
    def name(self) -> str:
        """What a person calls it, for example `builtin`."""
        ...

    @property
    def fingerprint(self) -> str:
        """64 hex digits over weights, preprocessing and the version of the preprocessing code."""
        ...

    @property
    def dim(self) -> int:
        """Width D of every vector."""
        ...

    @property
    def parts_per_image(self) -> int:
        """K, the number of part vectors a picture; 0 when the encoder has none."""
        ...

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        """Object vectors (n, D), part vectors (n, K, D) and their boxes (n, K, 4)."""
        ...

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        """Text vectors (n, D), comparable with object and part vectors."""
        ...

    def encode_boxes(self, picture: Picture, boxes: Sequence[Box]) -> FloatArray:
        """Vectors (n, D) of the parts inside the boxes, comparable with part vectors."""
        ...

    def heat(self, picture: Picture, vector: FloatArray) -> FloatArray:
        """(h, w) cosine of a query vector (D,) with each cell of the upright picture."""
        ...
