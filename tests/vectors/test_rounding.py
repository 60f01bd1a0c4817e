"""Bytes of vectors: how exact they are, and against what a library keeps otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from sherd.vectors.rounding import coordinates_of, exact_scores, learn_rotation, near_scores, round_off
from tests.vectors.batches import random_unit, unit


@pytest.mark.parametrize("dim", [8, 65, 256])
def test_a_rotation_keeps_inner_products_and_has_a_way_back(dim: int) -> None:
    rows = random_unit((300, dim))
    rotation = learn_rotation(rows, energy=0.9)
    turned = rotation.apply(rows)
    assert turned.shape == (300, rotation.width)
    assert rotation.width % 8 == rotation.near % 8 == 0
    assert np.allclose(turned @ turned.T, rows @ rows.T, atol=1e-5)
    assert np.allclose(rotation.back(turned), rows, atol=1e-5)
    held = (turned[:, : rotation.near] ** 2).sum() / 300
    assert held >= 0.9 - 1e-6


def test_more_energy_takes_more_coordinates() -> None:
    rows = unit(random_unit((500, 64)) * np.linspace(1, 0.01, 64).astype(np.float32))
    wide = [learn_rotation(rows, energy=energy).near for energy in (0.5, 0.9, 0.999)]
    assert wide[0] < wide[1] < wide[2]


def test_both_bytes_are_nearly_as_exact_as_float16_and_one_is_not() -> None:
    rows = unit(random_unit((2_000, 256), 1) * np.geomspace(1, 0.02, 256).astype(np.float32))
    queries = random_unit((20, 256), 2)
    rotation = learn_rotation(rows, energy=0.995)
    turned, asked = rotation.apply(rows), rotation.apply(queries)
    rounded = round_off(turned, rotation.near)
    true = queries @ rows.T
    exact = np.stack([exact_scores(rounded, np.broadcast_to(query, (len(rows), 256))) for query in asked])
    near = near_scores(rounded.near, rounded.scales, asked)
    each = np.arange(60).reshape(20, 3)
    assert np.array_equal(
        near_scores(rounded.near[each], rounded.scales[each], asked), np.take_along_axis(near, each, axis=1)
    )
    half = queries @ rows.astype(np.float16).astype(np.float32).T
    assert rotation.near < 256
    assert np.abs(exact - true).std() < 4 * np.abs(half - true).std()
    assert np.abs(exact - true).max() < 5e-4
    assert np.abs(near - true).max() < 0.05
    assert np.abs(near - true).std() > 10 * np.abs(exact - true).std()


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1e-9])
def test_odd_vectors_are_kept_too(value: float) -> None:
    rows = np.full((3, 16), value, np.float32)
    rows[1, 3] = 0.25
    assert np.allclose(coordinates_of(round_off(rows, 8)), rows, atol=5e-3)  # the last 8 have one byte
    assert np.allclose(coordinates_of(round_off(rows, 16)), rows, atol=2e-5)
