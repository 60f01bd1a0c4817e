"""The figures of a report, each as a function of the values a query and of how often a draw takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sherd.evaluation.table import Columns, Statistic
from sherd.metrics.bootstrap import Values, columns_of, mean_over_groups
from sherd.metrics.calibration import expected_calibration_error
from sherd.metrics.detection import area_under_precision

RECALLS = (1, 5, 10)
_DRAWINGS = 200

_Over = Callable[[Columns, Sequence[str], Values | None], Values]


def _mean(name: str) -> _Over:
    """Mean over queries."""
    return lambda columns, _, weights: mean_over_groups(columns[name], np.zeros(len(columns[name])), weights)


def _mean_of_groups(name: str) -> _Over:
    """Mean over languages or labels of the mean over their queries."""
    return lambda columns, groups, weights: mean_over_groups(columns[name], groups, weights)


def _recall(k: int) -> _Over:
    def over(columns: Columns, groups: Sequence[str], weights: Values | None) -> Values:
        hit = (columns["rank"] >= 1) & (columns["rank"] <= k)
        return mean_over_groups(hit, groups, weights)

    return over


def _average_precision(iou: float) -> _Over:
    """Mean over labels of the average precision of one box a picture.

    In a draw a label counts by how much of it was taken, as in `mean_over_groups`.
    """

    def over(columns: Columns, groups: Sequence[str], weights: Values | None) -> Values:
        taken = np.ones((1, len(groups))) if weights is None else weights
        total, counted = np.zeros(len(taken)), np.zeros(len(taken))
        for places in columns_of(groups).values():
            of_label = taken[:, places]
            right, truths = columns["box_iou"][places] >= iou, of_label @ columns["truths"][places]
            area = area_under_precision(columns["score"][places], right, truths, of_label)
            share = of_label.mean(1)
            total += np.where(share > 0, area, 0.0) * share
            counted += share
        mean: Values = np.divide(total, counted, out=np.full(len(taken), np.nan), where=counted > 0)
        return mean

    return over


def _calibration(columns: Columns, _: Sequence[str], weights: Values | None) -> Values:
    """Expected calibration error of `probability` against `accuracy`; a query counts as often as a draw takes it.

    What chance adds to the error of n queries it adds to that of a draw from them once more. Draws are moved down by as
    much as they are higher on average, else the figure could lie outside its own interval.
    """
    said, right = columns["probability"], columns["accuracy"]
    point = expected_calibration_error(said, right)
    if weights is None:
        return np.array([point])
    found = np.array([expected_calibration_error(said[rows], right[rows]) for rows in _taken(weights)])
    return np.asarray(np.maximum(found + point - found.mean(), 0.0))


def _chance_of_calibration(columns: Columns, groups: Sequence[str], weights: Values | None) -> Values:
    """The same if the probabilities were true: outcomes are drawn by them. Without weights the mean of 200 drawings."""
    said = columns["probability"]
    rng = np.random.default_rng(0)
    taken = _taken(np.ones((_DRAWINGS, len(said))) if weights is None else weights)
    found = [expected_calibration_error(said[rows], rng.random(rows.size) < said[rows]) for rows in taken]
    return np.array([np.mean(found)] if weights is None else found)


def _taken(weights: Values) -> Iterator[NDArray[np.int64]]:
    """Of each draw the numbers of its queries, as often as it takes them."""
    return (np.repeat(np.arange(weights.shape[1]), row.astype(np.int64)) for row in weights)


RETRIEVAL = (*(Statistic(f"r@{k}", "rank", _recall(k)) for k in RECALLS), Statistic("map", "ap", _mean_of_groups("ap")))
"""Of a system with columns `rank` (of the first relevant item, 0 for none) and `ap` (average precision)."""

CHANCE_RETRIEVAL = (
    *(Statistic(f"r@{k}", f"r@{k}", _mean_of_groups(f"r@{k}")) for k in RECALLS),
    Statistic("map", "ap", _mean_of_groups("ap")),
)
"""Of a random order, whose recall is a chance a query."""

LOCALISATION = (
    Statistic("pointing", "pointing", _mean("pointing")),
    Statistic("energy", "energy", _mean("energy")),
    Statistic("box_iou", "box_iou", _mean("box_iou")),
    Statistic("ap30", "box_iou", _average_precision(0.3)),
    Statistic("ap50", "box_iou", _average_precision(0.5)),
    Statistic("miou", "mask_iou", _mean_of_groups("mask_iou")),
)
"""Of a system with any of the columns `pointing`, `energy`, `box_iou` (with `score` and `truths`), `mask_iou`."""

NAMING = (
    Statistic("accuracy", "accuracy", _mean("accuracy")),
    Statistic("tree_distance", "tree_distance", _mean("tree_distance")),
)
"""Of a system with columns `accuracy` (1 where the name is right) and `tree_distance` (of mistakes)."""

CALIBRATION = (Statistic("ece", "probability", _calibration),)
"""Of a system with columns `probability` (of the name that it gives) and `accuracy`."""

CHANCE_CALIBRATION = (Statistic("ece", "probability", _chance_of_calibration),)
"""Of the same system if its probabilities were true: what chance alone leaves, and how far that spreads."""
