from __future__ import annotations

import numpy as np

from sherd.encoder.parts import cluster_parts, pool_box, unit
from sherd.types import Box


def two_halves() -> np.ndarray:
    patches = np.zeros((1, 8, 8, 4), np.float32)
    patches[0, :, :4, 0] = 1
    patches[0, :, 4:, 1] = 1
    return patches


def test_two_halves_become_two_parts_with_their_boxes() -> None:
    parts, boxes = cluster_parts(two_halves(), 2)
    order = np.argsort(boxes[0, :, 0])
    np.testing.assert_allclose(parts[0, order, :2], [[1, 0], [0, 1]], atol=1e-5)
    np.testing.assert_allclose(boxes[0, order], [[0, 0, 0.5, 1], [0.5, 0, 0.5, 1]], atol=1e-5)


def test_parts_do_not_depend_on_the_batch() -> None:
    rng = np.random.default_rng(0)
    patches = unit(rng.normal(size=(3, 6, 9, 16)).astype(np.float32))
    together, boxes = cluster_parts(patches, 5, aspect=1.5)
    alone, box = cluster_parts(patches[1:2], 5, aspect=1.5)
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)
    np.testing.assert_allclose(boxes[1], box[0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=2), 1, atol=1e-5)
    assert (boxes >= 0).all()
    assert (boxes[..., :2] + boxes[..., 2:] <= 1 + 1e-6).all()
    assert (boxes[..., 2:] > 0).all()


def test_a_picture_of_one_colour_has_parts_too() -> None:
    patches = np.zeros((1, 4, 4, 3), np.float32)
    patches[..., 2] = 1
    parts, boxes = cluster_parts(patches, 8)
    assert np.isfinite(parts).all()
    np.testing.assert_allclose(parts[..., 2], 1, atol=1e-5)
    assert (boxes[..., 2:] > 0).all()


def test_a_box_pools_what_is_inside_it() -> None:
    left = pool_box(two_halves()[0], Box(0, 0, 0.5, 1))
    np.testing.assert_allclose(left[:2], [1, 0], atol=1e-6)
    both = pool_box(two_halves()[0], Box(0.25, 0.3, 0.5, 0.4))
    np.testing.assert_allclose(both[:2], [2**-0.5] * 2, atol=1e-5)


def test_a_box_smaller_than_a_cell_is_the_cell() -> None:
    np.testing.assert_allclose(pool_box(two_halves()[0], Box(0.9, 0.9, 0.01, 0.01))[:2], [0, 1], atol=1e-6)
