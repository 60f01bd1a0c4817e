"""A library without thesauri goes by Sherd's own, and finds in it what it would find once it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from sherd.catalogue import concepts
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.errors import InvalidArgument
from sherd.ingest.library import Library
from sherd.search.concept_search import find_concepts
from sherd.thesaurus.thesaurus import builtin_thesaurus


def test_what_is_found_is_what_an_imported_thesaurus_finds(tmp_path: Path) -> None:
    with Library.open(tmp_path / "a", create=True) as bare, Library.open(tmp_path / "b", create=True) as full:
        with full.writer():
            import_thesaurus(full.catalogue.database, builtin_thesaurus(), name="urn:sherd:scheme")
        here, there = bare.catalogue.database, full.catalogue.database
        asked: list[tuple[str, dict[str, str]]] = [
            ("taotie", {}), ("饕餮紋", {}), ("TAO TIE", {}), ("taotei", {}), ("band", {"facet": "motif"}),
            ("龙", {"language": "zh"}), ("ding", {"language": "en"}), ("cloud band", {}),
            ("鼎", {"facet": "type", "language": "zh"}), ("zzz", {}), ("", {}),
        ]  # fmt: skip
        for wanted, more in asked:
            mine = find_concepts(here, wanted, limit=200, **more)
            theirs = concepts.search(there, wanted, limit=200, **more)
            assert {one.uri for one in mine} == {one.uri for one in theirs}, wanted
            assert [one.how for one in mine] == [one.how for one in theirs], wanted
            assert find_concepts(there, wanted, **more) == concepts.search(there, wanted, **more)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument, match="limit"):
            find_concepts(here, "x", limit=0)
