from __future__ import annotations

import csv
from pathlib import Path

import pytest

from sherd.thesaurus.linking import Link, Named, Rule, link
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus
from sherd.types import Concept

SHELF = Thesaurus.from_concepts(
    [
        Concept(
            "urn:taotie",
            {"en": "taotie", "zh-Hans": "饕餮纹", "zh-Hant": "饕餮紋", "zh-Latn-pinyin": "tāo tiè wén"},
            {"en": ("animal mask", "ogre mask"), "zh-Hans": ("饕餮",)},
        ),
        Concept("urn:mask", {"en": "mask", "zh-Hans": "面具"}),
        Concept("urn:ding", {"en": "tripod", "zh-Hans": "鼎", "zh-Latn-pinyin": "ding"}),
        Concept("urn:bronze", {"en": "bronze", "zh-Hans": "青铜"}),
        Concept("urn:crane", {"en": "crane", "zh-Hans": "鹤纹"}, {"ja": ("鶴",)}),
        Concept("urn:scythian", {"en": "scythian animal style"}),
    ]
)


def told(links: list[Link]) -> list[tuple[str, str, Rule]]:
    return [(one.uri.removeprefix("urn:"), one.words, one.rule) for one in links]


@pytest.mark.parametrize(
    ("term", "wanted"),
    [
        ("taotie", [("taotie", "taotie", Rule.EXACT)]),
        ("饕餮紋", [("taotie", "饕餮紋", Rule.EXACT)]),
        ("Ogre masks", [("taotie", "Ogre masks", Rule.ALTERNATIVE)]),
        ("靑銅", []),
        ("青銅", [("bronze", "青銅", Rule.VARIANT)]),
        ("taotie wen", [("taotie", "taotie wen", Rule.PINYIN)]),
        ("Tao2tie4 wen2", [("taotie", "Tao2tie4 wen2", Rule.PINYIN)]),
        ("ding", [("ding", "ding", Rule.PINYIN)]),
        ("青铜鼎", [("bronze", "青铜", Rule.EXACT), ("ding", "鼎", Rule.EXACT)]),
        ("tripod/mask", [("ding", "tripod", Rule.EXACT), ("mask", "mask", Rule.EXACT)]),
        ("mask (tripod?)", [("mask", "mask (tripod?)", Rule.EXACT)]),
        ("ogre_mask", [("taotie", "ogre mask", Rule.ALTERNATIVE)]),
        ("鶴の丸", [("crane", "鶴", Rule.ALTERNATIVE)]),
        ("鼎盛时期的瓷器", []),
        ("scythian animel style", [("scythian", "scythian animel style", Rule.FUZZY)]),
        ("masque", []),
        ("", []),
        ("()", []),
    ],
)
def test_a_term_is_linked_by_the_surest_rule(term: str, wanted: list[tuple[str, str, Rule]]) -> None:
    assert told(link(term, SHELF)) == wanted


def test_in_a_sentence_the_longest_labels_count_in_its_order() -> None:
    found = link("A bronze tripod with an animal mask on the belly, and a mask beside it", SHELF)
    assert [(one.uri, one.words) for one in found] == [
        ("urn:bronze", "bronze"),
        ("urn:ding", "tripod"),
        ("urn:taotie", "animal mask"),
        ("urn:mask", "mask"),
    ]
    assert [one.uri for one in link("腹部飾饕餮紋的青銅器", SHELF)] == ["urn:taotie", "urn:bronze"]
    assert link("The ding-dong of a long bell", SHELF) == []


def test_concepts_of_other_facets_are_left_out() -> None:
    thesaurus = builtin_thesaurus()
    assert {one.facet for one in link("crown", thesaurus)} == {"type", "motif"}
    assert [one.uri for one in link("crown", thesaurus, facets=["motif"])] == ["urn:sherd:crown_motif"]
    assert link("crown", thesaurus, facets=["theme"]) == []


def test_the_nearest_meaning_is_asked_for_last() -> None:
    asked: list[str] = []

    def nearest(text: str) -> list[tuple[Named, float]]:
        asked.append(text)
        return [(Named("urn:mask", "mask", "en", True, ""), 0.8), (Named("urn:ding", "tripod", "en", True, ""), 0.2)]

    assert told(link("visage", SHELF, nearest=nearest)) == [("mask", "visage", Rule.EMBEDDING)]
    assert link("mask", SHELF, nearest=nearest)[0].rule is Rule.EXACT
    assert asked == ["visage"]


def test_terms_of_real_collections_are_linked_as_a_person_does() -> None:
    """200 single terms of five collections, with what the thesaurus has for each, decided by hand."""
    thesaurus = builtin_thesaurus()
    with Path(__file__).with_name("pack_terms.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert len({row["term"] for row in rows}) == len(rows) == 200
    right = said = reached = reachable = 0
    for row in rows:
        wanted = {f"urn:sherd:{name}" for name in row["concepts"].split()}
        assert all(uri in thesaurus for uri in wanted), row
        found = {one.uri for one in link(row["term"], thesaurus)}
        right += len(found & wanted)
        said += len(found)
        reached += bool(found & wanted)
        reachable += bool(wanted)
    print(f"precision {right / said:.3f} of {said} links, recall {reached / reachable:.3f} of {reachable} terms")
    assert right / said > 0.95
    assert reached / reachable > 0.85
