"""From evidence to probabilities: one small model a facet, fitted on what is known of the collection itself.

Every concept of a facet is judged by the same few weights, so a concept with one example, or with none, profits from
what was learnt on the others; what is a concept's own is its name and its examples. Logistic regression weighs the
evidence, a rising curve makes its score a probability (`search.calibrate`). Both are judged on records that they were
not fitted on: five folds over records.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sherd.search.calibrate import Curve, conformal_threshold, fit_curve
from sherd.suggest.evidence import FEATURES
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import FloatArray

FOLDS = 5
LEAST_CASES = 20
"""Known concepts of a facet below which nothing is fitted."""
_NEGATIVES = 30
"""Concepts that do not hold, a concept that does; the rest is made up for by weight."""
_STRENGTH = 1.0

_Number = TypeVar("_Number", np.bool_, np.float64)
Bools = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What is known of n pictures about C concepts.

    own (n, C): said to hold, and nothing below it. holds (n, C): that, and all that is broader. known (n, C): whether
    it holds is known.
    """

    own: Bools
    holds: Bools
    known: Bools

    def rows(self, keep: NDArray[np.int64]) -> Truth:
        """Only these pictures, in this order."""
        return Truth(self.own[keep], self.holds[keep], self.known[keep])


@dataclass(frozen=True)
class Ladder:
    """C concepts of a facet and which is above which.

    above[c]: places of the broader ones, on every way up, nearest first. leaf (C,): whether none of the C is below it.
    """

    above: tuple[tuple[int, ...], ...]
    leaf: Bools

    @classmethod
    def of(cls, uris: Sequence[str], thesaurus: Thesaurus) -> Ladder:
        """Of these concepts, with the broader ones that are among them."""
        place = {uri: n for n, uri in enumerate(uris)}
        above = []
        leaf = np.ones(len(uris), bool)
        for uri in uris:
            steps = thesaurus.steps_up(uri)
            found = sorted((number, place[one]) for one, number in steps.items() if one in place and number)
            above.append(tuple(n for _, n in found))
            leaf[[n for _, n in found]] = False
        return cls(tuple(above), leaf)

    @cached_property
    def leaves(self) -> tuple[NDArray[np.int64], ...]:
        """Of each concept, places of the leaves at or below it."""
        found: list[list[int]] = [[] for _ in self.above]
        for c in np.flatnonzero(self.leaf).tolist():
            for one in (c, *self.above[c]):
                found[one].append(c)
        return tuple(np.array(some, np.int64) for some in found)

    def lifted(self, scores: Values) -> Values:
        """(n, C) each concept's score, or that of the best one below it where it is higher."""
        found = scores.copy()
        for c, above in enumerate(self.above):
            for higher in above:
                np.maximum(found[:, higher], scores[:, c], out=found[:, higher])
        return found

    def lowest(self, inside: Bools) -> Bools:
        """(n, C) without what is above another that is inside."""
        found = inside.copy()
        for c, above in enumerate(self.above):
            for higher in above:
                found[inside[:, c], higher] = False
        return found

    def below(self, marked: Bools) -> Bools:
        """(n, C) what has something above it that is marked (n, C)."""
        found = np.zeros_like(marked)
        for c, above in enumerate(self.above):
            for higher in above:
                found[:, c] |= marked[:, higher]
        return found

    def closed(self, own: Bools) -> Bools:
        """(n, C) with all that is broader."""
        found = own.copy()
        for c, above in enumerate(self.above):
            for higher in above:
                found[:, higher] |= own[:, c]
        return found


@dataclass(frozen=True)
class FacetModel:
    """Weights of the evidence (F,) and a bias, curves for leaves and for concepts with others below them.

    true_scores: ascending, of the true concepts of held-out cases; of many, evenly chosen ones. cases: how many there
    were.

    A model is good for the collection it was fitted on and for no other: see "From another collection" in
    docs/annotation.md.
    """

    weights: tuple[float, ...]
    bias: float
    leaves: Curve
    inner: Curve
    true_scores: tuple[float, ...]
    cases: int

    def scores(self, evidence: FloatArray, ladder: Ladder) -> Values:
        """(n, C) of concepts on pictures with evidence (n, C, F): never more for a concept than for a broader one."""
        return ladder.lifted(_scores(evidence, np.array(self.weights), self.bias))

    def probabilities(self, scores: Values, ladder: Ladder) -> Values:
        """(n, C) of scores (n, C): never more for a concept than for a broader one."""
        return ladder.lifted(np.where(ladder.leaf, self.leaves(scores), self.inner(scores)))

    def threshold(self, coverage: float) -> float:
        """The score from which on a concept belongs to the set, see `search.calibrate.conformal_threshold`."""
        return conformal_threshold(self.true_scores, coverage)


def fit_facet(evidence: FloatArray, truth: Truth, ladder: Ladder, records: Sequence[str]) -> FacetModel | None:
    """The model of one facet; None where there are fewer than LEAST_CASES cases, or all are of one kind.

    A record is judged by the picture of it that speaks most for a concept, and counts once however many it has.

    Args:
        evidence: (n, C, F), each picture judged without its own record among the examples.
        truth: of the n pictures; the same for all of a record.
        records: (n,) whose pictures they are; a record is whole in one fold.
    """
    scores = held_out_scores(evidence, truth, ladder, records)
    if scores is None:
        return None
    told = truth.rows(first_rows(records))
    true = np.sort(scores[told.own & told.known])
    kept = true[np.linspace(0, true.size - 1, min(true.size, 2_000)).round().astype(np.int64)]
    weights, bias = _regress(evidence, truth, records)
    leaves, inner = _curves(scores, told, ladder)
    return FacetModel(tuple(weights.tolist()), bias, leaves, inner, tuple(kept.tolist()), int(true.size))


def held_out_scores(evidence: FloatArray, truth: Truth, ladder: Ladder, records: Sequence[str]) -> Values | None:
    """(R, C) scores of every record by weights that were fitted without its fold, in the order in which the records
    first appear; None as `fit_facet`."""
    shown = _shown(truth.own & truth.known, evidence)
    if int(by_record(shown, records).sum()) < LEAST_CASES or not (truth.known & ~truth.holds).any():
        return None
    folds = np.array([fold_of(name) for name in records])
    scores = np.zeros(truth.own.shape)
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold)
        if not shown[rest].any() or not (truth.known & ~truth.holds)[rest].any():
            return None
        weights, bias = _regress(evidence[rest], truth.rows(rest), [records[n] for n in rest.tolist()])
        scores[folds == fold] = _scores(evidence[folds == fold], weights, bias)
    return by_record(ladder.lifted(scores), records)


def held_out_probabilities(scores: Values, truth: Truth, ladder: Ladder, records: Sequence[str]) -> Values:
    """(R, C) of `held_out_scores`, by curves that were fitted without the record's fold either.

    Args:
        truth, records: of the R records.
    """
    folds = np.array([fold_of(name) for name in records])
    said = np.zeros(scores.shape)
    for fold in range(FOLDS):
        rest, mine = np.flatnonzero(folds != fold), folds == fold
        leaves, inner = _curves(scores[rest], truth.rows(rest), ladder)
        said[mine] = np.where(ladder.leaf, leaves(scores[mine]), inner(scores[mine]))
    return ladder.lifted(said)


def first_rows(records: Sequence[str]) -> NDArray[np.int64]:
    """(R,) the first row of each record, in the order in which the records first appear."""
    places: dict[str, int] = {}
    for n, name in enumerate(records):
        places.setdefault(name, n)
    return np.array(list(places.values()), np.int64)


def by_record(values: NDArray[_Number], records: Sequence[str]) -> NDArray[_Number]:
    """(R, C) the largest of (n, C) over the pictures of each record, in the order of `first_rows`."""
    places = {name: n for n, name in enumerate(dict.fromkeys(records))}
    found = values[first_rows(records)]
    np.maximum.at(found, np.array([places[name] for name in records], np.int64), values)
    return found


def chosen(
    row: Values, ladder: Ladder, at_least: float, *, settled: Bools | None = None, skipped: Bools | None = None
) -> list[int]:
    """What is suggested where the concepts have the probabilities `row` (C,), likeliest first.

    All that reach `at_least`, but for what is above another of them and so says nothing new.

    Args:
        settled: (C,) what needs no suggesting any more. skipped: (C,) what is not to be suggested.
    """
    inside = row >= at_least
    for mask in (settled, skipped):
        if mask is not None:
            inside &= ~mask
    return _order(np.flatnonzero(ladder.lowest(inside[None])[0]), row, ladder)


def guesses(row: Values, ladder: Ladder, k: int, *, skipped: Bools | None = None) -> list[int]:
    """The k concepts that the scores `row` (C,) speak for most, likeliest first; none of them above one before it."""
    found: list[int] = []
    above: set[int] = set()
    for c in _order(np.arange(row.size), row, ladder):
        if len(found) == k:
            break
        if c not in above and not (skipped is not None and skipped[c]):
            found.append(c)
            above.update(ladder.above[c])
    return found


def _order(concepts: NDArray[np.int64], row: Values, ladder: Ladder) -> list[int]:
    """By value, of equal ones the more special first: what is broader is never below it."""
    depth = np.array([len(ladder.above[c]) for c in concepts.tolist()], np.int64)
    found: list[int] = concepts[np.lexsort((-depth, -row[concepts]))].tolist()
    return found


def fold_of(record: str) -> int:
    """0..4, the same for ever."""
    return int.from_bytes(hashlib.sha256(f"suggest:{record}".encode()).digest()[:4], "big") % FOLDS


def truth_of(
    right: Sequence[Mapping[str, object]], wrong: Sequence[frozenset[str]], uris: Sequence[str], ladder: Ladder
) -> Truth:
    """From what is known picture by picture: concepts that hold, and those that people said do not.

    Where a concept holds, all others of the facet are taken not to, but those above and below it. What is said beside
    something narrower ("China" beside "Tang") says nothing more, and leaves nothing open.
    """
    place = {uri: n for n, uri in enumerate(uris)}
    own = np.zeros((len(right), len(uris)), bool)
    refused = np.zeros_like(own)
    for n, (yes, no) in enumerate(zip(right, wrong, strict=True)):
        own[n, [place[uri] for uri in yes if uri in place]] = True
        refused[n, [place[uri] for uri in no if uri in place]] = True
    holds = ladder.closed(own)
    own = ladder.lowest(own)
    known = np.asarray(own.any(1))[:, None] & ~(ladder.below(own) & ~holds) | refused
    return Truth(own, holds & ~refused, known)


def _shown(cases: Bools, evidence: FloatArray) -> Bools:
    """The cases whose concept has other examples: the only one of a concept, judged without itself, would teach that
    what has examples is unlikely."""
    return np.asarray(cases & (evidence[..., FEATURES.index("seen")] > 0))


def _regress(evidence: FloatArray, truth: Truth, records: Sequence[str]) -> tuple[Values, float]:
    from sklearn.linear_model import LogisticRegression  # imported on use: it takes a second

    yes = np.argwhere(_shown(truth.own & truth.known, evidence))
    no = np.argwhere(truth.known & ~truth.holds)
    rng = np.random.default_rng(0)
    wanted = min(len(no), _NEGATIVES * len(yes))
    some = no[rng.choice(len(no), wanted, replace=False)]
    pairs = np.concatenate([yes, some])
    x = evidence[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    y = np.arange(len(pairs)) < len(yes)
    pictures = Counter(records)
    share = np.array([1 / pictures[name] for name in records])  # a record counts once
    weight = np.where(y, 1.0, len(no) / wanted) * share[pairs[:, 0]]
    spread = x.std(0)
    scale = np.where(spread > 1e-6, spread, 1.0)
    fitted = LogisticRegression(C=_STRENGTH, max_iter=200).fit(x / scale, y, weight)
    return np.asarray(fitted.coef_[0] / scale), float(fitted.intercept_[0])


def _scores(evidence: FloatArray, weights: Values, bias: float) -> Values:
    return np.asarray(evidence.astype(np.float64) @ weights + bias)


def _curves(scores: Values, truth: Truth, ladder: Ladder) -> tuple[Curve, Curve]:
    leaf = truth.known & ladder.leaf
    inner = truth.known & ~ladder.leaf
    leaves = fit_curve(scores[leaf], truth.holds[leaf])
    return leaves, fit_curve(scores[inner], truth.holds[inner]) if inner.any() else leaves
