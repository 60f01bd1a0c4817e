"""What each word alone gives records, kept: a question's score is the sum over its words, and words come again.

An engine scores every record that has any word of a question, for each question anew. A word such as "bronze" is in
half of a large library, and then this is nearly all of a search.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from sherd.catalogue.fulltext import FullText, Scored
from sherd.catalogue.lexical import Term

_MOST_BYTES = 128 * 1024 * 1024
"""All words of 100,000 records take 105 MB."""
_DENSE = 4_000_000


class WordScores:
    """Of one catalogue; for any number of threads.

    Args:
        most_bytes: memory for what is kept; what was not asked for lately gives way.
        dense: up to so high a record number, sums are kept in a table of all numbers.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES, dense: int = _DENSE) -> None:
        self._most_bytes, self._dense = most_bytes, dense
        self._lock = threading.Lock()
        self._generation, self._bytes = -1, 0
        self._kept: OrderedDict[Term, Scored] = OrderedDict()

    def best(
        self, engine: FullText, connection: Connection, generation: int, terms: Sequence[Term], limit: int
    ) -> list[tuple[int, float]] | None:
        """(record number, score) as `FullText.search` scores and orders them; None where the engine does not tell what
        a word alone gives.

        Args:
            generation: of the catalogue, as `connection` sees it.
        """
        found: list[Scored] = []
        for term in terms:
            scored = self._of(engine, connection, generation, term)
            if scored is None:
                return None
            found.append(scored)
        numbers, totals = self._summed(found)
        if numbers.size > limit:
            least = np.partition(totals, -limit)[-limit]
            numbers, totals = numbers[totals >= least], totals[totals >= least]
        order = np.lexsort((numbers, -totals))[:limit]
        return list(zip(numbers[order].tolist(), totals[order].tolist(), strict=True))

    def _summed(self, found: Sequence[Scored]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Each number once, with its sum in the order of the terms: other orders differ in the last digit."""
        top = max((int(one.numbers[-1]) for one in found if one.numbers.size), default=-1)
        if top <= self._dense:
            table = np.zeros(top + 1)
            for one in found:
                table[one.numbers] += one.scores
            numbers = np.flatnonzero(table)
            return numbers, table[numbers]
        every = np.concatenate([one.numbers for one in found]).astype(np.int64)
        numbers, place = np.unique(every, return_inverse=True)
        totals = np.bincount(place, np.concatenate([one.scores for one in found]), numbers.size)
        return np.asarray(numbers, np.int64), np.asarray(totals, np.float64)

    def _of(self, engine: FullText, connection: Connection, generation: int, term: Term) -> Scored | None:
        with self._lock:
            if self._generation != generation:
                self._kept.clear()
                self._generation, self._bytes = generation, 0
            kept = self._kept.get(term)
            if kept is not None:
                self._kept.move_to_end(term)
                return kept
        scored = engine.scores(connection, term)
        if scored is not None:
            with self._lock:
                if self._generation == generation and term not in self._kept:
                    self._kept[term] = scored
                    self._bytes += scored.nbytes
                    while self._bytes > self._most_bytes:
                        self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return scored
