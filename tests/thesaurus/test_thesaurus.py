"""What is above and below, how far apart, and what a label means; the closure against one made the slow way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.errors import SourceError, UnknownConcept
from sherd.thesaurus.folding import clean, fold_label, speaks
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus, load_thesaurus, read_builtin
from sherd.types import Concept
from tests.thesaurus.documents import JSON_LD, SYNTAXES, TURTLE, WANTED


def linked(links: dict[str, str]) -> Thesaurus:
    """Concepts by one letter each, with the letters of what is broader."""
    return Thesaurus.from_concepts(Concept(one, {"en": one}, broader=tuple(above)) for one, above in links.items())


#   a     z
#   b c
#   d    (below b and c)     e (below c, d)
TREE = linked({"a": "", "b": "a", "c": "a", "d": "bc", "e": "cd", "z": ""})


def test_ancestors_and_descendants_are_on_every_way() -> None:
    assert TREE.ancestors("e") == {"a", "b", "c", "d"}
    assert TREE.ancestors("a") == frozenset()
    assert TREE.descendants("a") == {"b", "c", "d", "e"}
    assert TREE.narrower("c") == ("d", "e")
    assert TREE.leaves("a") == {"e"}
    assert TREE.leaves("z") == {"z"}


def test_depth_is_the_shortest_way_up() -> None:
    assert [TREE.depth(one) for one in "abdez"] == [0, 1, 2, 2, 0]
    assert TREE.steps_up("e") == {"e": 0, "c": 1, "d": 1, "a": 2, "b": 2}


@pytest.mark.parametrize(
    ("pair", "steps"), [("aa", 0), ("ab", 1), ("bc", 2), ("be", 2), ("de", 1), ("ea", 2), ("az", 2), ("ez", 4)]
)
def test_distance(pair: str, steps: int) -> None:
    assert TREE.distance(*pair) == TREE.distance(*reversed(pair)) == steps


def test_it_is_a_collection_of_its_concepts() -> None:
    assert len(TREE) == 6
    assert [one.uri for one in TREE] == list("abcdez")
    assert "a" in TREE
    assert "q" not in TREE
    assert TREE.concept("d").broader == ("b", "c")
    assert TREE.facet("e") == "a"
    assert len(Thesaurus.from_concepts(())) == 0


def test_an_unknown_concept_is_told_with_near_ones() -> None:
    thesaurus = Thesaurus.from_concepts(WANTED)
    with pytest.raises(UnknownConcept, match=r"no concept 'urn:v:tripods'; near ones are urn:v:tripod$"):
        thesaurus.concept("urn:v:tripods")
    for ask in (TREE.narrower, TREE.ancestors, TREE.descendants, TREE.leaves, TREE.depth, TREE.facet):
        with pytest.raises(UnknownConcept, match=r"no concept 'q'$"):
            ask("q")
    with pytest.raises(UnknownConcept):
        TREE.distance("a", "q")


def test_a_label_is_found_whatever_its_case_width_and_characters() -> None:
    thesaurus = Thesaurus.from_concepts(WANTED)
    for label in ("tripod", "TRIPOD", "Ｔｒｉｐｏｄ", "圓鼎", "圆鼎", "Round  Ding", "trypod"):
        assert thesaurus.find(label) == ("urn:v:tripod",), label
    assert thesaurus.find("trip") == ()
    assert thesaurus.find("") == ()


def test_a_label_is_found_in_its_language_only() -> None:
    thesaurus = Thesaurus.from_concepts(WANTED)
    assert thesaurus.find("圆鼎", "zh") == thesaurus.find("圆鼎", "zh-Hant") == ("urn:v:tripod",)
    assert thesaurus.find("圆鼎", "zh-Hans") == thesaurus.find("圆鼎", "en") == ()
    assert thesaurus.find("yuan ding", "zh") == ()
    assert thesaurus.find("yuan ding", "zh-Latn") == ("urn:v:tripod",)


def test_preferred_labels_are_found_first() -> None:
    thesaurus = Thesaurus.from_concepts(
        [
            Concept("urn:a", {"en": "a"}, {"en": ("ding",)}),
            Concept("urn:b", {"en": "Ding"}),
            Concept("urn:c", {"fr": "ding"}),
        ]
    )
    assert thesaurus.find("ding") == ("urn:b", "urn:c", "urn:a")


@given(st.text(max_size=30))
def test_folding_a_fold_changes_nothing(text: str) -> None:
    assert fold_label(fold_label(text)) == fold_label(text)
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("tag", "language", "wanted"),
    [
        ("zh", "zh", True),
        ("zh-Hans", "zh", True),
        ("zh-Latn-pinyin", "zh", False),
        ("zh-Latn-pinyin", "zh-Latn", True),
        ("zh", "zh-Hans", False),
        ("eng", "en", False),
    ],
)
def test_a_language_takes_its_own(tag: str, language: str, wanted: bool) -> None:
    assert speaks(tag, language) is wanted


@given(st.lists(st.sets(st.integers(0, 30), max_size=4), max_size=12))
def test_the_closure_is_that_of_a_naive_one(parents: list[set[int]]) -> None:
    """Concept n is below those of `parents[n]` that come before it; distances by Floyd and Warshall's algorithm."""
    up = {n: {one for one in above if one < n} for n, above in enumerate(parents)}
    thesaurus = Thesaurus.from_concepts(
        Concept(f"urn:{n}", {"en": str(n)}, broader=tuple(f"urn:{one}" for one in above)) for n, above in up.items()
    )
    far = 10_000
    steps = {(a, b): 0 if a == b else 1 if b in up[a] else far for a in up for b in up}
    for middle in up:
        for a in up:
            for b in up:
                steps[a, b] = min(steps[a, b], steps[a, middle] + steps[middle, b])
    for a in up:
        reached = {b: steps[a, b] for b in up if steps[a, b] < far}
        assert thesaurus.steps_up(f"urn:{a}") == {f"urn:{b}": count for b, count in reached.items()}
        assert thesaurus.descendants(f"urn:{a}") == {f"urn:{b}" for b in up if b != a and steps[b, a] < far}
        for b in up:
            common = [steps[a, c] + steps[b, c] for c in up if steps[a, c] < far and steps[b, c] < far]
            roots = [min(steps[one, c] for c in up if not up[c]) for one in (a, b)]
            assert thesaurus.distance(f"urn:{a}", f"urn:{b}") == (min(common) if common else sum(roots) + 2)


def test_a_folder_is_all_its_skos_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("v.rdf", "v.ttl", "v.jsonld", "v.nt"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(SYNTAXES[name], "utf-8")
        (folder / "a.ttl").write_text(TURTLE.split("v:tripod a")[0], "utf-8")
        (folder / "package.json").write_text("{}")
        thesaurus = load_thesaurus(folder)
        assert [one.uri for one in thesaurus] == [one.uri for one in WANTED]
        assert thesaurus.concept("urn:v:tripod").broader == ("urn:v:vessel", "urn:v:bronze")
        assert thesaurus.scheme == "urn:v:scheme"


def test_a_single_file_is_read_by_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "mine.JSON"
    path.write_text(JSON_LD, "utf-8")
    assert [one.facet for one in load_thesaurus(path)] == ["vessel", "vessel", "bronze"]


def test_a_source_without_concepts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no SKOS file \(\.ttl, \.rdf, \.jsonld, \.nt\) and no notations\.txt"):
        load_thesaurus(tmp_path)
    (tmp_path / "empty.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    with pytest.raises(SourceError, match=r"describes no concept"):
        load_thesaurus(tmp_path)
    with pytest.raises(SourceError, match=r"gone\.ttl: cannot be read"):
        load_thesaurus(tmp_path / "gone.ttl")


def test_our_own_is_read_once_and_is_sound() -> None:
    thesaurus = builtin_thesaurus()
    assert thesaurus is builtin_thesaurus()
    assert {concept.uri for concept in thesaurus} == {concept.uri for concept in read_builtin()}
    assert set(thesaurus.report.counts) <= {"duplicate_label"}
    assert thesaurus.scheme == "urn:sherd:scheme"
    assert {one.facet for one in thesaurus} == {"type", "motif", "material", "culture", "theme"}
    assert "urn:sherd:ding" in thesaurus.find("鼎", "zh-Hans")
