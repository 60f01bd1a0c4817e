"""Names matched to concepts: exact ones are certain where they are alone, others are in order."""

from __future__ import annotations

import pytest

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.database import Database
from sherd.ingest.library import Library
from sherd.search.reconcile import CERTAIN, Wanted, name_of, reconcile, values_of, way_to
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept

AAT = "http://vocab.getty.edu/aat/300010957"
CONCEPTS = [
    Concept("urn:t:motif", {"en": "motif", "zh-Hans": "纹饰"}),
    Concept("urn:t:beast", {"en": "beast"}, broader=("urn:t:motif",)),
    Concept(
        "urn:t:dragon", {"zh-Hant": "龍", "zh-Hans": "龙", "en": "dragon", "zh-Latn-pinyin": "lóng"}, {"en": ("wyrm",)},
        broader=("urn:t:beast",), notation="25FF4", scope_notes={"en": "A beast of rain."},
    ),
    Concept("urn:t:dragon-boat", {"en": "dragon boat"}, broader=("urn:t:motif",)),
    Concept("urn:t:material", {"en": "material"}),
    Concept("urn:t:bronze", {"en": "bronze"}, broader=("urn:t:material",), matches={"exactMatch": (AAT,)}),
    Concept("urn:t:culture", {"en": "culture"}),
    Concept("urn:t:bronze-age", {"en": "bronze"}, broader=("urn:t:culture",)),
]  # fmt: skip
THESAURUS = Thesaurus.from_concepts(CONCEPTS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    library = Library.open(tmp_path_factory.mktemp("lib") / "library", create=True)
    with library.writer():
        import_thesaurus(library.catalogue.database, THESAURUS, name="urn:t:")
    return library.catalogue.database


@pytest.mark.parametrize("query", ["dragon", "DRAGON", "龍", "龙", "urn:t:dragon", "25FF4", "wyrm", "long", "Lóng"])
def test_a_name_that_one_concept_has_is_certain(database: Database, query: str) -> None:
    first, *others = reconcile(database, THESAURUS, query)
    assert (first.concept.uri, first.certain) == ("urn:t:dragon", True)
    assert first.score >= CERTAIN > max((one.score for one in others), default=0)


def test_a_name_of_two_concepts_is_certain_only_with_a_type(database: Database) -> None:
    both = reconcile(database, THESAURUS, "bronze")
    assert {one.concept.uri for one in both} == {"urn:t:bronze", "urn:t:bronze-age"}
    assert not any(one.certain for one in both)
    for type_ in ("material", "urn:t:material"):
        (one,) = reconcile(database, THESAURUS, "bronze", types=[type_])
        assert (one.concept.uri, one.certain) == ("urn:t:bronze", True)
    assert reconcile(database, THESAURUS, "bronze", types=["nothing"]) == []


def test_names_that_are_near_are_never_certain(database: Database) -> None:
    for query in ("drago", "dragons", "drgaon", "a dragon"):
        assert not any(one.certain for one in reconcile(database, THESAURUS, query)), query
    found = reconcile(database, THESAURUS, "drag")
    assert [one.concept.uri for one in found] == ["urn:t:dragon", "urn:t:dragon-boat"]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert reconcile(database, THESAURUS, "drag", limit=1) == found[:1]
    assert reconcile(database, THESAURUS, "zzz") == []


def test_properties_count_and_can_ask_alone(database: Database) -> None:
    (one, other) = reconcile(database, THESAURUS, "bronze", wanted=[Wanted("exact-match", (AAT,))])
    assert (one.concept.uri, one.certain, other.score) == ("urn:t:bronze", True, one.score - 40)
    assert other.features["properties_missed"] == 1
    (alone,) = reconcile(database, THESAURUS, "", wanted=[Wanted("exact-match", ("x", AAT))])
    assert (alone.concept.uri, alone.certain) == ("urn:t:bronze", True)
    for value in ("urn:t:motif", "纹饰", "Motif"):
        (dragon, _) = reconcile(database, THESAURUS, "drag", wanted=[Wanted("broader", (value,))])
        assert dragon.features["properties_missed"] == 0
    assert reconcile(database, THESAURUS, "", wanted=[Wanted("nothing", ("x",))]) == []
    assert reconcile(database, THESAURUS, "") == []


def test_what_is_told_of_a_concept_is_in_the_language_asked_for() -> None:
    dragon = THESAURUS.concept("urn:t:dragon")
    assert [name_of(dragon, language) for language in ("zh", "en", "fr")] == ["龙", "dragon", "dragon"]
    assert way_to(dragon, THESAURUS, "zh") == ["纹饰", "beast"]
    assert values_of(dragon, "label-zh", THESAURUS) == ["龙", "龍"]
    assert values_of(dragon, "broader", THESAURUS) == [THESAURUS.concept("urn:t:beast")]
    assert values_of(dragon, "definition-zh", THESAURUS) == []
    assert values_of(dragon, "nothing", THESAURUS) is None
