"""How far wrong answers are from the truth in a hierarchy of concepts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument

Concept = TypeVar("Concept", bound=Hashable)


@dataclass(frozen=True, slots=True)
class HierarchicalScores:
    """Fractions 0..1; `f1` is the harmonic mean of the other two."""

    precision: float
    recall: float
    f1: float


def error_distances(
    predicted: Sequence[Concept],
    truths: Sequence[Collection[Concept]],
    distance: Callable[[Concept, Concept], int] | NDArray[Any],
) -> NDArray[np.float64]:
    """(errors,) distance of each wrong answer from the nearest right one, in the order of the answers.

    Args:
        predicted: one answer a query.
        truths: for each query what would be right, one at least.
        distance: steps between two concepts, for example 1 between a concept and the broader one; a function, or a
            matrix where concepts are row numbers.
    Raises:
        InvalidArgument: there are no queries, not one set of truths a query, or nothing is right for one.

    >>> error_distances([0, 2], [[0, 1], [1]], np.array([[0, 2, 1], [2, 0, 3], [1, 3, 0]])).tolist()
    [3.0]
    """
    _check(predicted, truths)
    empty = next((n for n, right in enumerate(truths) if not right), None)
    if empty is not None:
        raise InvalidArgument(f"nothing is right for query {empty}; leave it out")
    steps = _function(distance)
    return np.array(
        [
            min(steps(said, true) for true in right)
            for said, right in zip(predicted, truths, strict=True)
            if said not in right
        ],
        np.float64,
    )


def mean_error_distance(
    predicted: Sequence[Concept],
    truths: Sequence[Collection[Concept]],
    distance: Callable[[Concept, Concept], int] | NDArray[Any],
) -> float:
    """Mean of `error_distances`: how bad mistakes are, whatever their number; 0 where there are none.

    Raises:
        InvalidArgument: as `error_distances`.
    Source: Bertinetto et al. 2020, "Making Better Mistakes", the average mistake; there by the height of the lowest
        common ancestor, here by any distance.
    """
    found = error_distances(predicted, truths, distance)
    return float(found.mean()) if found.size else 0.0


def hierarchical_precision_recall(
    predicted: Sequence[Collection[Concept]],
    truths: Sequence[Collection[Concept]],
    ancestors: Callable[[Concept], Collection[Concept]],
) -> HierarchicalScores:
    """Precision and recall over concepts with all that is broader, so that a near miss is half right.

    Args:
        predicted: for each query the answers given, possibly none.
        truths: for each query the right answers; one in all at least.
        ancestors: all broader concepts of one, itself counted or not. Leave out a root that all share: it would be
            right for every answer.
    Returns:
        Counted over all queries together; where nothing at all is answered, precision is 0.
    Raises:
        InvalidArgument: there are no queries, not one set of truths a query, or nothing is right anywhere.
    Source: Kiritchenko, Matwin, Nock, Famili 2006, section 3.

    >>> broader = {"halo": {"attribute"}, "crown": {"attribute"}, "attribute": set()}
    >>> hierarchical_precision_recall([["halo"]], [["crown"]], broader.__getitem__)
    HierarchicalScores(precision=0.5, recall=0.5, f1=0.5)
    """
    _check(predicted, truths)
    both = said_count = true_count = 0
    for said, right in zip(predicted, truths, strict=True):
        all_said, all_right = _closed(said, ancestors), _closed(right, ancestors)
        both += len(all_said & all_right)
        said_count += len(all_said)
        true_count += len(all_right)
    if not true_count:
        raise InvalidArgument("nothing is right for any query, so nothing can be recalled")
    precision = both / said_count if said_count else 0.0
    recall = both / true_count
    return HierarchicalScores(precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0)


def _check(predicted: Sequence[Any], truths: Sequence[Collection[Any]]) -> None:
    if not len(predicted) or len(predicted) != len(truths):
        raise InvalidArgument(f"{len(predicted)} answers and {len(truths)} truths; one of each a query is needed")
    if any(isinstance(right, str) for right in truths):
        raise InvalidArgument("truths are collections of concepts, not single words")


def _function(distance: Callable[[Concept, Concept], int] | NDArray[Any]) -> Callable[[Any, Any], float]:
    if isinstance(distance, np.ndarray):
        matrix = distance
        return lambda a, b: float(matrix[a, b])
    return distance


def _closed(concepts: Collection[Concept], ancestors: Callable[[Concept], Collection[Concept]]) -> set[Concept]:
    return {*concepts, *(broader for one in concepts for broader in ancestors(one))}
