"""Milliseconds by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sherd.types import Timing

Stage = Literal["encode", "index", "rerank", "catalogue"]


class Stopwatch:
    """Runs from its making. Time outside every stage counts to the total alone."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._ms = dict[Stage, float](encode=0.0, index=0.0, rerank=0.0, catalogue=0.0)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Add what happens inside to `name`; stages do not nest."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._ms[name] += 1e3 * (time.perf_counter() - start)

    def timing(self) -> Timing:
        """What was measured so far, in milliseconds."""
        return Timing(**self._ms, total=1e3 * (time.perf_counter() - self._start))
