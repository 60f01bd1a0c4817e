"""Which pictures are worth a closer look: the nearest in the object index and in the part index, kept up to date."""

from __future__ import annotations

import numpy as np

from sherd.catalogue.catalogue import VectorTable
from sherd.errors import CorruptData, IndexAway
from sherd.ingest.index_server import open_server
from sherd.ingest.library import Library
from sherd.search.question import Question
from sherd.types import FloatArray, KeyArray
from sherd.vectors.faiss_index import IndexSettings
from sherd.vectors.index_files import bring_up_to_date, last_saved, open_indexes
from sherd.vectors.protocol import PARTS_PER_KEY, Searchable
from sherd.vectors.rows import PartRows


class Candidates:
    """The vectors of a library in one committed state, and the two indexes over them.

    Args:
        library: opened.
        fingerprint: of the encoder whose vectors are searched.
        settings: of the indexes.
    Raises:
        CorruptData: a part file is missing or altered.
        IndexAway: the index is on a server that does not answer.
    """

    def __init__(self, library: Library, fingerprint: str, settings: IndexSettings | None = None) -> None:
        self._library, self._fingerprint, self._settings = library, fingerprint, settings
        self.rows: PartRows
        self._generation = -1
        self._away: IndexAway | None = None
        self._saved: tuple[int, ...] = ()
        self._server = open_server(library, fingerprint) if library.elsewhere.vectors is not None else None
        self._searched: tuple[Searchable, Searchable]
        self._take(library.catalogue.vector_table())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def generation(self) -> int:
        """Of the catalogue, when it was last looked at."""
        return self._generation

    def is_behind(self) -> bool:
        """Whether something was committed since; one small question to the catalogue."""
        return self._library.catalogue.generation() != self._generation

    def refresh(self) -> None:
        """Take up what was committed since. Nobody else may be using this meanwhile.

        Raises:
            CorruptData: a part file is missing or altered.
            IndexAway: the index is on a server that does not answer.
        """
        if self.is_behind():
            try:
                self._take(self._library.catalogue.vector_table())
            except BaseException as error:
                self._generation = -1  # rows and indexes may be of two states; the next refresh opens all anew
                self._away = error if isinstance(error, IndexAway) else None
                raise

    def check(self) -> None:
        """Raises what the last refresh failed for, so that nothing is answered from two states."""
        if self._generation < 0:
            if self._away is not None:
                raise IndexAway(str(self._away))
            raise CorruptData("the vectors could not be taken up; run `sherd verify`")

    def _take(self, table: VectorTable) -> None:
        located = table.located
        if self._server is not None:
            first = self._generation < 0 or not len(self.rows)
            parts = self._library.parts(self._fingerprint)
            rows = PartRows(parts, *located) if first else self.rows.renewed(*located)
            self._searched = self._server.take(rows)
            self.rows, self._generation = rows, table.generation
            return
        folder = self._library.index_folder(self._fingerprint)
        # What a writer has saved since holds what would have to be sealed here.
        saved = last_saved(folder)
        if self._generation < 0 or not len(self.rows) or saved != self._saved:
            rows = PartRows(self._library.parts(self._fingerprint), *located)
            self._by_object, self._by_part = open_indexes(folder, rows, settings=self._settings, background=True)
            self._saved = saved
        else:
            rows = self.rows.renewed(*located)
            bring_up_to_date(self._by_object, rows, of_parts=False)
            bring_up_to_date(self._by_part, rows, of_parts=True)
        self._searched = self._by_object, self._by_part
        self.rows, self._generation = rows, table.generation

    def nearest(self, question: Question, count: int, minus: float, allowed: KeyArray | None) -> KeyArray:
        """Ascending keys of the `count` nearest objects and the pictures with the nearest parts, twice as many at most.

        Args:
            minus: weight of what is not wanted.
            allowed: ascending keys to choose among; None means all.
        """
        by_object, by_part = question.candidate_vectors(minus)
        objects, of_parts = self._searched
        keys = [_found(objects, by_object, count, allowed)]
        if by_part is not None:
            # several parts of one picture are found: ask for more of them to have enough pictures
            parts = _found(of_parts, by_part, 2 * count, allowed) // PARTS_PER_KEY
            _, first = np.unique(parts, return_index=True)
            keys.append(parts[np.sort(first)[:count]])
        return np.unique(np.concatenate(keys))


def _found(index: Searchable, vector: FloatArray, count: int, allowed: KeyArray | None) -> KeyArray:
    if not len(index):
        return np.empty(0, np.int64)
    keys = index.search(vector[None], min(count, len(index)), allowed)[1][0]
    return np.asarray(keys[keys >= 0], np.int64)
