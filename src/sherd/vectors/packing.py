"""4-bit codes in the order that FAISS's fast scan reads: 32 vectors a block, so that one instruction looks up many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

_lib: Any = faiss
_ROWS = 32
_AT_ONCE = 1 << 19
"""Rows packed at a time: 100 MB of working memory."""


def fill(index: Any, lists: NDArray[np.int32], codes: NDArray[np.uint8]) -> None:
    """Put n vectors into an empty IndexIVFPQFastScan, under their row numbers.

    FAISS's own `add` would look for each vector's list again, which here is known already.

    Args:
        lists: (n,) the list of each vector.
        codes: (n, M / 2) two codes a byte, as ProductQuantizer.compute_codes gives them.
    """
    inverted = _lib.downcast_InvertedLists(index.invlists)
    order = np.argsort(lists, kind="stable")
    sizes = np.bincount(lists, minlength=index.nlist)
    first = np.concatenate([[0], np.cumsum(sizes)])
    table = _order_of_nibbles(inverted.packer, codes.shape[1])
    for start, end in _runs(first):
        rows = order[first[start] : first[end]]
        blocks, begins = _packed(codes[rows], sizes[start:end], table)
        for number in range(start, end):
            if sizes[number]:
                ids = np.ascontiguousarray(order[first[number] : first[number + 1]], np.int64)
                block = blocks[begins[number - start] : begins[number - start + 1]]
                inverted.add_entries(number, int(sizes[number]), _lib.swig_ptr(ids), _lib.swig_ptr(block))
    index.ntotal = int(first[-1])


def _runs(first: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of lists with some _AT_ONCE rows each."""
    start, lists = 0, first.size - 1
    while start < lists:
        end = max(start + 1, int(np.searchsorted(first, first[start] + _AT_ONCE, "right")) - 1)
        yield start, end
        start = end


def _packed(
    codes: NDArray[np.uint8], sizes: NDArray[np.int64], table: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(blocks, bytes of one) of the rows of some lists in their order, and at which block each list begins."""
    width = codes.shape[1]
    blocks = -(-sizes // _ROWS)
    begins = np.concatenate([[0], np.cumsum(blocks)])
    skipped = np.repeat(begins[:-1] * _ROWS - (np.cumsum(sizes) - sizes), sizes)
    padded = np.zeros((int(begins[-1]) * _ROWS, width), np.uint8)
    padded[np.arange(len(codes)) + skipped] = codes
    nibbles = np.empty((len(padded), 2 * width), np.uint8)
    nibbles[:, 0::2] = padded & 15
    nibbles[:, 1::2] = padded >> 4
    nibbles = nibbles.reshape(-1, _ROWS * 2 * width)
    low, high = np.take(nibbles, table[:, 0], axis=1), np.take(nibbles, table[:, 1], axis=1)
    return low | (high << 4), begins


def _order_of_nibbles(packer: Any, width: int) -> NDArray[np.int64]:
    """(bytes of a block, 2): which of its rows' codes lie in the low and in the high half of each byte.

    Asked of FAISS, by packing blocks whose codes spell out their own numbers.
    """
    numbers = np.arange(_ROWS * 2 * width).reshape(_ROWS, 2 * width)
    table = np.zeros((packer.block_size, 2), np.int64)
    for shift in range(0, int(numbers.max()).bit_length(), 4):
        nibbles = ((numbers >> shift) & 15).astype(np.uint8)
        flat = np.ascontiguousarray(nibbles[:, 0::2] | (nibbles[:, 1::2] << 4))
        block = np.zeros((1, packer.block_size), np.uint8)
        for row in range(_ROWS):
            packer.pack_1(flat[row], row, block)
        table[:, 0] |= (block[0] & 15).astype(np.int64) << shift
        table[:, 1] |= (block[0] >> 4).astype(np.int64) << shift
    return table
