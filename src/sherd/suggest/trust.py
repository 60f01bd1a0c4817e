"""How sure a search may be here: curves for its hits, fitted on what the collection knows of itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.ingest.library import Library
from sherd.search.calibrate import Curve, fit_curve
from sherd.search.concept_vectors import names_of
from sherd.search.confidence import MOST, Confidence, names_one_thing, save_confidence, standardised
from sherd.search.question import encode
from sherd.search.rerank import score
from sherd.search.sampling import evenly
from sherd.search.settings import SearchSettings
from sherd.suggest.evidence import Looks
from sherd.suggest.suggest import Suggester
from sherd.types import Query, Record

HITS = 20
"""So many of the first hits of each question are judged: those that people look at."""
LEAST_QUESTIONS, LEAST_HITS = 5, 100
MOST_QUESTIONS = 300
_LEAST_BEARERS = 2
_PAGE = 500

Asked = Sequence[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]
"""(text, which pictures are right, of which that is known)."""


def fit_confidence(
    suggester: Suggester, encoder: Encoder, records: Sequence[Record], settings: SearchSettings | None = None
) -> Confidence:
    """Curves from the collection: names of concepts that its records are known to bear, and the records' own texts.

    A curve is None where there are fewer than 5 questions for it, or 100 hits that are known to be right or wrong. Of
    more than 300 questions so many are taken evenly.
    """
    settings = settings or SearchSettings()
    asked = [*_names(suggester), *_texts(suggester.looks, records)]
    kinds = ([one for one in asked if names_one_thing(one[0])], [one for one in asked if not names_one_thing(one[0])])
    names, sentences = (_fitted(suggester.looks, encoder, _thinned(some), settings) for some in kinds)
    return Confidence(names, sentences)


def keep_confidence(suggester: Suggester, library: Library) -> Confidence:
    """Fit the curves and put them into the library, for its searches."""
    ids = library.catalogue.record_ids()
    records = [
        one for n in range(0, len(ids), _PAGE) for one in library.catalogue.get_many(ids[n : n + _PAGE]).values()
    ]
    found = fit_confidence(suggester, suggester.encoder, records)
    save_confidence(found, library.folder, suggester.encoder.fingerprint)
    return found


def _names(suggester: Suggester) -> Asked:
    """Each concept that is known of two records at least, by its names."""
    found = []
    for facet in suggester.facet_names:
        view = suggester.facet(facet)
        taught = suggester.taught(view)
        if taught is None:
            continue
        place = {key: n for n, key in enumerate(zip(suggester.looks.records, suggester.looks.images, strict=True))}
        rows = np.array([place[key] for key in zip(taught.looks.records, taught.looks.images, strict=True)], np.int64)
        for c, concept in enumerate(view.concepts.concepts):
            if int(taught.truth.holds[:, c].sum()) < _LEAST_BEARERS:
                continue
            right = np.zeros(len(suggester.looks), bool)
            known = np.zeros(len(suggester.looks), bool)
            right[rows], known[rows] = taught.truth.holds[:, c], taught.truth.known[:, c]
            found += [(name, right, known) for name in names_of(concept)]
    return found


def _texts(looks: Looks, records: Sequence[Record]) -> Asked:
    """Titles with descriptions; right are the pictures of the records of which the same is said."""
    said: dict[str, set[str]] = {}
    for record in records:
        for language in dict.fromkeys([*record.titles, *record.descriptions]):
            parts = (record.titles.get(language), record.descriptions.get(language))
            said.setdefault(". ".join(part for part in parts if part)[:2_000], set()).add(record.record_id)
    everything = np.ones(len(looks), bool)
    return [
        (text, np.array([name in owners for name in looks.records]), everything)
        for text, owners in said.items()
        if text.strip() and len(owners) < len(records) / 2
    ]


def _thinned(asked: Asked) -> Asked:
    return [asked[n] for n in evenly(np.arange(len(asked)), MOST_QUESTIONS).tolist()]


def _fitted(looks: Looks, encoder: Encoder, asked: Asked, settings: SearchSettings) -> Curve | None:
    if len(asked) < LEAST_QUESTIONS:
        return None
    some = evenly(np.arange(len(looks)), MOST)
    scores, outcomes = [], []
    for text, right, known in asked:
        question = encode(Query(text=text), encoder, settings)
        total = score(question, looks.objects, looks.parts, sharpness=settings.sharpness, minus=settings.minus).total
        first = np.argsort(-total, kind="stable")[:HITS]
        first = first[known[first]]
        scores.append(standardised(total[first], total[some]))
        outcomes.append(right[first])
    together = np.concatenate(scores)
    return fit_curve(together, np.concatenate(outcomes)) if together.size >= LEAST_HITS else None
