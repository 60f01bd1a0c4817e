"""Telling the system what will be read next, so that a disk gets all of it at once and not one row after the other."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray


def ask_ahead(data: mmap.mmap, starts: NDArray[np.int64], size: int) -> None:
    """Ask for `size` bytes from each of `starts` (n,) on; what is in memory already costs a microsecond each."""
    if not hasattr(mmap, "MADV_WILLNEED") or not size:
        return
    firsts = starts - starts % mmap.PAGESIZE
    lengths = starts + size - firsts
    for first, length in zip(firsts.tolist(), lengths.tolist(), strict=True):
        data.madvise(mmap.MADV_WILLNEED, first, length)
