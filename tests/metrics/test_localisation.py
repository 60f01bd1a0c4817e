from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_jaccard_index

from sherd.errors import InvalidArgument
from sherd.metrics.localisation import (
    LocationPrior,
    chance_of_pointing,
    covered_area,
    energy_in_box,
    hot_area,
    intersection_over_union,
    mask_iou,
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


def test_the_heat_of_a_prior_is_a_count_of_regions() -> None:
    prior = LocationPrior([("a", Box(0, 0, 0.5, 0.5)), ("a", Box(0, 0, 1, 1)), ("b", Box(0.5, 0.5, 0.5, 0.5))], cells=2)
    assert prior.heat("a").tolist() == [[2, 1], [1, 1]]
    assert prior.heat("b", without=[("b", Box(0.5, 0.5, 0.5, 0.5))]).tolist() == [[2, 1], [1, 1]]


def test_energy_by_hand() -> None:
    heat = np.array([[1.0, 3.0], [2.0, 1.0]], np.float32)  # warmth 0, 2, 1, 0
    assert energy_in_box(heat, [Box(0.5, 0, 0.5, 0.5)]) == pytest.approx(2 / 3)
    assert energy_in_box(heat, [Box(0.5, 0, 0.25, 0.25)]) == pytest.approx(2 / 3 / 4)
    assert energy_in_box(heat, [Box(0, 0, 1, 1)]) == pytest.approx(1)
    assert energy_in_box(heat, []) == 0


def test_energy_of_overlapping_boxes_agrees_with_a_fine_grid() -> None:
    rng = np.random.default_rng(0)
    heat = rng.random((5, 7)).astype(np.float32)
    boxes = [Box(*(rng.integers(0, 10, 2) / 20), *(rng.integers(1, 10, 2) / 20)) for _ in range(3)]
    fine = np.kron(heat - heat.min(), np.ones((4 * 5, 4 * 5)))  # (100, 140): every twentieth is a line
    ys, xs = (np.arange(100) + 0.5) / 100, (np.arange(140) + 0.5) / 140
    inside = np.zeros(fine.shape, bool)
    for b in boxes:
        inside |= ((ys > b.y) & (ys < b.y + b.h))[:, None] & ((xs > b.x) & (xs < b.x + b.w))[None]
    assert energy_in_box(heat, boxes) == pytest.approx(fine[inside].sum() / fine.sum())


def test_a_flat_map_has_its_energy_everywhere() -> None:
    boxes = [Box(0.1, 0.1, 0.3, 0.5), Box(0.2, 0.2, 0.3, 0.5)]
    assert energy_in_box(np.full((3, 4), -0.2, np.float32), boxes) == pytest.approx(0.15 + 0.15 - 0.2 * 0.4)
    assert covered_area(boxes) == pytest.approx(0.22)


def test_hot_area_keeps_all_spots_and_smooths_between_cells() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 0] = heat[3, 3] = 1
    assert np.array_equal(hot_area(heat, (4, 4)), heat > 0)
    twice = hot_area(heat, (8, 8))
    assert twice[:2, :2].all()
    assert not twice[2:6, 2:6].any()
    assert hot_area(np.ones((2, 3), np.float32), (5, 6)).all()
    # A ramp crosses half of the way from its mean to its peak at three quarters of its width.
    ramp = hot_area(np.arange(100, dtype=np.float32)[None], (1, 1000))
    assert ramp.sum() == pytest.approx(250, abs=3)


def test_mask_iou_agrees_with_torchmetrics() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        found, truth = rng.random((2, 9, 11)) < rng.random()
        theirs = binary_jaccard_index(torch.from_numpy(found.astype(int)), torch.from_numpy(truth.astype(int)))
        assert mask_iou(found, truth) == pytest.approx(float(theirs))
    empty = np.zeros((2, 2), bool)
    assert mask_iou(empty, empty) == 1
    assert mask_iou(empty, ~empty) == 0


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"got shape \(3,\)"):
        energy_in_box(np.zeros(3, np.float32), [])
    with pytest.raises(InvalidArgument, match="finite"):
        hot_area(np.full((2, 2), np.nan, np.float32), (2, 2))
    with pytest.raises(InvalidArgument, match="level is 2"):
        hot_area(np.zeros((2, 2), np.float32), (2, 2), level=2)
    with pytest.raises(InvalidArgument, match="cannot overlap"):
        mask_iou(np.zeros((2, 2), bool), np.zeros((2, 3), bool))
