from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from sherd.errors import InvalidArgument
from sherd.metrics.calibration import brier_score, expected_calibration_error, reliability


def test_brier_by_hand() -> None:
    assert brier_score([1.0, 0.0, 0.5, 0.5], [True, True, True, False]) == pytest.approx((0 + 1 + 0.25 + 0.25) / 4)


@pytest.mark.parametrize("seed", range(4))
def test_where_bins_of_equal_mass_are_of_equal_width_it_agrees_with_torchmetrics(seed: int) -> None:
    """One probability in each of 150 equal steps: fifteen bins of ten are fifteen bins of one width."""
    rng = np.random.default_rng(seed)
    said = rng.permutation((np.arange(150) + rng.random(150) * 0.9 + 0.05) / 150)
    came = rng.random(150) < said**2
    theirs = binary_calibration_error(torch.from_numpy(said), torch.from_numpy(came.astype(int)), n_bins=15, norm="l1")
    assert expected_calibration_error(said, came) == pytest.approx(float(theirs), abs=1e-6)


def test_crowded_probabilities_still_fill_every_bin() -> None:
    said = 1 - np.random.default_rng(0).random(1000) ** 4 / 100
    table = reliability(said, np.ones(1000), bins=10)
    assert [one.count for one in table] == [100] * 10
    assert all(one.low <= one.probability <= one.high for one in table)
    assert all(before.high <= after.low for before, after in pairwise(table))


def test_equal_probabilities_stay_together_whatever_their_order() -> None:
    said, came = np.array([0.3] * 6 + [0.9] * 2), np.array([1, 1, 0, 0, 0, 0, 1, 1])
    order = np.random.default_rng(1).permutation(8)
    table = reliability(said, came, bins=4)
    assert [(one.count, one.share) for one in table] == [(6, pytest.approx(1 / 3)), (2, 1.0)]
    assert reliability(said[order], came[order], bins=4) == table
    assert expected_calibration_error(said, came, 4) == pytest.approx((6 * (1 / 3 - 0.3) + 2 * 0.1) / 8)


def test_honest_probabilities_have_a_small_error_and_boastful_ones_a_large() -> None:
    rng = np.random.default_rng(2)
    said = rng.random(20_000)
    assert expected_calibration_error(said, rng.random(20_000) < said) < 0.02
    assert expected_calibration_error(said, rng.random(20_000) < said / 2) == pytest.approx(0.25, abs=0.02)


def test_fewer_answers_than_bins() -> None:
    assert [one.count for one in reliability([0.1, 0.2], [False, True], bins=15)] == [1, 1]


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match="one length, 1 or more"):
        brier_score([], [])
    with pytest.raises(InvalidArgument, match=r"fractions 0\.\.1"):
        brier_score([1.2], [True])
    with pytest.raises(InvalidArgument, match="true or false"):
        reliability([0.5], [2])
    with pytest.raises(InvalidArgument, match="bins is 0"):
        expected_calibration_error([0.5], [True], bins=0)
