from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sherd.relics.pen import ACCENT, BLANK, BODY, LINE, TILE_PX, Ink, Pen, curve, petal, polar


def _inked(pen: Pen) -> NDArray[np.bool_]:
    return np.asarray(np.asarray(pen.tile()).max(2) > 0)


@pytest.mark.parametrize("aspect", [0.5, 1.0, 2.0])
def test_a_tile_is_as_wide_as_its_aspect(aspect: float) -> None:
    assert Pen(aspect).tile().size == (round(aspect * TILE_PX), TILE_PX)


@pytest.mark.parametrize(("ink", "channel"), [(BODY, 0), (ACCENT, 1), (LINE, 2)])
def test_each_ink_is_a_channel_of_its_own(ink: Ink, channel: int) -> None:
    pen = Pen(1.0)
    pen.dot(0.5, 0.5, 0.3, ink)
    tile = np.asarray(pen.tile())
    assert tile[48, 48, channel] == 255
    assert np.delete(tile[48, 48], channel).tolist() == [0, 0]


def test_blank_takes_ink_away() -> None:
    pen = Pen(1.0)
    pen.dot(0.5, 0.5, 0.4)
    pen.dot(0.5, 0.5, 0.2, BLANK)
    assert not np.asarray(pen.tile())[48, 48].any()


def test_a_dot_has_the_area_of_its_ellipse() -> None:
    pen = Pen(1.0)
    pen.dot(0.5, 0.5, 0.4, BODY, 0.2)
    area = np.asarray(pen.tile())[:, :, 0].sum() / 255 / TILE_PX**2
    assert area == pytest.approx(math.pi * 0.4 * 0.2, rel=0.03)


def test_mirror_makes_the_right_half_the_image_of_the_left() -> None:
    pen = Pen(1.0)
    pen.dot(0.2, 0.4, 0.1)
    pen.mirror()
    tile = np.asarray(pen.tile())
    assert tile.any()
    np.testing.assert_array_equal(tile, tile[:, ::-1])


def test_a_ring_is_empty_inside_and_a_ribbon_has_round_ends() -> None:
    pen = Pen(1.0)
    pen.ring(0.5, 0.5, 0.4, 0.05)
    assert not _inked(pen)[48, 48]
    pen = Pen(1.0)
    pen.ribbon([(0.3, 0.5), (0.7, 0.5)], 0.2, 0.2)
    inked = _inked(pen)
    assert inked[48, 22]
    assert not inked[30, 22]


def test_spirals_stay_within_their_radius() -> None:
    pen = Pen(1.0)
    pen.spiral(0.5, 0.5, 0.3, turns=2.5, width=0.02)
    pen.square_spiral(0.5, 0.5, 0.3, turns=3, width=0.02)
    rows, columns = np.nonzero(_inked(pen))
    assert min(rows.min(), columns.min()) >= 0.17 * TILE_PX
    assert max(rows.max(), columns.max()) <= 0.83 * TILE_PX


def test_a_curve_goes_through_its_points() -> None:
    points = [(0.0, 0.0), (0.4, 0.9), (1.0, 0.3)]
    path = curve(points, 8)
    for x, y in points:
        assert np.hypot(path[:, 0] - x, path[:, 1] - y).min() < 1e-9
    assert curve(points[:2]).shape[1] == 2


def test_a_petal_begins_at_its_foot_and_points_to_its_angle() -> None:
    outline = np.asarray(petal(0.2, 0.3, 0.0, 0.5, 0.2))
    assert outline[0] == pytest.approx((0.2, 0.3))
    assert outline[:, 0].max() == pytest.approx(0.7)
    assert np.ptp(outline[:, 1]) == pytest.approx(0.2, rel=0.05)
    assert polar(1.0, 1.0, 2.0, math.pi / 2) == pytest.approx((1.0, 3.0))
