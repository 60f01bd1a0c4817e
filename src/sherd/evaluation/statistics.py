"""The figures of a report, each as a function of the values a query and of how often a draw takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sherd.evaluation.table import Columns, Statistic
from sherd.metrics.bootstrap import Values, columns_of, mean_over_groups
from sherd.metrics.detection import area_under_precision

RECALLS = (1, 5, 10)

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
