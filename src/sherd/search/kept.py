"""Answers kept for later, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

import numpy as np

from sherd.catalogue.catalogue import Catalogue
from sherd.types import KeyArray

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
ShownBy = tuple[tuple[str, str, str], ...]
"""Of one picture (record id, title, path of the picture) of each record that shows it. Plain tuples of texts: a garbage
collection looks at tens of thousands of anything else one by one, while everybody waits."""


class Kept(Generic[K, V]):
    """At most `most` values, 2 or more; of what was not asked for lately the older half gives way at once. For any
    number of threads."""

    def __init__(self, most: int) -> None:
        self._half = max(most // 2, 1)
        self._lock = threading.Lock()
        self._new: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get(self, key: K) -> V | None:
        """What is kept under `key`; None for nothing."""
        found = self._new.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Keep `value`, which is not None, under `key`."""
        with self._lock:
            if len(self._new) >= self._half and key not in self._new:
                self._old, self._new = self._new, {}
            self._new[key] = value

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._old, self._new = {}, {}


class KeptShown:
    """Who shows a picture, kept until something is committed: the same pictures are near to many questions.

    Args:
        most: pictures; 100,000 take some 40 MB.
    """

    def __init__(self, catalogue: Catalogue, most: int) -> None:
        self._catalogue, self._kept = catalogue, Kept[int, ShownBy](most)
        self._generation = -1

    def of(self, keys: KeyArray, generation: int) -> dict[int, ShownBy]:
        """By picture. Nobody else may ask for another generation meanwhile."""
        if generation != self._generation:
            self._kept.clear()
            self._generation = generation
        found: dict[int, ShownBy] = {}
        missing = []
        for key in keys.tolist():
            if (shown := self._kept.get(key)) is None:
                missing.append(key)
            else:
                found[key] = shown
        if missing:
            there = self._catalogue.hits_for(np.array(missing, np.int64))
            for key in missing:
                found[key] = tuple((one.record_id, one.title, one.image) for one in there.get(key, ()))
                self._kept.put(key, found[key])
        return found
