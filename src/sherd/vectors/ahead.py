"""Rows that lie on a disk: telling the system what will be read next, so that it gets all of it at once and not one row
after the other, and letting others work meanwhile."""

from __future__ import annotations

import mmap
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

A = TypeVar("A", bound=np.generic)


def ask_ahead(data: mmap.mmap, starts: NDArray[np.int64], size: int) -> None:
    """Ask for `size` bytes from each of `starts` (n,) on; what is in memory already costs a microsecond each."""
    if not hasattr(mmap, "MADV_WILLNEED") or not size:
        return
    firsts = starts - starts % mmap.PAGESIZE
    lengths = starts + size - firsts
    for first, length in zip(firsts.tolist(), lengths.tolist(), strict=True):
        data.madvise(mmap.MADV_WILLNEED, first, length)


def taken(rows_of: NDArray[A], rows: NDArray[np.int64], *, waits: bool) -> NDArray[A]:
    """Some rows of an array, any for -1. waits: whether these may have to be read from a disk.

    `take` lets other threads run meanwhile: of use where a disk is waited for, and else only one more handing over of
    the interpreter.
    """
    return rows_of.take(rows, axis=0, mode="clip") if waits else rows_of[rows]
