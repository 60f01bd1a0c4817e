from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics import bootstrap
from sherd.metrics.bootstrap import Interval, Resampling, interval, paired_interval, ratio_interval


def every_draw(count: int) -> list[tuple[int, ...]]:
    """All equally likely draws of count - 1 out of count, in order and with replacement."""
    return list(itertools.product(range(count), repeat=count - 1))


def bounds(outcomes: list[float], figure: float, level: float) -> tuple[float, float]:
    """Bias-corrected percentiles of equally likely outcomes, the textbook's way."""
    normal = NormalDist()
    ties = [abs(one - figure) < 1e-9 for one in outcomes]
    below = sum(0.5 if tie else float(one < figure) for one, tie in zip(outcomes, ties, strict=True)) / len(outcomes)
    at = [normal.cdf(2 * normal.inv_cdf(below) + normal.inv_cdf(share)) for share in ((1 - level) / 2, (1 + level) / 2)]
    return tuple(sorted(outcomes)[math.ceil(share * len(outcomes)) - 1] for share in at)  # type: ignore[return-value]


def test_all_draws_of_four_values_give_the_same_bounds() -> None:
    values = [0.1, 0.35, 0.2, 0.9]
    means = [float(np.mean([values[n] for n in draw])) for draw in every_draw(4)]
    low, high = bounds(means, float(np.mean(values)), 0.8)
    found = interval(values, level=0.8, draws=20_000)
    assert found.mean == pytest.approx(np.mean(values))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_all_draws_of_three_clusters_give_the_same_bounds() -> None:
    groups = {"a": [1.0, 0.0, 1.0], "b": [0.0], "c": [0.5, 0.25]}
    values = [value for group in groups.values() for value in group]
    clusters = [name for name, group in groups.items() for _ in group]
    means = [float(np.mean([value for n in draw for value in groups["abc"[n]]])) for draw in every_draw(3)]
    found = interval(values, clusters=clusters, level=0.6, draws=20_000)
    assert (found.low, found.high) == pytest.approx(bounds(means, float(np.mean(values)), 0.6))


def test_all_draws_of_seeds_and_queries_give_the_same_bounds() -> None:
    table = np.array([[0.1, 0.5, 0.2], [0.3, 0.9, 0.4], [0.0, 0.7, 0.8]])
    means = [
        float(np.mean([[table[s, q] for q in queries] for s in seeds]))
        for seeds in every_draw(3)
        for queries in every_draw(3)
    ]
    found = interval(table, level=0.7, draws=40_000)
    assert (found.low, found.high) == pytest.approx(bounds(means, float(table.mean()), 0.7))


def test_all_draws_of_a_pair_and_of_a_ratio() -> None:
    a, b = np.array([0.9, 0.4, 0.7]), np.array([0.2, 0.5, 0.3])
    draws = [list(draw) for draw in every_draw(3)]
    less = paired_interval(a, b, level=0.6, draws=20_000)
    assert (less.low, less.high) == pytest.approx(bounds([float((a[d] - b[d]).mean()) for d in draws], less.mean, 0.6))
    ratio = ratio_interval(a, b, level=0.6, draws=20_000)
    assert ratio.mean == pytest.approx(2.0)
    assert (ratio.low, ratio.high) == pytest.approx(bounds([float(a[d].mean() / b[d].mean()) for d in draws], 2.0, 0.6))


@pytest.mark.parametrize(("per_object", "low", "high"), [(1, 0.91, 0.98), (8, 0.91, 0.98)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(per_object: int, low: float, high: float) -> None:
    """400 samples of 60 objects whose queries agree; without clusters eight queries an object would deceive."""
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(60), per_object)
    held = blind = 0
    for seed in range(400):
        values = np.repeat(rng.normal(0.5, 0.2, 60), per_object) + rng.normal(0, 0.02, 60 * per_object)
        found = interval(values, clusters=clusters, draws=400, seed=seed)
        held += found.low <= 0.5 <= found.high
        unaware = interval(values, draws=100, seed=seed)
        blind += unaware.low <= 0.5 <= unaware.high
    assert low <= held / 400 <= high
    assert per_object == 1 or blind / 400 < 0.7


def test_three_seeds_are_drawn_without_being_taken_for_more_than_they_are() -> None:
    """The spread of the drawn means is that of the mean of three seeds, where three of three drawn give 2/3 of it."""
    table = np.array([[0.4], [0.5], [0.9]]).repeat(500, 1)
    (drawn,) = bootstrap._drawn_means([table], Resampling(500, draws=20_000))
    assert float(drawn.var()) == pytest.approx(float(table[:, 0].var(ddof=1)) / 3, rel=0.03)


def test_a_pair_takes_out_what_both_share() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(300)
    a, b = hard + 0.02 + rng.normal(0, 0.01, 300), hard + rng.normal(0, 0.01, 300)
    found = paired_interval(a, b)
    assert found.excludes(0)
    assert found.high - found.low < 0.01
    assert interval(a).low < float(b.mean())


def test_matched_seeds_take_out_the_luck_that_runs_of_one_seed_share() -> None:
    rng = np.random.default_rng(3)
    luck = np.array([[-0.2], [0.0], [0.2]])
    b = rng.normal(0.5, 0.01, (3, 200)) + luck
    a = b + 0.05
    apart, together = paired_interval(a, b), paired_interval(a, b, matched=True)
    assert not apart.excludes(0)
    assert (together.low, together.high) == pytest.approx((0.05, 0.05))
    assert ratio_interval(2 * b, b, matched=True).high == pytest.approx(2)
    with pytest.raises(InvalidArgument, match="a has 3 seeds and b 2"):
        paired_interval(a, b[:2], matched=True)


def test_bounds_make_good_for_draws_that_lie_to_one_side() -> None:
    """The range of forty values is never wider in a draw: plain percentiles of draws would both lie below it."""
    values = np.random.default_rng(4).random(40)
    resampling = Resampling(40)
    drawn = np.array([np.ptp(values[row > 0]) for weights in resampling.weights() for row in weights])
    assert resampling.interval(float(np.ptp(values)), drawn).high == np.ptp(values)


def test_the_two_sides_of_a_pair_mirror_each_other() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(50), rng.random(50)
    one, other = paired_interval(a, b), paired_interval(b, a)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low))
    assert paired_interval(a, a) == Interval(0.0, 0.0, 0.0)
    same = ratio_interval(a, a)
    assert (same.mean, same.low, same.high) == pytest.approx((1, 1, 1))


def test_results_repeat_and_depend_on_the_seed() -> None:
    values = np.random.default_rng(2).random(40)
    assert interval(values) == interval(values)
    assert interval(values, seed=1) != interval(values)


def test_blocks_of_draws_change_nothing_but_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    resampling = Resampling(10, draws=90)
    whole = np.concatenate(list(resampling.weights()))
    monkeypatch.setattr(bootstrap, "_BLOCK", 200)
    blocks = list(resampling.weights())
    assert [len(block) for block in blocks] == [20, 20, 20, 20, 10]
    assert np.array_equal(np.concatenate(blocks), whole)
    assert (whole.sum(1) == 9).all()


def test_a_draw_without_hits_in_b_is_infinite_and_one_without_any_is_left_out() -> None:
    assert ratio_interval([1.0, 0.0], [1.0, 0.0]) == Interval(1.0, 1.0, 1.0)
    assert ratio_interval([1.0, 1.0], [1.0, 0.0]) == Interval(2.0, 1.0, float("inf"))


def test_one_cluster_alone_tells_no_bounds() -> None:
    found = interval([0.0, 1.0], clusters=["a", "a"])
    assert found.mean == 0.5
    assert np.isnan([found.low, found.high]).all()
    assert not found.excludes(0)


def test_means_over_groups_by_hand_with_and_without_weights() -> None:
    values, groups = [1.0, 0.0, 0.5], ["zh", "zh", "en"]
    weights = np.array([[1, 1, 1], [2, 0, 0], [0, 0, 0], [1, 3, 2]], np.float64)
    assert bootstrap.mean_over_groups(values, groups).tolist() == [0.5]
    found = bootstrap.mean_over_groups(values, groups, weights)
    assert found[[0, 1, 3]].tolist() == [0.5, 1.0, (0.5 * 1 + 1.5 * 0 + 2 * 0.5) / 4]
    assert np.isnan(found[2])


def test_rare_groups_neither_shift_the_draws_nor_lose_their_spread() -> None:
    """Twenty groups of one query, half of which have 1, and one group of forty that have 0."""
    groups = ["common"] * 40 + [f"rare {n}" for n in range(20)]
    values = [0.0] * 40 + [1.0, 0.0] * 10
    weights = np.concatenate(list(Resampling(60, draws=8000).weights()))
    drawn = bootstrap.mean_over_groups(values, groups, weights)
    assert drawn.mean() == pytest.approx(10 / 21, abs=0.01)
    alone = weights[:, 40:] @ np.array(values[40:]) / weights[:, 40:].sum(1)
    assert drawn.std() == pytest.approx(alone.std(), rel=0.1)


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match=r"got \(0,\)"):
        interval([])
    with pytest.raises(InvalidArgument, match="finite"):
        interval([1.0, float("nan")])
    with pytest.raises(InvalidArgument, match="level is 95"):
        interval([0.0, 1.0], level=95)
    with pytest.raises(InvalidArgument, match="1 clusters are given for 2 queries"):
        interval([0.0, 1.0], clusters=["a"])
    with pytest.raises(InvalidArgument, match="draws >= 1"):
        Resampling(2, draws=0)
    with pytest.raises(InvalidArgument, match="a has 2 queries and b 1"):
        paired_interval([0.0, 1.0], [1.0])
    with pytest.raises(InvalidArgument, match="mean of b is 0"):
        ratio_interval([0.0, 1.0], [0.0, 0.0])
    with pytest.raises(InvalidArgument, match="do not fit"):
        bootstrap.mean_over_groups([1.0], ["a", "b"])
