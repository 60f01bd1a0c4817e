from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics.localisation import (
    LocationPrior,
    chance_of_pointing,
    intersection_over_union,
    peak,
    points_at,
)
from sherd.types import Box


def test_pointing_with_and_without_tolerance() -> None:
    box = Box(0.5, 0.5, 0.2, 0.2)
    assert points_at((0.6, 0.6), [box])
    assert not points_at((0.48, 0.6), [box])
    assert points_at((0.48, 0.6), [box], (0.025, 0.025))


def test_chance_is_the_area_for_one_box_and_never_counts_twice() -> None:
    box = Box(0.25, 0.25, 0.5, 0.5)
    assert chance_of_pointing([box]) == pytest.approx(0.25, abs=0.01)
    assert chance_of_pointing([box, box]) == chance_of_pointing([box])


def test_iou_by_hand() -> None:
    assert intersection_over_union(Box(0, 0, 1, 1), Box(0, 0, 0.5, 0.5)) == pytest.approx(0.25)
    assert intersection_over_union(Box(0, 0, 0.2, 0.2), Box(0.5, 0.5, 0.2, 0.2)) == 0


def test_peak_of_a_tie_is_the_first_cell() -> None:
    assert peak(np.ones((2, 2), np.float32)) == (0.25, 0.25)


def test_prior_points_where_the_label_usually_is() -> None:
    prior = LocationPrior(
        [("halo", Box(0.4, 0.0, 0.2, 0.2)), ("halo", Box(0.45, 0.05, 0.2, 0.2)), ("book", Box(0, 0.8, 0.2, 0.2))]
    )
    x, y = prior.point("halo")
    assert 0.45 <= x <= 0.6
    assert 0.05 <= y <= 0.2
    assert prior.point("never seen") == prior.point("halo")
    with pytest.raises(InvalidArgument):
        LocationPrior([])


def test_a_prior_that_leaves_a_picture_out_forgets_it() -> None:
    here, there = Box(0.0, 0.0, 0.2, 0.2), Box(0.8, 0.8, 0.2, 0.2)
    prior = LocationPrior([("a", here), ("a", here), ("a", there)])
    assert prior.point("a", without=[("a", here), ("a", here)]) == pytest.approx((0.9, 0.9), abs=0.05)
