"""A filter by concept: terms, labels of boxes and people's words, with all that is narrower."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue import decisions
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.errors import UnknownConcept
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Action, Concept, Decision
from tests.catalogue.shelf import filled

METAL, BRONZE, GILT, MASK, TAOTIE, CERAMIC = (
    f"urn:t:{name}" for name in ("metal", "bronze", "gilt", "mask", "taotie", "ceramic")
)
TOP, MOTIFS = "urn:t:material", "urn:t:motif"
SMALL = Thesaurus.from_concepts(
    [
        Concept(TOP, {"en": "material"}),
        Concept(METAL, {"en": "metal"}, broader=(TOP,)),
        Concept(BRONZE, {"en": "bronze"}, notation="M1", broader=(METAL,)),
        Concept(GILT, {"en": "gilt bronze"}, broader=(BRONZE,)),
        Concept(CERAMIC, {"en": "porcelain", "zh-Hans": "瓷"}, broader=(TOP,)),
        Concept(MOTIFS, {"en": "motif"}),
        Concept(MASK, {"en": "animal mask"}, broader=(MOTIFS,)),
        Concept(TAOTIE, {"en": "taotie", "zh-Hans": "饕餮纹"}, broader=(MASK,)),
    ]
)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Catalogue]:
    found = filled(tmp_path)
    import_thesaurus(found.database, SMALL, name="small")
    yield found
    found.close()


def word(record_id: str, action: Action, concept: str, value: str | None) -> Decision:
    return Decision(record_id, action, "Li", "2026-11-27T10:00:00+00:00", "motif", concept, value)


def keys(shelf: Catalogue, *names: str) -> list[int]:
    found = [int(key) for key in shelf.live_keys({"concept": names})]
    assert sorted(shelf.hits_for(shelf.live_keys(), {"concept": names})) == found
    return found


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((GILT,), [1]),
        (("metal",), [1]),  # by what is narrower; "bronzed wood" is no bronze
        (("M1",), [1]),
        (("瓷",), [2]),
        (("metal", "porcelain"), [1, 2]),
        (("taotie",), [1]),  # a term, and the label of a box
        (("animal mask",), [1]),
    ],
)
def test_terms_and_boxes_bear_a_concept_and_all_above_it(
    shelf: Catalogue, names: tuple[str, ...], found: list[int]
) -> None:
    assert keys(shelf, *names) == found


def test_the_label_of_a_box_is_enough(shelf: Catalogue) -> None:
    with shelf.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM record_terms")
    assert keys(shelf, "animal mask") == [1]
    assert keys(shelf, "metal") == []


def test_a_person_stands_above_the_catalogue(shelf: Catalogue) -> None:
    assert keys(shelf, MASK) == [1]
    decisions.append(shelf.database, [word("bell", Action.ACCEPT, TAOTIE, TAOTIE)])
    assert keys(shelf, MASK) == [1, 3]
    decisions.append(shelf.database, [word("1982.30.1", Action.REJECT, TAOTIE, None)])
    assert keys(shelf, MASK) == [3]  # nothing else of the ding says that it has a mask
    decisions.append(shelf.database, [word("1982.30.1", Action.OTHER, TAOTIE, MASK)])
    assert keys(shelf, MASK) == [1, 3]
    assert keys(shelf, TAOTIE) == [3]
    decisions.append(shelf.database, [word("bell", Action.REJECT, MASK, None)])
    assert keys(shelf, TAOTIE) == [3]  # her word on the taotie itself stands


def test_what_is_above_a_refused_concept_may_stand_on_another_term(shelf: Catalogue) -> None:
    decisions.append(shelf.database, [word("1982.30.1", Action.REJECT, GILT, None)])
    assert keys(shelf, GILT) == []
    assert keys(shelf, BRONZE) == [1]  # "Gilt bronze" has "bronze" in it


def test_words_are_found_among_the_bearers_only(shelf: Catalogue) -> None:
    assert [name for name, _ in shelf.lexical("vase", 5, {"concept": ("porcelain",)})] == ["v-7"]
    assert shelf.lexical("vase", 5, {"concept": ("metal",)}) == []


def test_a_concept_that_nobody_knows_is_refused(shelf: Catalogue) -> None:
    with pytest.raises(UnknownConcept, match="has 'metalic'"):
        shelf.live_keys({"concept": ("metalic",)})
