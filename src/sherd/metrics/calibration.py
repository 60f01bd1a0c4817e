"""Whether probabilities can be taken at their word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sherd.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Of `count` answers with probabilities `low`..`high`: the mean of those, and the share 0..1 that was right."""

    low: float
    high: float
    count: int
    probability: float
    share: float


def brier_score(probabilities: ArrayLike, outcomes: ArrayLike) -> float:
    """Mean squared distance 0..1 of probabilities from what came true; 0 is best, always saying 0.5 gives 0.25.

    Args:
        probabilities: (n,) 0..1.
        outcomes: (n,) bool.
    Raises:
        InvalidArgument: there are none, the shapes differ, or a probability is outside 0..1.
    Source: Brier 1950, in its form for two outcomes with one term.

    >>> brier_score([0.75, 0.5], [True, False])
    0.15625
    """
    said, right = _checked(probabilities, outcomes)
    return float(((said - right) ** 2).mean())


def expected_calibration_error(probabilities: ArrayLike, outcomes: ArrayLike, bins: int = 15) -> float:
    """Mean distance 0..1, over answers, of a bin's mean probability from the share of it that was right.

    Args:
        probabilities, outcomes, bins: see `reliability`.
    Raises:
        InvalidArgument: as `reliability`.
    Source: Naeini, Cooper, Hauskrecht 2015, with bins of equal mass (Nguyen and O'Connor 2015): bins of equal width are
        mostly empty where probabilities crowd at one end.

    >>> expected_calibration_error([0.25, 0.25, 0.75, 0.75], [False, False, True, False], bins=2)
    0.25
    """
    table = reliability(probabilities, outcomes, bins)
    return sum(one.count * abs(one.probability - one.share) for one in table) / sum(one.count for one in table)


def reliability(probabilities: ArrayLike, outcomes: ArrayLike, bins: int = 15) -> list[ReliabilityBin]:
    """What came of answers of like probability, from the least to the most probable.

    Args:
        probabilities: (n,) 0..1.
        outcomes: (n,) bool.
        bins: how many, of equal numbers of answers as far as it goes. Answers of one probability stay together, so bins
            may be fewer and unequal: with one probability for all there is one bin.
    Raises:
        InvalidArgument: there are no answers, the shapes differ, a probability is outside 0..1, or bins is below 1.

    >>> reliability([0.2, 0.8, 0.6], [False, True, False], bins=1)
    [ReliabilityBin(low=0.2, high=0.8, count=3, probability=0.5333333333333333, share=0.3333333333333333)]
    """
    said, right = _checked(probabilities, outcomes)
    if bins < 1:
        raise InvalidArgument(f"bins is {bins}; give 1 or more")
    order = np.argsort(said, kind="stable")
    said, right = said[order], right[order]
    starts = np.arange(bins) * len(said) // bins
    starts = np.unique(np.searchsorted(said, said[starts]))  # back to the first answer of the same probability
    table = []
    for start, end in zip(starts, [*starts[1:], len(said)], strict=True):
        inside, came = said[start:end], right[start:end]
        table.append(
            ReliabilityBin(float(inside[0]), float(inside[-1]), len(inside), float(inside.mean()), float(came.mean()))
        )
    return table


def _checked(probabilities: ArrayLike, outcomes: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    said, right = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    if said.ndim != 1 or said.shape != right.shape or not said.size:
        raise InvalidArgument(f"probabilities {said.shape} and outcomes {right.shape} must be of one length, 1 or more")
    if not ((said >= 0) & (said <= 1)).all():
        raise InvalidArgument("probabilities are fractions 0..1")
    if not np.isin(right, (0, 1)).all():
        raise InvalidArgument("outcomes are true or false")
    return said, right
