from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sherd.catalogue.catalogue import Catalogue, Shown
from sherd.catalogue.filters import Where
from sherd.search.kept import Kept, KeptShown
from sherd.types import KeyArray


def test_what_is_asked_for_stays_and_the_rest_gives_way() -> None:
    kept = Kept[int, str](10)
    for n in range(100):
        kept.put(n, str(n))
        assert kept.get(0) == "0"
        assert kept.get(n) == str(n)
        assert len(kept) <= 10
    assert kept.get(50) is None
    kept.clear()
    assert kept.get(0) is None
    assert len(kept) == 0


def test_threads_find_what_they_kept() -> None:
    kept = Kept[int, int](8)

    def use(start: int) -> None:
        for n in range(start, start + 2_000):
            kept.put(n % 40, n % 40)
            found = kept.get(n % 37)
            assert found is None or found == n % 37

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert len(kept) <= 8


class Counting(Catalogue):
    """Picture n is shown by the record n; 7 by nobody. Counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def hits_for(self, keys: KeyArray, where: Where | None = None) -> dict[int, list[Shown]]:
        self.asked.append(keys.tolist())
        return {key: [Shown(f"r{key}", "bowl", f"{key}.png")] for key in keys.tolist() if key != 7}


def test_who_shows_a_picture_is_asked_once_a_generation() -> None:
    catalogue = Counting()
    shown = KeptShown(catalogue, 100)
    assert shown.of(np.array([1, 7]), 1) == {1: (("r1", "bowl", "1.png"),), 7: ()}
    assert shown.of(np.array([1, 2, 7]), 1)[2] == (("r2", "bowl", "2.png"),)
    assert catalogue.asked == [[1, 7], [2]]
    shown.of(np.array([1]), 2)
    assert catalogue.asked == [[1, 7], [2], [1]]
