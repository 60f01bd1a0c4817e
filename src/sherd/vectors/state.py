"""What an index consists of at one moment, and which of its segments should become one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.coder import Coder
from sherd.vectors.exact import allowed_mask
from sherd.vectors.segment import Layer
from sherd.vectors.tail import Tail

Blocks = Callable[[int], Iterator[FloatArray]]


@dataclass(frozen=True, slots=True)
class State:
    """What a search sees: segments with their tombstones, and the tail. Never changed."""

    layers: tuple[Layer, ...]
    tail: Tail

    def __len__(self) -> int:
        return len(self.tail) + sum(layer.alive for layer in self.layers)

    def without(self, keys: KeyArray) -> State:
        """The state without `keys`; those that are not there are passed over."""
        return State(tuple(layer.without(keys) for layer in self.layers), self.tail.removed(keys))

    def coder(self) -> Coder | None:
        """The coder that was learnt from most, which is the newest."""
        coders = [layer.segment.coder for layer in self.layers]
        return max(coders, key=lambda coder: coder.trained_on) if coders else None

    def sealed_vectors(self, keys: KeyArray) -> FloatArray:
        """(n, D) vectors of keys that lie in segments."""
        width = self.layers[0].segment.coder.dim if self.layers else self.tail.matrix.shape[1]
        out = np.empty((keys.size, width), np.float32)
        for layer in self.layers:
            there = allowed_mask(keys, layer.keys())
            rows = np.searchsorted(layer.segment.keys, keys[there])
            out[there] = layer.segment.coder.rotation.back(layer.segment.coordinates(rows))
        return out


def to_merge(state: State, ratio: float, most: int) -> list[Layer]:
    """The layers to make one of; none when all is well.

    Args:
        ratio: the smaller ones are merged with the next larger when together they are above this share of it.
        most: rows that no merged segment may have more of.
    """
    layers = sorted(state.layers, key=lambda layer: layer.alive)
    if hollow := [layer for layer in layers if layer.alive < len(layer.segment) / 2]:
        return hollow[:1]
    taken: list[Layer] = []
    total = 0
    for n, layer in enumerate(layers):
        if n and total + layer.alive <= most and total >= ratio * layer.alive:
            taken = layers[: n + 1]
        total += layer.alive
    return taken


def poured(layers: Sequence[Layer], coder: Coder, most: int, block: int) -> Iterator[tuple[KeyArray, Blocks]]:
    """The rows of some layers, divided into new segments: ascending keys, and their coordinates by `coder`.

    Args:
        most: rows of a new segment.
        block: rows given at a time.
    """
    keys = np.concatenate([layer.keys() for layer in layers])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    # Of each key: which layer has it. Its row there is looked up block by block.
    owner = np.repeat(np.arange(len(layers), dtype=np.int16), [layer.alive for layer in layers])[order]
    for start in range(0, keys.size, most):
        end = min(start + most, keys.size)

        def blocks(row: int, start: int = start, end: int = end) -> Iterator[FloatArray]:
            for first in range(start + row, end, block):
                some = slice(first, min(first + block, end))
                yield _coordinates(layers, owner[some], keys[some], coder)

        yield keys[start:end], blocks


def _coordinates(layers: Sequence[Layer], owner: NDArray[np.int16], keys: KeyArray, coder: Coder) -> FloatArray:
    """(n, W) coordinates by `coder` of keys that lie in the layers numbered `owner`."""
    out = np.empty((keys.size, coder.rotation.width), np.float32)
    for number, layer in enumerate(layers):
        mine = owner == number
        if not mine.any():
            continue
        segment = layer.segment
        coordinates = segment.coordinates(np.searchsorted(segment.keys, keys[mine]))
        if segment.coder is not coder:
            coordinates = coder.rotation.apply(segment.coder.rotation.back(coordinates))
        out[mine] = coordinates
    return out
