from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics.hierarchy import error_distances, hierarchical_precision_recall, mean_error_distance

BROADER = {
    "beast": set[str](),
    "plant": set[str](),
    "dragon": {"beast"},
    "water dragon": {"dragon", "beast"},
    "tiger": {"beast"},
    "lotus": {"plant"},
}
NAMES = list(BROADER)


def steps(a: str, b: str) -> int:
    """Edges between two concepts: in a tree, what they do not share of themselves and all that is broader."""
    return len({a, *BROADER[a]} ^ {b, *BROADER[b]})


def test_only_errors_count_and_the_nearest_truth_is_taken() -> None:
    said = ["dragon", "tiger", "lotus"]
    truths = [["dragon"], ["lotus", "dragon"], ["water dragon"]]
    # tiger is 2 from dragon (by way of beast) and 4 from lotus; lotus is 5 from water dragon.
    assert error_distances(said, truths, steps).tolist() == [2, 5]
    assert mean_error_distance(said, truths, steps) == 3.5
    assert mean_error_distance(said[:1], truths[:1], steps) == 0


def test_a_matrix_gives_the_same_as_a_function() -> None:
    rng = np.random.default_rng(0)
    matrix = np.array([[steps(a, b) for b in NAMES] for a in NAMES])
    said, true = rng.integers(0, len(NAMES), (2, 40))
    by_matrix = error_distances(said.tolist(), [[t] for t in true.tolist()], matrix)
    by_function = error_distances([NAMES[n] for n in said], [[NAMES[t]] for t in true], steps)
    assert by_matrix.tolist() == by_function.tolist()
    assert by_matrix.size == (said != true).sum()


def test_hierarchical_precision_and_recall_by_hand() -> None:
    """Answered: {dragon, beast} for {water dragon, dragon, beast}, and {tiger, beast} for {lotus, plant}."""
    found = hierarchical_precision_recall([["dragon"], ["tiger"]], [["water dragon"], ["lotus"]], BROADER.__getitem__)
    assert (found.precision, found.recall) == (2 / 4, 2 / 5)
    assert found.f1 == pytest.approx(2 * 0.5 * 0.4 / 0.9)


def test_without_a_hierarchy_they_are_the_plain_ones() -> None:
    found = hierarchical_precision_recall([["a", "b"], []], [["a"], ["c"]], lambda concept: ())
    assert (found.precision, found.recall) == (1 / 2, 1 / 2)
    silent = hierarchical_precision_recall([[]], [["a"]], lambda concept: ())
    assert (silent.precision, silent.recall, silent.f1) == (0, 0, 0)


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match="1 answers and 0 truths"):
        mean_error_distance(["tiger"], [], steps)
    with pytest.raises(InvalidArgument, match="nothing is right for query 1"):
        error_distances(["tiger", "tiger"], [["tiger"], []], steps)
    with pytest.raises(InvalidArgument, match="not single words"):
        error_distances(["tiger"], ["tiger"], steps)
    with pytest.raises(InvalidArgument, match="nothing is right for any"):
        hierarchical_precision_recall([["tiger"]], [[]], BROADER.__getitem__)
