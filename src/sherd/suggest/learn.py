"""From evidence to probabilities: one small model a facet, fitted on what is known of the collection itself.

Every concept of a facet is judged by the same few weights, so a concept with one example, or with none, profits from
what was learnt on the others; what is a concept's own is its name and its examples. Logistic regression weighs the
evidence, a rising curve makes its score a probability (`search.calibrate`). Both are judged on records that they were
not fitted on: five folds over records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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

Bools = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What is known of n pictures about C concepts.

    own (n, C): said to hold. holds (n, C): that, and all that is broader. known (n, C): whether it holds is known.
    """

    own: Bools
    holds: Bools
    known: Bools


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

    def lifted(self, scores: Values) -> Values:
        """(n, C) each concept's score, or that of the best one below it where it is higher."""
        found = scores.copy()
        for c, above in enumerate(self.above):
            for higher in above:
                np.maximum(found[:, higher], scores[:, c], out=found[:, higher])
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

    Args:
        evidence: (n, C, F), each picture judged without its own record among the examples.
        records: (n,) whose pictures they are; a record is whole in one fold.
    """
    cases = int((truth.own & truth.known).sum())
    lifted = held_out_scores(evidence, truth, ladder, records)
    if lifted is None:
        return None
    true = np.sort(lifted[truth.own & truth.known])
    kept = true[np.linspace(0, true.size - 1, min(true.size, 2_000)).round().astype(np.int64)]
    weights, bias = _regress(evidence, truth.own, truth.holds, truth.known)
    leaves, inner = _curves(lifted, truth.holds, truth.known, ladder)
    return FacetModel(tuple(weights.tolist()), bias, leaves, inner, tuple(kept.tolist()), cases)


def held_out_scores(evidence: FloatArray, truth: Truth, ladder: Ladder, records: Sequence[str]) -> Values | None:
    """(n, C) scores of every picture by weights that were fitted without its fold; None as `fit_facet`."""
    shown = _shown(truth.own & truth.known, evidence)
    if int(shown.sum()) < LEAST_CASES or not (truth.known & ~truth.holds).any():
        return None
    folds = np.array([fold_of(name) for name in records])
    scores = np.zeros(truth.own.shape)
    for fold in range(FOLDS):
        rest = folds != fold
        if not shown[rest].any() or not (truth.known & ~truth.holds)[rest].any():
            return None
        weights, bias = _regress(evidence[rest], truth.own[rest], truth.holds[rest], truth.known[rest])
        scores[~rest] = _scores(evidence[~rest], weights, bias)
    return ladder.lifted(scores)


def held_out_probabilities(scores: Values, truth: Truth, ladder: Ladder, records: Sequence[str]) -> Values:
    """(n, C) of `held_out_scores`, by curves that were fitted without the picture's fold either."""
    folds = np.array([fold_of(name) for name in records])
    said = np.zeros(scores.shape)
    for fold in range(FOLDS):
        rest = folds != fold
        leaves, inner = _curves(scores[rest], truth.holds[rest], truth.known[rest], ladder)
        said[~rest] = np.where(ladder.leaf, leaves(scores[~rest]), inner(scores[~rest]))
    return ladder.lifted(said)


def fold_of(record: str) -> int:
    """0..4, the same for ever."""
    return int.from_bytes(hashlib.sha256(f"suggest:{record}".encode()).digest()[:4], "big") % FOLDS


def truth_of(
    right: Sequence[Mapping[str, object]], wrong: Sequence[frozenset[str]], uris: Sequence[str], ladder: Ladder
) -> Truth:
    """From what is known picture by picture: concepts that hold, and those that people said do not.

    Where a concept holds, all others of the facet are taken not to, but those above and below it.
    """
    place = {uri: n for n, uri in enumerate(uris)}
    own = np.zeros((len(right), len(uris)), bool)
    refused = np.zeros_like(own)
    for n, (yes, no) in enumerate(zip(right, wrong, strict=True)):
        own[n, [place[uri] for uri in yes if uri in place]] = True
        refused[n, [place[uri] for uri in no if uri in place]] = True
    holds = ladder.closed(own)
    below = np.zeros_like(own)
    for c, above in enumerate(ladder.above):
        for higher in above:
            below[:, c] |= own[:, higher]
    known = np.asarray(own.any(1))[:, None] & ~(below & ~holds) | refused
    return Truth(own, holds & ~refused, known)


def _shown(cases: Bools, evidence: FloatArray) -> Bools:
    """The cases whose concept has other examples: the only one of a concept, judged without itself, would teach that
    what has examples is unlikely."""
    return np.asarray(cases & (evidence[..., FEATURES.index("seen")] > 0))


def _regress(evidence: FloatArray, own: Bools, holds: Bools, known: Bools) -> tuple[Values, float]:
    from sklearn.linear_model import LogisticRegression  # imported on use: it takes a second

    yes = np.argwhere(_shown(own & known, evidence))
    no = np.argwhere(known & ~holds)
    rng = np.random.default_rng(0)
    wanted = min(len(no), _NEGATIVES * len(yes))
    some = no[rng.choice(len(no), wanted, replace=False)]
    pairs = np.concatenate([yes, some])
    x = evidence[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    y = np.arange(len(pairs)) < len(yes)
    weight = np.where(y, 1.0, len(no) / wanted)
    spread = x.std(0)
    scale = np.where(spread > 1e-6, spread, 1.0)
    fitted = LogisticRegression(C=_STRENGTH, max_iter=200).fit(x / scale, y, weight)
    return np.asarray(fitted.coef_[0] / scale), float(fitted.intercept_[0])


def _scores(evidence: FloatArray, weights: Values, bias: float) -> Values:
    return np.asarray(evidence.astype(np.float64) @ weights + bias)


def _curves(scores: Values, holds: Bools, known: Bools, ladder: Ladder) -> tuple[Curve, Curve]:
    leaf = known & ladder.leaf
    inner = known & ~ladder.leaf
    leaves = fit_curve(scores[leaf], holds[leaf])
    return leaves, fit_curve(scores[inner], holds[inner]) if inner.any() else leaves
