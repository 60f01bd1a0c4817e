"""Full-text search over records and labels of thesauri: what every engine offers, and which one a connection has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVarTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select

from sherd.catalogue.lexical import Term

Ts = TypeVarTuple("Ts")
RECORDS, LABELS = "lexical", "concept_words"
"""The two tables of words, with a column `rowid`, and one for each text."""


@dataclass(frozen=True, slots=True)
class Scored:
    """numbers: (n,) ascending numbers of records; scores: (n,) above 0."""

    numbers: NDArray[np.int32] | NDArray[np.int64]
    scores: NDArray[np.float64]

    @property
    def nbytes(self) -> int:
        """Memory that it takes, with what is around it."""
        return self.numbers.nbytes + self.scores.nbytes + 500


class FullText(Protocol):
    """The words of records and of labels, as `lexical.texts` and `concept_writing.words_of` make them."""

    def create(self, connection: Connection, table: str) -> None:
        """Make a table of words, empty; in the place of one that is there."""
        ...

    def put(self, connection: Connection, rows: Mapping[int, Mapping[str, str]]) -> None:
        """Make records, by their number, findable by these texts and no longer by others."""
        ...

    def search(
        self, connection: Connection, terms: Sequence[Term], limit: int, restrict: Sequence[Select[int]]
    ) -> list[tuple[str, float]]:
        """(record_id, score) of records with any of the terms, best first: BM25 with the sign turned, above 0.

        Args:
            restrict: selects of record numbers; a record must be in all of them.
        """
        ...

    def scores(self, connection: Connection, term: Term) -> Scored | None:
        """What one term gives the records that have it: `search` adds these up over its terms, in their order. None
        where that would be no quicker."""
        ...

    def put_labels(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        """Make new labels, by their number, findable by their words."""
        ...

    def remove_labels(self, connection: Connection, thesaurus: int) -> None:
        """Forget the words of all labels of a thesaurus, while its labels are still there."""
        ...

    def labels_with(self, rows: Select[*Ts], terms: Sequence[Term]) -> Select[*Ts]:
        """`rows`, a select from `concept_labels` and others, of labels that have all of the terms; by their number."""
        ...

    def faults(self, connection: Connection, table: str) -> Iterator[str]:
        """What is wrong between the texts of a table of words and what is looked up in."""
        ...


def full_text(connection: Connection) -> FullText:
    """The engine that goes with a connection."""
    if connection.dialect.name == "sqlite":
        from sherd.catalogue.fulltext_sqlite import SqliteFullText

        return SqliteFullText()
    from sherd.catalogue.fulltext_postgres import PostgresFullText

    return PostgresFullText()
