"""What is learnt from a sample before vectors can be sealed: rotation, lists and 4-bit codes.

One coder serves many segments: a collection grows by segments of the same coder, and only after it has grown many times
over is a new one learnt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.types import FloatArray
from sherd.vectors.blocks import BlockFile, write_blocks
from sherd.vectors.coarse import Coarse, learn_coarse
from sherd.vectors.cores import single_threaded
from sherd.vectors.rounding import Rotation, Rounded, learn_rotation, round_off

_lib: Any = faiss
SUFFIX = ".coder"
_CODE_SAMPLE = 16_384
_LIST_SAMPLE = 64
"""Vectors a list to learn the centres from."""
_MOST_LISTS = 32_768
_PAIR = 2
"""Coordinates a 4-bit code."""


@dataclass(frozen=True, slots=True)
class Coded:
    """n vectors as a segment keeps them. lists: (n,). codes: (n, r / 4), two 4-bit codes a byte. rounded: the rest."""

    lists: NDArray[np.int32]
    codes: NDArray[np.uint8]
    rounded: Rounded


class Coder:
    """See the module. `trained_on`: how many vectors the collection had; `name`: of its file, '' while it has none."""

    def __init__(
        self, rotation: Rotation, coarse: Coarse, codebooks: FloatArray, trained_on: int, name: str = ""
    ) -> None:
        self.rotation, self.coarse, self.codebooks = rotation, coarse, codebooks
        self.trained_on, self.name = trained_on, name
        near = rotation.near
        self._pq = _lib.ProductQuantizer(near, near // _PAIR, 4)
        _lib.copy_array_to_vector(codebooks.ravel(), self._pq.centroids)
        # The lists are found by `coarse`; FAISS wants a quantiser of its own only for its width and its size.
        self._stand_in = _lib.IndexFlatIP(near)

    @property
    def dim(self) -> int:
        return self.rotation.dim

    @property
    def near(self) -> int:
        """r: coordinates that lists and codes are made of."""
        return self.rotation.near

    @property
    def code_bytes(self) -> int:
        """Bytes of a vector's 4-bit codes."""
        return self.near // _PAIR // 2

    def encode(self, vectors: FloatArray) -> Coded:
        """What a segment keeps of vectors (n, D)."""
        return self.encode_coordinates(self.rotation.apply(vectors))

    def encode_coordinates(self, coordinates: FloatArray) -> Coded:
        """The same of coordinates (n, W), as `rotation` makes them."""
        near = np.ascontiguousarray(coordinates[:, : self.near])
        lists = self.coarse.file(near)
        codes = self._pq.compute_codes(near - self.coarse.centres[lists])
        return Coded(lists, codes, round_off(coordinates, self.near))

    def empty_lists(self) -> Any:
        """An IndexIVFPQFastScan of this coder without a vector in it."""
        index = _lib.IndexIVFPQFastScan(
            self._stand_in, self.near, self.coarse.lists, self.near // _PAIR, 4, faiss.METRIC_INNER_PRODUCT, 32
        )
        index.by_residual = True  # of 4 bits a pair, twice as exact as codes of the vectors themselves
        index.pq = self._pq
        index.is_trained = True
        return index

    def save(self, folder: Path, draft: Path) -> Coder:
        """The coder with its file in `folder`; `draft` is where it is written first."""
        arrays: dict[str, NDArray[Any]] = {
            "rotation": self.rotation.matrix,
            "centres": self.coarse.centres,
            "groups": self.coarse.groups,
            "first": self.coarse.first,
            "codebooks": self.codebooks,
        }
        about = {"near": self.near, "trained_on": self.trained_on}
        path = write_blocks(draft, arrays, about, lambda checksum: folder / f"{checksum[:32]}{SUFFIX}")
        return Coder(self.rotation, self.coarse, self.codebooks, self.trained_on, path.name)

    @classmethod
    def load(cls, path: Path) -> Coder:
        """The coder in a file. Raises CorruptData."""
        file = BlockFile(path)
        file.check()
        try:
            near, trained_on = int(file.about["near"]), int(file.about["trained_on"])
            rotation = Rotation(file.array("rotation"), near)
            coarse = Coarse(file.array("centres"), file.array("groups"), file.array("first"))
            codebooks = file.array("codebooks")
            if coarse.centres.shape[1] != near or codebooks.size != near * 16 or near > rotation.width:
                raise ValueError("its arrays do not fit together")
            return cls(rotation, coarse, codebooks, trained_on, path.name)
        except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
            raise CorruptData(f"{path}: is no readable coder ({error}); run `sherd repair`") from error


def lists_for(count: int) -> int:
    """How many lists `count` vectors are divided into: 2 * sqrt(n), 32,768 at most.

    >>> lists_for(1_000_000), lists_for(100_000_000)
    (2000, 20000)
    """
    return max(1, min(_MOST_LISTS, round(2 * math.sqrt(count))))


def sample_size(count: int) -> int:
    """How many of `count` vectors a coder is learnt from."""
    return min(count, max(_CODE_SAMPLE, _LIST_SAMPLE * lists_for(count)))


def learn_coder(sample: FloatArray, count: int, *, energy: float, seed: int = 0) -> Coder:
    """A coder for a collection of `count` vectors, learnt from `sample` (n, D), drawn evenly from it."""
    with single_threaded():
        return _learn(sample, count, energy, seed)


def _learn(sample: FloatArray, count: int, energy: float, seed: int) -> Coder:
    rotation = learn_rotation(sample[:_CODE_SAMPLE], energy=energy, seed=seed)
    near = np.ascontiguousarray(rotation.apply(sample)[:, : rotation.near])
    coarse = learn_coarse(near, lists_for(count), seed=seed)
    some = near[:_CODE_SAMPLE]
    quantiser = _lib.ProductQuantizer(rotation.near, rotation.near // _PAIR, 4)
    quantiser.cp.seed, quantiser.cp.niter, quantiser.cp.min_points_per_centroid = seed, 10, 1
    quantiser.cp.max_points_per_centroid = 256
    quantiser.train(np.ascontiguousarray(_at_least(some - coarse.centres[coarse.file(some)], 16)))
    codebooks = faiss.vector_to_array(quantiser.centroids).reshape(-1, 16, _PAIR)
    return Coder(rotation, coarse, np.ascontiguousarray(codebooks), count)


def _at_least(rows: FloatArray, count: int) -> FloatArray:
    """FAISS refuses to learn 16 codes from fewer vectors."""
    return rows if len(rows) >= count else np.resize(rows, (count, rows.shape[1]))
