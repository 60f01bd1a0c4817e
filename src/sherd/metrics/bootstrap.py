"""How far a mean over queries may be off: intervals by drawing queries, objects and seeds again.

What is drawn is a cluster (all queries about one object) or, without clusters, a query. Of C clusters each draw takes
C - 1 with replacement, which makes the spread of the drawn means an unbiased estimate also where C is 3, as with seeds;
the usual draw of C is too narrow by sqrt((C - 1) / C).

Sources: Efron 1979 (bootstrap); Efron 1981 (bias-corrected percentiles: figures such as average precision come out
higher in draws than they are); Rao and Wu 1988, section 2 (C - 1 draws); Owen 2007 (queries and seeds drawn apart from
each other, as each seed was measured on the same queries: rather too wide than too narrow).

An interval of no width means that all queries agree, not that there is no doubt.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sherd.errors import InvalidArgument

LEVEL = 0.95
DRAWS = 2000
_BLOCK = 4_000_000
"""Weights held at a time, 32 MB: more queries mean smaller blocks, not more memory."""

Values = NDArray[np.float64]
Clusters = Sequence[Hashable] | NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds of its interval; the bounds are NaN where there is one cluster only to judge by."""

    mean: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether `value` lies outside; False where the bounds are unknown.

        >>> Interval(0.2, 0.1, 0.3).excludes(0), Interval(0.2, float("nan"), float("nan")).excludes(0)
        (True, False)
        """
        return self.low > value or self.high < value


class Resampling:
    """The draws over one set of queries, the same each time they are asked for.

    Several figures of the same queries, or two systems on them, are compared within the same draws.

    Args:
        queries: how many, 1 or more.
        clusters: (queries,) what each query belongs to; None makes each query its own cluster.
        draws: 1 or more.
        seed: 0 or more.
    Raises:
        InvalidArgument: a number is outside its range, or there is not one cluster a query.
    """

    def __init__(self, queries: int, *, clusters: Clusters | None = None, draws: int = DRAWS, seed: int = 0) -> None:
        if queries < 1 or draws < 1 or seed < 0:
            raise InvalidArgument(
                f"resampling needs queries >= 1, draws >= 1 and seed >= 0, got {queries}, {draws} and {seed}"
            )
        if clusters is not None and len(clusters) != queries:
            raise InvalidArgument(f"{len(clusters)} clusters are given for {queries} queries")
        numbers: dict[Hashable, int] = {}
        of = range(queries) if clusters is None else clusters
        self._member = np.array([numbers.setdefault(one, len(numbers)) for one in of], np.int64)
        self.clusters = len(numbers)
        self.draws, self.seed = draws, seed

    def weights(self) -> Iterator[Values]:
        """Blocks (draws in the block, queries): how often each draw takes each query. With one cluster: always once."""
        rng = np.random.default_rng(self.seed)
        step = max(1, _BLOCK // len(self._member))
        for start in range(0, self.draws, step):
            counts = _counts(rng, min(step, self.draws - start), self.clusters)
            yield counts[:, self._member]

    def interval(self, point: float, drawn: Values, level: float = LEVEL) -> Interval:
        """`point` with bounds from its values `drawn` (draws,) again, for a share `level` of all cases.

        Draws that gave no value (NaN) are left out.

        Raises:
            InvalidArgument: level is not inside 0..1.
        """
        if not 0 < level < 1:
            raise InvalidArgument(f"level is {level}; give a fraction inside 0..1")
        known = drawn[~np.isnan(drawn)]
        if self.clusters < 2 or not known.size:
            return Interval(point, float("nan"), float("nan"))
        low, high = (_bias_corrected(share, point, known) for share in ((1 - level) / 2, (1 + level) / 2))
        # Whole draws, without interpolation: a ratio may be infinite in some of them.
        low, high = np.quantile(known, low, method="lower"), np.quantile(known, high, method="higher")
        return Interval(point, float(low), float(high))


def interval(
    values: ArrayLike,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
    clusters: Clusters | None = None,
) -> Interval:
    """The mean of `values` with its interval.

    Args:
        values: (queries,), or (seeds, queries) where each of several runs was measured on the same queries; seeds are
            then drawn too.
        level: share of draws inside the interval, inside 0..1.
        draws, seed: of the bootstrap.
        clusters: (queries,) what each query belongs to; clusters are drawn whole.
    Raises:
        InvalidArgument: there are no values or not finite ones, or a number is outside its range.

    >>> interval([0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    Interval(mean=0.7, low=0.4444444444444444, high=1.0)
    """
    table = _table(values)
    resampling = Resampling(table.shape[1], clusters=clusters, draws=draws, seed=seed)
    (drawn,) = _drawn_means([table], resampling)
    return resampling.interval(float(table.mean()), drawn, level)


def paired_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
    clusters: Clusters | None = None,
    matched: bool = False,
) -> Interval:
    """mean(a) - mean(b) of two systems on the same queries, with its interval.

    Args:
        a, b: (queries,) or (seeds, queries), the queries in the same order; the numbers of seeds may differ.
        level, draws, seed, clusters: see `interval`.
        matched: row n of a and row n of b belong together, as runs of one seed do that see much the same data in the
            same order and share the luck in it: they are then drawn together. Otherwise seeds of a and b are drawn
            apart.
    Raises:
        InvalidArgument: as `interval`, the queries differ in number, or matched seeds do.

    >>> paired_interval([1.0, 0.7, 0.9], [0.5, 0.2, 0.1]).excludes(0)
    True
    """
    first, second, resampling = _pair(a, b, clusters, draws, seed, matched)
    drawn_a, drawn_b = _drawn_means([first, second], resampling, matched)
    return resampling.interval(float(first.mean() - second.mean()), drawn_a - drawn_b, level)


def ratio_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
    clusters: Clusters | None = None,
    matched: bool = False,
) -> Interval:
    """mean(a) / mean(b) of two systems on the same queries, with its interval.

    A draw with mean(b) = 0 counts as infinite, and is left out where mean(a) is 0 too.

    Args:
        a, b, level, draws, seed, clusters, matched: see `paired_interval`.
    Raises:
        InvalidArgument: as `paired_interval`, or the mean of b is 0.

    >>> ratio_interval([0.6, 0.6, 0.6], [0.3, 0.3, 0.3]).mean
    2.0
    """
    first, second, resampling = _pair(a, b, clusters, draws, seed, matched)
    if second.mean() == 0:
        raise InvalidArgument("the mean of b is 0, so there is no ratio to it")
    drawn_a, drawn_b = _drawn_means([first, second], resampling, matched)
    return resampling.interval(float(first.mean() / second.mean()), ratios(drawn_a, drawn_b), level)


def ratios(a: Values, b: Values) -> Values:
    """(draws,) a / b draw by draw: infinite where b is 0, NaN where a is too.

    >>> ratios(np.array([1.0, 1.0, 0.0]), np.array([2.0, 0.0, 0.0])).tolist()
    [0.5, inf, nan]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a / b)


def mean_over_groups(values: ArrayLike, groups: Clusters, weights: Values | None = None) -> Values:
    """(draws,) mean over groups of the mean within each, so that a large group counts no more than a small one.

    Args:
        values: (queries,).
        groups: (queries,) the language or label of each query.
        weights: (draws, queries) how often each draw takes each query; None: one draw that takes all once. In a draw a
            query counts by one over the size of its group, and a group by how much of it was taken: groups of one
            query, taken or not, then spread as single queries do. A draw that takes nothing gives NaN.
    Raises:
        InvalidArgument: there are no values, or the shapes do not fit.

    >>> mean_over_groups([0.0, 0.0, 0.0, 1.0], ["halo", "halo", "halo", "book"]).tolist()
    [0.5]
    """
    row = np.asarray(values, np.float64)
    taken = np.ones((1, len(row))) if weights is None else weights
    if row.ndim != 1 or not row.size or len(groups) != len(row) or taken.ndim != 2 or taken.shape[1] != len(row):
        raise InvalidArgument(f"values {row.shape}, {len(groups)} groups and weights {taken.shape} do not fit")
    share = np.empty(len(row))
    for columns in columns_of(groups).values():
        share[columns] = 1 / len(columns)
    size = taken @ share
    mean: Values = np.divide(taken @ (row * share), size, out=np.full(len(taken), np.nan), where=size > 0)
    return mean


def columns_of(groups: Clusters) -> dict[Hashable, NDArray[np.int64]]:
    """The places at which each group stands, groups in order of their first place.

    >>> {group: places.tolist() for group, places in columns_of(["a", "b", "a"]).items()}
    {'a': [0, 2], 'b': [1]}
    """
    places: dict[Hashable, list[int]] = {}
    for n, group in enumerate(groups):
        places.setdefault(group, []).append(n)
    return {group: np.array(found, np.int64) for group, found in places.items()}


def _pair(
    a: ArrayLike, b: ArrayLike, clusters: Clusters | None, draws: int, seed: int, matched: bool
) -> tuple[Values, Values, Resampling]:
    first, second = _table(a), _table(b)
    if first.shape[1] != second.shape[1]:
        raise InvalidArgument(f"a has {first.shape[1]} queries and b {second.shape[1]}; a pair needs the same ones")
    if matched and len(first) != len(second):
        raise InvalidArgument(f"a has {len(first)} seeds and b {len(second)}; matched seeds are the same on both sides")
    return first, second, Resampling(first.shape[1], clusters=clusters, draws=draws, seed=seed)


def _table(values: ArrayLike) -> Values:
    """(seeds, queries)."""
    table = np.asarray(values, np.float64)
    if table.ndim not in (1, 2) or not table.size or not np.isfinite(table).all():
        raise InvalidArgument(f"values must be finite and of shape (queries,) or (seeds, queries), got {table.shape}")
    return np.atleast_2d(table)


def _drawn_means(tables: Sequence[Values], resampling: Resampling, matched: bool = False) -> list[Values]:
    """For each table (seeds, queries) the (draws,) means; queries are drawn once for all tables, and seeds for each or,
    if they are `matched`, once for all too."""
    seeds = [np.random.default_rng([resampling.seed, 1 if matched else n + 1]) for n in range(len(tables))]
    drawn: list[list[Values]] = [[] for _ in tables]
    for weights in resampling.weights():  # (block, queries)
        total = weights.sum(1)
        for table, rng, means in zip(tables, seeds, drawn, strict=True):
            by_seed = _counts(rng, len(weights), len(table))  # (block, seeds)
            summed = ((weights @ table.T) * by_seed).sum(1)
            means.append(summed / (total * by_seed.sum(1)))
    return [np.concatenate(means) for means in drawn]


def _bias_corrected(share: float, point: float, drawn: Values) -> float:
    """The share of draws below a bound, where `share` would be if half of the draws lay below the figure.

    Source: Efron 1981, section 9; draws equal to the figure count half.
    """
    normal = NormalDist()
    equal = np.isclose(drawn, point, rtol=1e-9, atol=1e-12)
    below = float(((drawn < point) & ~equal).mean() + equal.mean() / 2)
    bias = normal.inv_cdf(min(max(below, 0.5 / len(drawn)), 1 - 0.5 / len(drawn)))
    return normal.cdf(2 * bias + normal.inv_cdf(share))


def _counts(rng: np.random.Generator, draws: int, of: int) -> Values:
    """(draws, of) how often each of `of` things is taken when of - 1 are, with replacement; a single one is taken."""
    if of == 1:
        return np.ones((draws, 1))
    taken = rng.integers(0, of, (draws, of - 1)) + np.arange(draws)[:, None] * of
    return np.bincount(taken.ravel(), minlength=draws * of).reshape(draws, of).astype(np.float64)
