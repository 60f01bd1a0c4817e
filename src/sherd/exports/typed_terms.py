"""Which concept a curator means by what she typed into an accepted column."""

from __future__ import annotations

from functools import cached_property

from sherd.catalogue import concepts
from sherd.errors import RejectedItem, UnknownConcept
from sherd.exports.sheet_columns import FacetState
from sherd.ingest.library import Library
from sherd.suggest.suggest import thesaurus_of
from sherd.thesaurus.folding import fold_label
from sherd.thesaurus.thesaurus import Thesaurus

MAX_TERM_CHARS = 300
_NEAR = 3
_SHOWN = 60
_MOST_HINTS = 200
"""Words for which near ones are looked for: a column that was filled with something else would take minutes."""


class TypedTerms:
    """Finds the concept that a curator's word means; each word is looked up once a facet."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._found: dict[tuple[str, str], str | RejectedItem] = {}
        self._hints = 0

    @cached_property
    def _thesaurus(self) -> Thesaurus:
        return thesaurus_of(self._library)

    def uri(self, value: str, facet: str, was: FacetState) -> str:
        """First what this very row said, in its own words, then the thesaurus.

        Raises:
            RejectedItem: unknown_term, ambiguous_term or other_facet.
        """
        for term in (*was.accepted, *was.suggested):
            if value in (term.label, term.uri):
                return term.uri
        key = facet, value
        if key not in self._found:
            try:
                self._found[key] = self._lookup(value, facet)
            except RejectedItem as refusal:
                self._found[key] = refusal
        found = self._found[key]
        if isinstance(found, RejectedItem):
            raise RejectedItem(found.reason, found.detail)
        return found

    def _lookup(self, value: str, facet: str) -> str:
        shown = value[:_SHOWN]
        if len(value) > MAX_TERM_CHARS:
            raise RejectedItem("unknown_term", f"{shown!r}... has {len(value)} characters, which no term has")
        try:
            found = concepts.resolve(self._library.catalogue.database, value)
        except UnknownConcept:
            near = self._near(value, facet)
            hint = f"near ones are {', '.join(near)}" if near else "none is near"
            raise RejectedItem("unknown_term", f"the thesaurus has no term {shown!r}; {hint}") from None
        here = [one for one in found if (one.facet or "") == facet]
        if not here:
            other = ", ".join(sorted({one.facet or "none" for one in found}))
            raise RejectedItem("other_facet", f"{shown!r} is a term of the facet {other}; write it into that column")
        if len(here) > 1:
            uris = ", ".join(one.uri for one in here[:5])
            raise RejectedItem("ambiguous_term", f"{shown!r} may mean {uris}; write the URI")
        return here[0].uri

    def _near(self, value: str, facet: str) -> list[str]:
        self._hints += 1
        if self._hints > _MOST_HINTS:
            return []
        database = self._library.catalogue.database
        labels = [one.label for one in concepts.search(database, value, facet=facet, limit=_NEAR)]
        if not labels:
            alike = self._thesaurus.alike(fold_label(value))
            labels = [one.label for one in alike if one.facet == facet]
        return list(dict.fromkeys(labels))[:_NEAR]
