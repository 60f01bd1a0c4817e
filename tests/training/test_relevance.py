from __future__ import annotations

from dataclasses import replace

from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.corpus import RENDERED, Example, PhraseTarget
from sherd.training.relevance import Closure
from sherd.types import Concept


def thesaurus() -> Thesaurus:
    def concept(name: str, zh: str, *broader: str) -> Concept:
        return Concept(f"urn:sherd:{name}", {"en": name, "zh-Hans": zh}, {}, broader, None, "motif", {}, {})

    return Thesaurus.from_concepts(
        [
            concept("motif", "纹样"),
            concept("animal", "动物纹", "urn:sherd:motif"),
            concept("taotie", "饕餮纹", "urn:sherd:animal"),
            concept("halo", "头光", "urn:sherd:motif"),
            replace(concept("twin-a", "双甲", "urn:sherd:motif"), pref_labels={"en": "twin"}),
            replace(concept("twin-b", "双乙", "urn:sherd:motif"), pref_labels={"en": "twin"}),
        ]
    )


def test_a_region_is_what_is_broader_too_and_is_asked_for_so() -> None:
    key = "urn:sherd:taotie"
    example = Example(
        "a", RENDERED, ("x",), (PhraseTarget("taotie on the belly", key + "@belly", 0),), (frozenset({key}),)
    )
    closed = Closure(thesaurus(), {}).close(example)
    assert closed.region_keys == (frozenset({key, "urn:sherd:animal"}),)
    added = {(p.text, p.key, p.region) for p in closed.phrases} - {("taotie on the belly", key + "@belly", 0)}
    assert added == {("动物纹", "urn:sherd:animal", 0), ("animal", "urn:sherd:animal", 0)}
    assert closed.concepts == {}


def test_labels_of_packs_are_named_by_the_concepts_they_were_linked_to() -> None:
    example = Example("a", "icons", ("x",), (PhraseTarget("Halo", "halo", 0),), (frozenset({"halo"}),))
    closure = Closure(thesaurus(), {("icons", "halo"): "urn:sherd:halo"})
    closed = closure.close(example)
    assert closed.phrases[0].key == "urn:sherd:halo"
    assert closed.region_keys == (frozenset({"urn:sherd:halo"}),)
    assert closed.concepts == {"motif": ("urn:sherd:halo",)}
    elsewhere = Example("b", "vases", ("x",), example.phrases, example.region_keys)
    assert closure.close(elsewhere).phrases[0].key == "halo"


def test_words_of_a_pack_are_taken_for_the_one_concept_that_is_called_so() -> None:
    phrases = (PhraseTarget("Taotie", "taotie", 0), PhraseTarget("twin", "twin"))
    example = Example("a", "mine", ("x",), phrases, (frozenset({"taotie"}),), terms=("头光", "nobody knows"))
    closed = Closure(thesaurus(), {}, by_name=True).close(example)
    assert closed.region_keys == (frozenset({"urn:sherd:taotie", "urn:sherd:animal"}),)
    assert closed.concepts == {"motif": ("urn:sherd:taotie", "urn:sherd:halo")}
    assert [phrase.key for phrase in closed.phrases[:2]] == ["urn:sherd:taotie", "twin"]  # two concepts are called so
    assert Closure(thesaurus(), {}).close(example).concepts == {}
