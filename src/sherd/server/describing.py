"""Records with all that is said of them, for those who read the server by a standard."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sherd.catalogue import concepts
from sherd.exports.described import Described, Describer
from sherd.ingest.library import Library
from sherd.server.problems import Refusal
from sherd.suggest.suggest import thesaurus_of
from sherd.thesaurus.thesaurus import Thesaurus


class Describing:
    """One describer for all requests, made again when the thesauri of the library have changed. For any thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._state: tuple[tuple[str, str], ...] | None = None
        self._describer: Describer | None = None

    def describer(self) -> Describer:
        """With the thesauri as they are now; Sherd's own where the library has none."""
        state = concepts.state(self._library.catalogue.database)
        with self._lock:
            if self._describer is None or self._state != state:
                self._describer = Describer(self._library, thesaurus_of(self._library))
                self._state = state
            return self._describer

    @property
    def thesaurus(self) -> Thesaurus:
        return self.describer().thesaurus

    def one(self, record_id: str) -> Described:
        """A record. Raises Refusal where there is none."""
        found = self.several([record_id])
        if not found:
            raise Refusal("unknown_record")
        return found[0]

    def several(self, record_ids: Sequence[str]) -> list[Described]:
        """Some records, in this order; those that are unknown are left out."""
        return list(self.describer().describe(record_ids))
