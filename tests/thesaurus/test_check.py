"""Whatever comes in, what comes out is sound, and every change is told."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sherd.thesaurus.check import KINDS, mend
from sherd.thesaurus.skos import read_skos
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept


def told(*concepts: Concept) -> list[tuple[str, str, str, str]]:
    return [(one.kind, one.uri, one.what, one.done) for one in mend(concepts)[1].problems]


def linked(links: dict[str, str]) -> list[Concept]:
    """Concepts by one letter each, with the letters of what is broader."""
    return [
        Concept(f"urn:{uri}", {"en": uri}, broader=tuple(f"urn:{one}" for one in above)) for uri, above in links.items()
    ]


def broader(concepts: tuple[Concept, ...]) -> dict[str, str]:
    return {one.uri[4:]: "".join(above[4:] for above in one.broader) for one in concepts}


def test_a_sound_thesaurus_is_left_as_it_is() -> None:
    concepts = linked({"a": "", "b": "a", "c": "ba"})
    found, report = mend(concepts)
    assert broader(found) == {"a": "", "b": "a", "c": "ba"}
    assert report.problems == ()
    assert report.counts == {}
    assert (report.concepts, report.labels, report.roots, dict(report.without)) == (3, 3, 1, {"zh": 3, "en": 0})
    assert [one.facet for one in found] == ["a", "a", "a"]
    assert mend(found)[0] == found


def test_a_circle_is_opened_at_the_same_place_whatever_the_order() -> None:
    links = {"a": "b", "b": "c", "c": "a", "d": "b", "e": "e"}
    wanted = {"a": "b", "b": "c", "c": "", "d": "b", "e": ""}
    for seed in range(10):
        concepts = linked(links)
        random.Random(seed).shuffle(concepts)
        found, report = mend(concepts)
        assert broader(found) == wanted
        assert sorted((one.uri, one.what, one.done) for one in report.problems) == [
            ("urn:c", "is broader than itself: urn:a < urn:b < urn:c < urn:a", "link to urn:a dropped"),
            ("urn:e", "is broader than itself: urn:e < urn:e", "link to urn:e dropped"),
        ]


def test_links_to_nowhere_are_dropped_and_concepts_that_are_only_named_left_out() -> None:
    a, b = linked({"a": "xy", "b": "a"})
    bare = Concept("urn:c", broader=("urn:b",))
    found, report = mend([a, b, bare])
    assert broader(found) == {"a": "", "b": "a"}
    assert [(one.kind, one.uri, one.done) for one in report.problems] == [
        ("dangling", "urn:c", "left out"),
        ("dangling", "urn:a", "link dropped"),
        ("dangling", "urn:a", "link dropped"),
    ]
    assert "urn:x" in report.problems[1].what


def test_a_concept_without_labels_that_others_are_below_is_kept_and_told() -> None:
    assert told(Concept("urn:a"), Concept("urn:b", {"en": "b"}, broader=("urn:a",))) == [
        ("no_label", "urn:a", "has no label in any language", "kept")
    ]


def test_what_two_files_say_of_a_concept_is_put_together() -> None:
    matches = {"exactMatch": ("urn:m",)}
    more = {"exactMatch": ("urn:m", "urn:n")}
    first = Concept("urn:a", {"en": "one"}, {"en": ("i",)}, scope_notes={"en": "first"}, matches=matches)
    labels = {"en": "uno", "zh": "一"}, {"en": ("one", "i", "j")}
    second = Concept("urn:a", *labels, ("urn:b",), "N", "f", {"en": "second"}, more, "urn:s")
    found, report = mend([first, second, Concept("urn:b", {"en": "b"})])
    labels = {"en": "one", "zh": "一"}, {"en": ("i", "uno", "j")}
    assert found[0] == Concept("urn:a", *labels, ("urn:b",), "N", "f", {"en": "first"}, more, "urn:s")
    assert report.counts == {"concept_twice": 1, "two_preferred": 1}


def test_two_preferred_labels_of_one_language_are_told(tmp_path: Path) -> None:
    lines = (
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .",
        '<urn:a> a skos:Concept ; skos:prefLabel "one"@en, "uno"@en, "一"@zh .',
    )
    path = tmp_path / "v.ttl"
    path.write_text("\n".join(lines), "utf-8")
    found, report = mend(read_skos(path))
    (concept,) = found
    (problem,) = report.problems
    assert {concept.pref_labels["en"], *concept.alt_labels["en"]} == {"one", "uno"}
    assert (problem.kind, problem.uri) == ("two_preferred", "urn:a")
    assert "one" in problem.what
    assert "uno" in problem.what


def test_naming_a_top_concept_in_another_file_is_no_second_description() -> None:
    named = Concept("urn:a", facet="a", scheme="urn:s")
    assert told(named, Concept("urn:a", {"en": "a"}, scheme="urn:s")) == []


def test_labels_that_two_concepts_of_a_facet_share_are_told() -> None:
    root, other = Concept("urn:f", {"en": "f"}), Concept("urn:g", {"en": "g"})
    one = Concept("urn:a", {"zh-Hant": "圓"}, {"en": ("Disc",)}, ("urn:f",))
    two = Concept("urn:b", {"zh-Hant": "圆"}, {"fr": ("disc",)}, ("urn:f",))
    elsewhere = Concept("urn:c", {"zh-Hant": "圓"}, {"en": ("disc",)}, ("urn:g",))
    assert told(root, other, one, two, elsewhere) == [
        (
            "duplicate_label",
            "urn:a",
            "shares the label '圓' (zh-Hant) in facet f with urn:b",
            "kept; looking it up gives all of them",
        )
    ]


def test_the_facet_is_that_of_the_first_broader_one() -> None:
    found, _ = mend(linked({"a": "", "b": "", "c": "ba", "d": "c"}))
    assert [one.facet for one in found] == ["a", "b", "b", "b"]
    said, _ = mend([Concept("urn:a", facet="kind"), *linked({"c": "a"})])
    assert said[1].facet == "kind"


def test_every_kind_of_problem_has_words() -> None:
    circle = linked({"a": "a", "b": "x"})
    twice = Concept("urn:c", {"en": "a"}, facet="a"), Concept("urn:c", {"en": "z"}, broader=("urn:a",))
    problems = told(*circle, *twice, Concept("urn:d"), Concept("urn:e", {"en": "e"}, broader=("urn:d",)))
    assert {kind for kind, *_ in problems} == set(KINDS)


LINKS = st.dictionaries(
    st.sampled_from("abcdefgh"), st.text("abcdefghxy", max_size=4).map(lambda t: "".join(dict.fromkeys(t)))
)


@given(LINKS)
def test_whatever_is_linked_the_result_is_acyclic_and_drops_as_little(links: dict[str, str]) -> None:
    found, report = mend(linked(links))
    kept = broader(found)
    above = {one: set(kept[one]) for one in kept}
    for _ in kept:
        above = {one: set(kept[one]).union(*(above[up] for up in kept[one])) for one in kept}
    assert all(one not in above[one] for one in kept)
    assert all(set(kept[one]) <= set(links[one]) & set(links) for one in kept)
    lost = sum(len(links[one]) - len(kept[one]) for one in kept)
    assert lost == len(report.problems)
    # Each dropped link did close a circle: its target is below its source by the links that are left.
    for one in kept:
        for up in set(links[one]) & set(links) - set(kept[one]):
            assert up == one or one in above[up]


@given(LINKS)
def test_mending_twice_changes_nothing_more(links: dict[str, str]) -> None:
    found, _ = mend(linked(links))
    again, report = mend(found)
    assert again == found
    assert report.problems == ()
    assert list(Thesaurus.from_concepts(found)) == list(found)
