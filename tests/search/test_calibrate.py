from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics.calibration import expected_calibration_error
from sherd.search.calibrate import conformal_threshold, fit_curve


def test_a_curve_gives_what_came_true() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random(20_000)
    scores = np.log(truth / (1 - truth)) * 3 + 5  # any rising function of the truth
    outcomes = rng.random(20_000) < truth
    curve = fit_curve(scores[:10_000], outcomes[:10_000])
    said = curve(scores[10_000:])
    assert expected_calibration_error(said, outcomes[10_000:]) < 0.02
    assert np.all(np.diff(curve(np.linspace(-20, 20, 500))) >= 0)
    assert len(curve.scores) <= 64


def test_nothing_is_ever_certain() -> None:
    curve = fit_curve([0.0, 1.0, 2.0, 3.0], [False, False, True, True])
    assert 0 < curve(-100.0) < 0.5 < curve(100.0) < 1
    assert 0 < fit_curve([1.0], [True])([5.0])[0] < 1


def test_weights_stand_for_so_many_cases() -> None:
    few = fit_curve([0.0, 1.0], [False, True], [9.0, 1.0])
    many = fit_curve([0.0] * 9 + [1.0], [False] * 9 + [True])
    assert few([0.0, 1.0]) == pytest.approx(many([0.0, 1.0]))


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.95])
def test_a_set_holds_the_truth_as_often_as_wanted(coverage: float) -> None:
    """Over many splits, for the promise is about the mean of them."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(400):
        probabilities = rng.beta(2, 1, 60)
        threshold = conformal_threshold(probabilities[:39], coverage)
        held.append(np.mean(probabilities[39:] >= threshold))
    assert coverage - 0.01 < np.mean(held) < coverage + 0.035


def test_too_few_cases_promise_nothing() -> None:
    assert conformal_threshold([], 0.9) == -np.inf
    assert conformal_threshold([0.5] * 8, 0.9) == -np.inf
    assert conformal_threshold([0.5] * 9, 0.9) == 0.5


def test_bad_values_are_refused() -> None:
    for scores, outcomes in (([], []), ([1.0], [True, False]), ([float("nan")], [True])):
        with pytest.raises(InvalidArgument, match="finite scores"):
            fit_curve(scores, outcomes)
    with pytest.raises(InvalidArgument, match="coverage is 1"):
        conformal_threshold([0.5], 1.0)
