"""Scores turned into probabilities that can be taken at their word, and sets that hold the truth as often as wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sherd.errors import InvalidArgument

Values = NDArray[np.float64]
_KNOTS = 64
"""Steps that a curve is kept with: more than any collection can tell apart."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A rising curve from a score to a probability, straight between its knots, level beyond them."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, scores: ArrayLike) -> Values:
        """Probabilities 0..1 of scores of any shape."""
        return np.asarray(np.interp(np.asarray(scores, np.float64), self.scores, self.probabilities))


def fit_curve(scores: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None) -> Curve:
    """The rising curve that fits what came true: isotonic regression, with one imagined case of either outcome at its
    ends, so that nothing is ever certain.

    Args:
        scores: (n,) finite. outcomes: (n,) bool. weights: (n,) how many cases each stands for; None: one.
    Raises:
        InvalidArgument: nothing is given, or the shapes do not fit.
    Source: Zadrozny and Elkan 2002.
    """
    from sklearn.isotonic import IsotonicRegression  # imported on use: it takes a second

    x, y = np.asarray(scores, np.float64).ravel(), np.asarray(outcomes, np.float64).ravel()
    w = np.ones(x.size) if weights is None else np.asarray(weights, np.float64).ravel()
    if not x.size or x.shape != y.shape or x.shape != w.shape or not np.isfinite(x).all():
        raise InvalidArgument(f"a curve needs finite scores {x.shape} with as many outcomes {y.shape}, one at least")
    ends = np.concatenate([x, [x.min(), x.max()]]), np.concatenate([y, [1, 0]]), np.concatenate([w, [1, 1]])
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(*ends)
    knots_x, knots_y = fitted.X_thresholds_, fitted.y_thresholds_
    if len(knots_x) > _KNOTS:
        keep = np.unique(np.linspace(0, len(knots_x) - 1, _KNOTS).round().astype(np.int64))
        knots_x, knots_y = knots_x[keep], knots_y[keep]
    return Curve(tuple(knots_x.tolist()), tuple(knots_y.tolist()))


def conformal_threshold(true_scores: ArrayLike, coverage: float) -> float:
    """The score from which on an answer belongs to the set, so that the set holds the true one with `coverage`.

    Args:
        true_scores: (n,) of the true answers of held-out cases, larger is likelier; not in steps, for cases with equal
            scores go in together, and the set holds more than was asked for. coverage: inside 0..1.
    Returns:
        Minus infinity where so few cases cannot promise it: the set is then everything.
    Raises:
        InvalidArgument: coverage is not inside 0..1.
    Source: split conformal prediction (Papadopoulos et al. 2002; Vovk et al. 2005), the score turned round: the
        ceil((n + 1) * coverage)-th largest.

    >>> conformal_threshold([0.9, 0.8, 0.7, 0.6], 0.6), conformal_threshold([0.9], 0.9)
    (0.7, -inf)
    """
    if not 0 < coverage < 1:
        raise InvalidArgument(f"coverage is {coverage}; give a fraction inside 0..1")
    falling = np.sort(np.asarray(true_scores, np.float64))[::-1]
    rank = math.ceil((falling.size + 1) * coverage - 1e-9)
    return float(falling[rank - 1]) if 1 <= rank <= falling.size else -math.inf
