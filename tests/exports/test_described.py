from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.exports.described import Author, Shot, describe
from sherd.ingest.library import Library
from sherd.suggest.review import decide
from sherd.types import Action, Box, Decision
from tests.catalogue.shelf import DING, filled
from tests.catalogue.vessels import GUI, SCHEME, TRIPOD, VESSELS


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    shelf = filled(tmp_path)
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    yield Library(tmp_path, shelf)
    shelf.close()


def test_everything_is_told_with_its_author(library: Library) -> None:
    word = Decision("bell", Action.ACCEPT, "Li", "2026-11-27T10:00:00+00:00", concept=TRIPOD)
    decide(library, [word, Decision("bell", Action.REJECT, "Ann", "2026-11-27T11:00:00+00:00", concept=GUI)])
    found = {one.record.record_id: one for one in describe(library)}
    assert list(found) == sorted(found)
    said = found["bell"].by(Author.PERSON)
    assert [(one.concept.uri, one.holds, one.who, one.number) for one in said] == [
        (TRIPOD, True, "Li", 1), (GUI, False, "Ann", 2),
    ]  # fmt: skip
    assert found["bell"].by(Author.MACHINE) == ()
    assert found["1982.30.1"].record == DING
    assert found["1982.30.1"].shots == (Shot(DING.images[0].path, 320, 240, f"{1:064x}"),)
    assert all(one.author is Author.CATALOGUE for one in found["1982.30.1"].statements)
    assert [one.record.record_id for one in describe(library, ["v-7", "bell"])] == ["v-7", "bell"]


def test_places_of_the_catalogue_are_told(library: Library) -> None:
    boxes = [one.box for one in next(describe(library, ["1982.30.1"])).statements if one.box is not None]
    assert all(isinstance(box, Box) for box in boxes)
