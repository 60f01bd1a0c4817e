from __future__ import annotations

import numpy as np

from sherd.suggest.evidence import Looks
from sherd.suggest.novelty import LEAST, Novelty
from sherd.types import FloatArray


def looks(objects: FloatArray, records: list[str] | None = None) -> Looks:
    n = len(objects)
    names = tuple(records or [f"{n}-{place}" for place in range(n)])
    boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (n, 1, 1))
    return Looks(np.arange(n), names, names, objects, objects[:, None], boxes)


def around(seed: int, n: int, axis: int) -> FloatArray:
    """n unit vectors about an axis of 16."""
    found = 0.2 * np.random.default_rng(seed).standard_normal((n, 16)).astype(np.float32)
    found[:, axis] += 1
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_about_two_in_a_hundred_of_the_same_kind_are_strange_and_all_of_another() -> None:
    novelty = Novelty.of(looks(around(1, 2_000, 0)))
    assert novelty is not None
    share = novelty.strange(looks(around(2, 2_000, 0))).mean()
    assert 0.005 < share < 0.04
    assert novelty.strange(looks(around(3, 200, 5))).all()


def test_other_pictures_of_a_record_do_not_make_it_usual() -> None:
    apart = around(4, 1, 9)
    same = looks(np.concatenate([around(1, 100, 0), np.repeat(apart, 8, 0)]), [*map(str, range(100)), *["X"] * 8])
    novelty = Novelty.of(same)
    assert novelty is not None
    assert novelty.strange(looks(apart, ["X"])).all()
    assert not novelty.strange(looks(apart, ["Y"])).any()  # eight pictures of another record are like it


def test_too_few_known_pictures_tell_nothing() -> None:
    assert Novelty.of(looks(around(1, LEAST - 1, 0))) is None
    assert Novelty.of(looks(around(1, LEAST, 0))) is not None
