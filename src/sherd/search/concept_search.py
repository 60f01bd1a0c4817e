"""Concepts by label, of whatever thesaurus a library goes by: its own ones, or Sherd's where it has none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from sherd.catalogue import concepts
from sherd.catalogue.concepts import MAX_LIMIT, Found, one_slip
from sherd.catalogue.database import Database
from sherd.catalogue.whole_words import stands_in
from sherd.errors import InvalidArgument
from sherd.thesaurus.check import labels_of
from sherd.thesaurus.folding import fold_label, fold_pinyin, fold_tagged, speaks
from sherd.thesaurus.thesaurus import builtin_thesaurus


def find_concepts(
    database: Database, wanted: str, *, language: str | None = None, facet: str | None = None, limit: int = 20
) -> list[Found]:
    """See `sherd.catalogue.concepts.search`, which answers where the library has thesauri."""
    if concepts.state(database):
        return concepts.search(database, wanted, language=language, facet=facet, limit=limit)
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidArgument(f"limit is {limit}; give 1 to {MAX_LIMIT}")
    folded, squeezed = fold_label(wanted), fold_pinyin(wanted)
    best: dict[str, tuple[tuple[int, int, bool], Found]] = {}
    for form, one in _own_names():
        if (language and not speaks(one.language, language)) or (facet and one.facet != facet):
            continue
        how = next(_ways(form, folded, squeezed if "-Latn" in one.language else ""), None)
        if how is not None:
            place = _WAYS.index(how), len(form), not one.preferred
            if one.uri not in best or place < best[one.uri][0]:
                best[one.uri] = place, Found(one.uri, one.label, one.language, one.preferred, one.facet, how)
    ordered = [one for _, one in sorted(best.values(), key=lambda pair: (pair[0], pair[1].uri))]
    surely = [one for one in ordered if one.how != "near"]
    return (surely or ordered)[:limit]


_WAYS = ("exact", "prefix", "words", "near")


def _ways(form: str, folded: str, squeezed: str) -> Iterator[str]:
    if not folded:
        return
    if form in (folded, squeezed):
        yield "exact"
    if form.startswith(folded) or (squeezed and form.startswith(squeezed)):
        yield "prefix"
    if all(stands_in(word, form) for word in folded.split()):
        yield "words"
    if len(folded) >= 3 and abs(len(form) - len(folded)) <= 1 and one_slip(folded, form):
        yield "near"


@cache
def _own_names() -> tuple[tuple[str, Found], ...]:
    """(folded label, concept by it), of Sherd's own thesaurus."""
    return tuple(
        (fold_tagged(label, tag), Found(one.uri, label, tag, preferred, one.facet or "", ""))
        for one in builtin_thesaurus()
        for tag, label, preferred in labels_of(one)
    )
