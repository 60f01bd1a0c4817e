from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics.detection import ScoredBox, area_under_precision, average_precision, matched
from sherd.types import Box

A, B, FAR = Box(0.0, 0.0, 0.4, 0.4), Box(0.5, 0.5, 0.4, 0.4), Box(0.9, 0.0, 0.1, 0.1)


def test_by_hand() -> None:
    """Right, wrong, right, wrong over three true boxes: precision 1 up to recall 1/3, 2/3 up to 2/3, 0 beyond."""
    found = [ScoredBox(0, A, 0.9), ScoredBox(0, FAR, 0.8), ScoredBox(1, B, 0.7), ScoredBox(1, FAR, 0.6)]
    assert average_precision(found, {0: [A], 1: [A, B]}, 0.5) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(found[::-1], {0: [A], 1: [A, B]}, 0.5) == pytest.approx((1 + 2 / 3) / 3)


def test_a_true_box_is_found_once() -> None:
    twice = [ScoredBox(0, A, 0.9), ScoredBox(0, A, 0.8)]
    assert matched(twice, {0: [A]}, 0.5).tolist() == [True, False]
    assert matched(twice[::-1], {0: [A]}, 0.5).tolist() == [False, True]
    assert average_precision([ScoredBox(5, A, 1.0)], {0: [A]}, 0.5) == 0


def test_a_stricter_overlap_asks_more() -> None:
    shifted = [ScoredBox(0, Box(0.1, 0.0, 0.4, 0.4), 1.0)]  # overlap 0.3 of a union of 0.5
    assert average_precision(shifted, {0: [A]}, 0.6) == 1
    assert average_precision(shifted, {0: [A]}, 0.61) == 0


def test_boxes_of_one_score_have_no_order() -> None:
    """Two right of three: precision 2/3 over recall 2/2, whichever comes first."""
    for right in ([1, 1, 0], [0, 1, 1], [1, 0, 1]):
        assert area_under_precision([0.5] * 3, right, 2)[0] == pytest.approx(2 / 3)


def naive(scores: list[float], right: list[bool], truths: int) -> float:
    """Eleven lines of VOC for different scores: at each right box, the best precision at it or after it."""
    ranked = [verdict for _, verdict in sorted(zip(scores, right, strict=True), reverse=True)]
    precisions = [sum(ranked[: n + 1]) / (n + 1) for n in range(len(ranked))]
    area = 0.0
    for n, verdict in enumerate(ranked):
        if verdict:
            area += max(precisions[n:]) / truths
    return area


def test_random_cases_agree_with_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(1, 20))
        scores, right = rng.random(count), rng.random(count) < 0.5
        truths = int(right.sum() + rng.integers(1, 4))
        expected = naive(scores.tolist(), right.tolist(), truths)
        assert area_under_precision(scores, right, truths)[0] == pytest.approx(expected)


def test_a_weight_is_the_box_so_many_times() -> None:
    rng = np.random.default_rng(1)
    scores, right = rng.random(12), rng.random(12) < 0.5
    weights = rng.integers(0, 3, (30, 12))
    truths = weights.sum(1) + 2
    together = area_under_precision(scores, right, truths, weights.astype(np.float64))
    for row, total, found in zip(weights, truths, together, strict=True):
        alone = area_under_precision(np.repeat(scores, row), np.repeat(right, row), int(total))
        assert found == pytest.approx(alone[0])


def test_nothing_found_and_nothing_to_find() -> None:
    assert average_precision([], {0: [A]}, 0.5) == 0
    assert np.isnan(area_under_precision([0.5], [False], 0)).all()
    with pytest.raises(InvalidArgument, match="at least one true box"):
        average_precision([ScoredBox(0, A, 1.0)], {0: []}, 0.5)
    with pytest.raises(InvalidArgument, match="iou is 0"):
        average_precision([], {0: [A]}, 0)
    with pytest.raises(InvalidArgument, match="do not fit"):
        area_under_precision([0.1, 0.2], [True], 1)
