"""How deep a search looks, and the dial that sets it: the cheapest depths that reach a recall on the collection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sherd.errors import InvalidArgument

TARGETS = (0.9, 0.95, 0.99)
DEFAULT_TARGET = 0.95
_LEAST = 50


@dataclass(frozen=True, slots=True)
class Depths:
    """probes: lists looked into (of a graph: candidates kept). rerank: rows scored by near bytes, of an index in one
    segment. exact: rows scored by all bytes, in all."""

    probes: int
    rerank: int
    exact: int

    def __post_init__(self) -> None:
        if min(self.probes, self.rerank, self.exact) < 1:
            raise InvalidArgument(f"depths of a search must be 1 or more, got {self}")

    def rerank_in(self, rows: int, total: int) -> int:
        """Rows scored by near bytes in a segment of `rows` out of `total`. With the square root of what a search looks
        at grows how many are before the best by their codes; so it does from one collection to a larger one.

        >>> depths = Depths(probes=19, rerank=800, exact=15)
        >>> depths.rerank_in(50, 100), depths.rerank_in(1, 10_000), depths.rerank_in(100, 100)
        (566, 50, 800)
        """
        return min(self.rerank, max(_LEAST, round(self.rerank * math.sqrt(rows / max(total, 1)))))


@dataclass(frozen=True, slots=True)
class Setting:
    """Depths and the recall@10 that was measured with them. reached: whether it is the target's; else it is the best
    that was found."""

    target: float
    depths: Depths
    recall: float
    reached: bool


@dataclass(frozen=True, slots=True)
class Dial:
    """A setting for each target, measured on an index of `rows` vectors with `queries` queries against exact search.

    asked_with: what the queries were: 'own' (vectors of the collection), 'texts' or whatever the caller says.
    """

    settings: tuple[Setting, ...]
    queries: int
    rows: int
    asked_with: str

    def at(self, target: float) -> Setting:
        """The setting for the least target that is not below `target`, else the last one."""
        ordered = sorted(self.settings, key=lambda setting: setting.target)
        return next((setting for setting in ordered if setting.target >= target - 1e-9), ordered[-1])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Dial:
        """What `as_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        settings = tuple(
            Setting(float(one["target"]), Depths(**one["depths"]), float(one["recall"]), bool(one["reached"]))
            for one in said["settings"]
        )
        if not settings:
            raise ValueError("a dial without settings")
        return cls(settings, int(said["queries"]), int(said["rows"]), str(said["asked_with"]))


def untuned(target: float, lists: int, *, graph: bool) -> Depths:
    """Depths for an index that has not been tuned: more than most collections need."""
    share, rerank, exact, wide = (
        (0.02, 150, 20, 48) if target <= 0.9 else (0.05, 300, 30, 96) if target <= 0.95 else (0.12, 800, 60, 256)
    )
    return Depths(wide, 2 * exact, exact) if graph else Depths(max(16, round(share * lists)), rerank, exact)
