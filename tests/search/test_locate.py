"""Boxes from heat maps."""

from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.search.locate import box_from_heat, connected
from sherd.types import Box, FloatArray


def test_the_box_holds_the_hot_area_and_not_another_one() -> None:
    heat = np.zeros((10, 20), np.float32)
    heat[2:5, 4:10] = 0.9
    heat[3, 5] = 1.0
    heat[7:9, 15:19] = 0.95
    assert box_from_heat(heat) == Box(4 / 20, 2 / 10, 6 / 20, 3 / 10)


def test_a_higher_level_draws_a_smaller_box() -> None:
    ys, xs = np.mgrid[0:21, 0:21]
    heat = np.exp(-((ys - 10) ** 2 + (xs - 10) ** 2) / 20).astype(np.float32)
    areas = [(box := box_from_heat(heat, level=level)).w * box.h for level in (0.0, 0.3, 0.6, 0.9)]
    assert areas == sorted(areas, reverse=True)
    assert len(set(areas)) == 4


def test_negative_and_shifted_maps_give_the_same_box() -> None:
    heat = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    assert box_from_heat(heat) == box_from_heat(heat - 5) == box_from_heat(heat * 3)


def test_a_flat_map_and_a_single_cell_are_the_whole_picture() -> None:
    assert box_from_heat(np.full((4, 4), 0.3, np.float32)) == Box(0, 0, 1, 1)
    assert box_from_heat(np.ones((1, 1), np.float32)) == Box(0, 0, 1, 1)


def test_a_hot_cell_in_the_corner_stays_inside_the_picture() -> None:
    heat = np.zeros((3, 7), np.float32)
    heat[-1, -1] = 1
    box = box_from_heat(heat)
    assert box.x + box.w <= 1 + 1e-6
    assert box == Box(6 / 7, 2 / 3, 1 / 7, 1 / 3)


@pytest.mark.parametrize(
    ("heat", "level"),
    [
        (np.zeros((0, 3), np.float32), 0.5),
        (np.zeros(3, np.float32), 0.5),
        (np.array([[np.nan, 1]], np.float32), 0.5),
        (np.ones((2, 2), np.float32), 1.5),
    ],
)
def test_bad_maps_and_levels_are_refused(heat: FloatArray, level: float) -> None:
    with pytest.raises(InvalidArgument):
        box_from_heat(heat, level=level)


def test_cells_that_touch_at_a_corner_are_not_connected() -> None:
    mask = np.array([[True, False], [False, True]])
    assert connected(mask, (0, 0)).tolist() == [[True, False], [False, False]]
    assert not connected(mask, (0, 1)).any()
