"""How well would suggestions have done here? Every record that has terms already, judged as if it had none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sherd.metrics.calibration import ReliabilityBin, expected_calibration_error, reliability
from sherd.search.calibrate import conformal_threshold
from sherd.suggest.evidence import Looks
from sherd.suggest.learn import (
    FOLDS,
    Ladder,
    Truth,
    Values,
    chosen,
    first_rows,
    fold_of,
    guesses,
    held_out_probabilities,
    held_out_scores,
)  # fmt: skip
from sherd.suggest.suggest import Suggester, Taught

_MARKS = ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))
_FEW = 5
_LISTED = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """Of `count` suggestions marked with a probability low..high, the share 0..1 that was right."""

    low: float
    high: float
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """`count` records known as `true` that were called `said` first; one of them, and a record known as `said`."""

    true: str
    said: str
    count: int
    record_id: str
    image: str
    example_id: str
    example_image: str


@dataclass(frozen=True, slots=True)
class Weak:
    """A concept with `examples` records, of which a share 0..1 would have been found among the first five."""

    uri: str
    examples: int
    found: float


@dataclass(frozen=True, slots=True)
class FacetCheck:
    """One facet. All figures are of records judged without their own terms, by weights fitted without their fold.

    records: that have terms of it. first, first_five: shares 0..1 of records whose first guess, or one of the first
    five, is right (none of them above one before it). answered: share of records with a suggestion; right: share of all
    suggestions that is right. coverage: share of true terms in their sets, wanted at `wanted`; set_size: mean number of
    concepts in a set that are above no other in it. ece: expected calibration error over all pairs of record and leaf
    above 2 %.
    """

    facet: str
    records: int
    terms: int
    first: float
    first_five: float
    answered: float
    right: float
    wanted: float
    coverage: float
    set_size: float
    ece: float
    marks: tuple[Mark, ...]
    curve: tuple[ReliabilityBin, ...]
    confusions: tuple[Confusion, ...]
    weak: tuple[Weak, ...]


@dataclass(frozen=True, slots=True)
class CheckUp:
    """Every facet that enough is known of, and the names of those with too little."""

    facets: tuple[FacetCheck, ...]
    too_little: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The form of `--json`."""
        return asdict(self)


def check_up(suggester: Suggester, facets: Sequence[str] | None = None) -> CheckUp:
    """Check the facets named, or all.

    Raises:
        InvalidArgument: there is no such facet.
    """
    found, too_little = [], []
    for name in facets if facets is not None else suggester.facet_names:
        view = suggester.facet(name)
        taught = suggester.taught(view)
        scores = None
        if taught is not None:
            scores = held_out_scores(taught.evidence, taught.truth, view.ladder, taught.looks.records)
        if taught is None or scores is None:
            too_little.append(name)
            continue
        found.append(_check(name, view.uris, taught, scores, view.ladder, suggester))
    return CheckUp(tuple(found), tuple(too_little))


def times(count: int) -> str:
    """In words.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return "once" if count == 1 else f"{count} times"


def _check(
    name: str, uris: list[str], taught: Taught, scores: Values, ladder: Ladder, suggester: Suggester
) -> FacetCheck:
    first = first_rows(taught.looks.records)
    truth, looks, settings = taught.truth.rows(first), taught.looks.rows(first), suggester.settings
    said = held_out_probabilities(scores, truth, ladder, looks.records)
    judged = np.asarray(truth.own.any(1))
    first_five = np.array([guesses(row, ladder, 5) for row in scores], np.int64)
    hit = np.take_along_axis(truth.holds & truth.known, first_five, 1)
    named = [chosen(row, ladder, settings.at_least)[: settings.most] for row in said]
    right = [bool(truth.holds[n, one]) for n, some in enumerate(named) for one in some if truth.known[n, one]]
    covered, size = _sets(scores, truth, ladder, looks.records, settings.coverage)
    pairs = truth.known & ladder.leaf & (said >= 0.02)
    probabilities, outcomes = said[pairs], truth.holds[pairs]
    known = bool(pairs.any())
    return FacetCheck(
        facet=name,
        records=int(judged.sum()),
        terms=int(truth.own.sum()),
        first=float(hit[judged, 0].mean()),
        first_five=float(hit[judged].any(1).mean()),
        answered=float(np.mean([bool(some) for some, one in zip(named, judged, strict=True) if one])),
        right=float(np.mean(right)) if right else 0.0,
        wanted=settings.coverage,
        coverage=covered,
        set_size=size,
        ece=expected_calibration_error(probabilities, outcomes) if known else 0.0,
        marks=_marks(said, truth),
        curve=tuple(reliability(probabilities, outcomes)) if known else (),
        confusions=_confusions(uris, looks, truth, first_five[:, 0], judged),
        weak=_weak(uris, truth, ladder, first_five),
    )


def _sets(scores: Values, truth: Truth, ladder: Ladder, records: Sequence[str], coverage: float) -> tuple[float, float]:
    """Share of true terms in their sets, and the mean size of a set, each fold by the threshold of the others."""
    folds = np.array([fold_of(name) for name in records])
    true = truth.own & truth.known
    inside, sizes = [], []
    for fold in range(FOLDS):
        mine = folds == fold
        threshold = conformal_threshold(scores[~mine][true[~mine]], coverage)
        inside += (scores[mine] >= threshold)[true[mine]].tolist()
        sizes += ladder.lowest(scores[mine] >= threshold).sum(1).tolist()
    return float(np.mean(inside)), float(np.mean(sizes))


def _marks(said: Values, truth: Truth) -> tuple[Mark, ...]:
    found = []
    for low, high in _MARKS:
        inside = truth.known & (said >= low) & (said < high if high < 1 else said <= 1)
        if inside.any():
            found.append(Mark(low, high, int(inside.sum()), float(truth.holds[inside].mean())))
    return tuple(found)


def _confusions(uris: list[str], looks: Looks, truth: Truth, first: Any, judged: Any) -> tuple[Confusion, ...]:
    cases: dict[tuple[int, int], list[int]] = defaultdict(list)
    for n in np.flatnonzero(judged).tolist():
        said = int(first[n])
        if truth.known[n, said] and not truth.holds[n, said]:
            for true in np.flatnonzero(truth.own[n]).tolist():
                cases[true, said].append(n)
    found = []
    for (true, said), rows in sorted(cases.items(), key=lambda one: (-len(one[1]), one[0]))[:_LISTED]:
        examples = np.flatnonzero(truth.own[:, said])
        if not examples.size:
            continue
        shown = rows[0]
        example = int(examples[(looks.objects[examples] @ looks.objects[shown]).argmax()])
        found.append(
            Confusion(
                uris[true], uris[said], len(rows), looks.records[shown], looks.images[shown], looks.records[example],
                looks.images[example],
            )
        )  # fmt: skip
    return tuple(found)


def _weak(uris: list[str], truth: Truth, ladder: Ladder, order: Any) -> tuple[Weak, ...]:
    """Concepts with few examples or found seldom, those first that stand on most records."""
    named = np.zeros(truth.own.shape, bool)
    np.put_along_axis(named, order, True, 1)
    named = ladder.closed(named)
    found = []
    for c in np.flatnonzero(truth.own.any(0)).tolist():
        rows = np.flatnonzero(truth.own[:, c])
        share = float(named[rows, c].mean())
        if rows.size < _FEW or share < 0.5:
            found.append(Weak(uris[c], int(rows.size), share))
    counted = Counter({one: one.examples for one in found})
    return tuple(one for one, _ in counted.most_common(_LISTED))
