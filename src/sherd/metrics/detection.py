"""How well boxes with scores find the boxes of a label: average precision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sherd.errors import InvalidArgument
from sherd.metrics.localisation import intersection_over_union
from sherd.types import Box


@dataclass(frozen=True, slots=True)
class ScoredBox:
    """A box found on a picture; a higher score is trusted more."""

    picture: int
    box: Box
    score: float


def average_precision(found: Sequence[ScoredBox], truths: Mapping[int, Sequence[Box]], iou: float) -> float:
    """Area 0..1 under the curve of precision over recall, for one label.

    Args:
        found: in any order; none gives 0.
        truths: by picture, the label's true boxes; one at least.
        iou: a found box is right when it overlaps a true one, which no better found box has taken, by this much, 0..1.
    Raises:
        InvalidArgument: there are no true boxes, or iou is not above 0 and at most 1.
    Source: PASCAL VOC 2010 devkit: boxes are matched by falling score, each to the true box it overlaps most;
        the area is taken at all points, under the precision made monotone. Boxes of one score enter together, so their
        order changes no precision.

    >>> half = Box(0, 0, 0.5, 1)
    >>> average_precision([ScoredBox(0, half, 0.9), ScoredBox(1, half, 0.5)], {0: [half], 1: [half, half]}, 0.5)
    0.6666666666666666
    """
    return float(area_under_precision([one.score for one in found], matched(found, truths, iou), _count(truths))[0])


def matched(found: Sequence[ScoredBox], truths: Mapping[int, Sequence[Box]], iou: float) -> NDArray[np.bool_]:
    """(found,) whether each found box is right; arguments and errors as in `average_precision`.

    A box whose best true box is taken already is wrong, also where it overlaps another one well enough.
    """
    if not 0 < iou <= 1:
        raise InvalidArgument(f"iou is {iou}; give a fraction above 0 and at most 1")
    _count(truths)
    right = np.zeros(len(found), bool)
    taken: dict[int, set[int]] = defaultdict(set)
    for n in sorted(range(len(found)), key=lambda n: -found[n].score):
        overlaps = [intersection_over_union(found[n].box, box) for box in truths.get(found[n].picture, ())]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best >= 0 and overlaps[best] >= iou and best not in taken[found[n].picture]:
            taken[found[n].picture].add(best)
            right[n] = True
    return right


def area_under_precision(
    scores: ArrayLike, right: ArrayLike, truths: ArrayLike, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """(draws,) average precision of found boxes that are known to be right or wrong.

    Args:
        scores: (n,) a higher one is trusted more.
        right: (n,) bool.
        truths: how many true boxes there are, one number or one a draw; a draw with 0 gives NaN.
        weights: (draws, n) how often each draw takes each found box, 0 or more; None: one draw that takes all once.
    Raises:
        InvalidArgument: the shapes do not fit.
    Source: see `average_precision`; a box that is taken twice counts as two boxes of one score.
    """
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ranked = np.asarray(scores, np.float64)[order]
    hits = np.asarray(right, np.float64)
    taken = np.ones((1, len(ranked))) if weights is None else weights
    if hits.shape != ranked.shape or taken.ndim != 2 or taken.shape[1] != len(ranked):
        raise InvalidArgument(f"{ranked.shape} scores, {hits.shape} verdicts and {taken.shape} weights do not fit")
    total = np.broadcast_to(np.asarray(truths, np.float64), (len(taken),))
    if not len(ranked):
        return np.where(total > 0, 0.0, np.nan)
    ends = np.append(np.nonzero(np.diff(ranked))[0], len(ranked) - 1)  # the last box of each score
    taken = taken[:, order]
    reached = np.cumsum(taken * hits[order], 1)[:, ends]  # (draws, different scores)
    shown = np.cumsum(taken, 1)[:, ends]
    precision = np.divide(reached, shown, out=np.zeros_like(reached), where=shown > 0)
    monotone = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    gained = (np.diff(reached, axis=1, prepend=0) * monotone).sum(1)
    area: NDArray[np.float64] = np.divide(gained, total, out=np.full(len(taken), np.nan), where=total > 0)
    return area


def _count(truths: Mapping[int, Sequence[Box]]) -> int:
    count = sum(map(len, truths.values()))
    if not count:
        raise InvalidArgument("average precision needs at least one true box")
    return count
