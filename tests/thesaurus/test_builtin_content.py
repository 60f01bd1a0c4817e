"""What must hold of the thesaurus that ships with Sherd, read from its Turtle files without Sherd's own loader."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

import sherd

SCHEME = "urn:sherd:scheme"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DATA = Path(sherd.__file__).parent / "thesaurus" / "data"
FACETS = sorted(path.stem for path in DATA.glob("*.ttl"))
# In lower case, as pyoxigraph gives them.
LANGUAGES = ("zh-hans", "zh-hant", "en", "zh-latn-pinyin")
# Pinyin is left out: 簋 and 圭 are both 'gui', and must be.
DISTINCT = ("zh-hans", "zh-hant", "en")


@dataclass
class _Entry:
    """One concept as its file has it: labels and notes as (language, text)."""

    preferred: list[tuple[str, str]] = field(default_factory=list)
    alternative: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    broader: list[str] = field(default_factory=list)
    schemes: list[str] = field(default_factory=list)
    is_top: bool = False


@cache
def _facet(facet: str) -> dict[str, _Entry]:
    """The concepts of one file by their URI."""
    entries: dict[str, _Entry] = defaultdict(_Entry)
    with (DATA / f"{facet}.ttl").open("rb") as stream:
        quads = list(parse(stream, RdfFormat.TURTLE))
    for quad in quads:
        assert isinstance(quad.subject, NamedNode)
        uri, relation, value = quad.subject.value, quad.predicate.value.removeprefix(SKOS), quad.object
        if uri == SCHEME:
            continue
        entry = entries[uri]
        if isinstance(value, Literal):
            {"prefLabel": entry.preferred, "altLabel": entry.alternative, "scopeNote": entry.notes}[relation].append(
                (value.language or "", value.value)
            )
        elif isinstance(value, NamedNode):
            if relation == "broader":
                entry.broader.append(value.value)
            elif relation == "inScheme":
                entry.schemes.append(value.value)
            elif relation == "topConceptOf":
                entry.is_top = True
    return dict(entries)


@cache
def _broader() -> dict[str, list[str]]:
    """Broader URIs of every concept of all files."""
    return {uri: entry.broader for facet in FACETS for uri, entry in _facet(facet).items()}


def _ancestors(uri: str) -> set[str]:
    found: set[str] = set()
    open_ends = list(_broader()[uri])
    while open_ends:
        one = open_ends.pop()
        if one not in found:
            found.add(one)
            open_ends += _broader()[one]
    return found


def test_no_concept_is_in_two_files() -> None:
    count = Counter(uri for facet in FACETS for uri in _facet(facet))
    assert [uri for uri, files in count.items() if files > 1] == []


@pytest.mark.parametrize("facet", FACETS)
def test_a_concept_has_one_preferred_label_in_each_language_and_a_note_in_both(facet: str) -> None:
    for uri, entry in _facet(facet).items():
        assert sorted(language for language, _ in entry.preferred) == sorted(LANGUAGES), uri
        assert {"en", "zh-hans"} <= {language for language, _ in entry.notes}, uri
        assert {language for language, _ in entry.alternative} <= {*LANGUAGES, "ja"}, uri
        assert entry.schemes == [SCHEME], uri
        assert not set(entry.alternative) & set(entry.preferred), uri


@pytest.mark.parametrize("facet", FACETS)
def test_no_label_has_blanks_about_it_and_a_uri_is_a_plain_name(facet: str) -> None:
    for uri, entry in _facet(facet).items():
        assert re.fullmatch(r"urn:sherd:[a-z][a-z0-9_]*", uri)
        for _, text in entry.preferred + entry.alternative + entry.notes:
            assert text == " ".join(text.split()), uri
            assert text, uri


@pytest.mark.parametrize("facet", FACETS)
def test_preferred_labels_are_distinct_within_a_facet(facet: str) -> None:
    labels = Counter(
        (language, text.casefold())
        for entry in _facet(facet).values()
        for language, text in entry.preferred
        if language in DISTINCT
    )
    assert [label for label, count in labels.items() if count > 1] == []


@pytest.mark.parametrize("facet", FACETS)
def test_scripts_are_what_the_tag_says(facet: str) -> None:
    han = re.compile(r"[\u3400-\u9fff]")
    for uri, entry in _facet(facet).items():
        for language, text in entry.preferred + entry.alternative + entry.notes:
            if language == "zh-latn-pinyin":
                assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", text), uri
            else:
                assert bool(han.search(text)) == language.startswith(("zh-han", "ja")), (uri, text)


@pytest.mark.parametrize("facet", FACETS)
def test_a_label_has_as_many_syllables_in_pinyin_as_it_has_characters(facet: str) -> None:
    for uri, entry in _facet(facet).items():
        labels = dict(entry.preferred)
        characters = re.findall(r"[\u3400-\u9fff]|[A-Za-z0-9]+", labels["zh-hans"])
        assert len(labels["zh-latn-pinyin"].split()) == len(characters), uri


@pytest.mark.parametrize("facet", FACETS)
def test_every_broader_link_leads_on_to_the_root_of_the_facet(facet: str) -> None:
    root = f"urn:sherd:{facet}"
    for uri, entry in _facet(facet).items():
        assert [one for one in entry.broader if one not in _broader()] == [], uri
        assert len(set(entry.broader)) == len(entry.broader), uri
        assert entry.is_top == (uri == root), uri
        assert (root in _ancestors(uri)) == (uri != root), uri


@pytest.mark.parametrize("facet", FACETS)
def test_nothing_is_broader_than_itself_nor_named_twice_on_the_way_up(facet: str) -> None:
    for uri, entry in _facet(facet).items():
        assert uri not in _ancestors(uri), uri
        for one in entry.broader:
            others = (_ancestors(other) for other in entry.broader if other != one)
            assert not any(one in above for above in others), (uri, one)


def test_five_facets_with_a_thousand_concepts_at_most_are_one_scheme() -> None:
    assert FACETS == ["culture", "material", "motif", "theme", "type"]
    assert 600 <= len(_broader()) <= 1000
    with (DATA / "type.ttl").open("rb") as stream:
        tops = {
            quad.object.value
            for quad in parse(stream, RdfFormat.TURTLE)
            if quad.subject == NamedNode(SCHEME) and quad.predicate == NamedNode(f"{SKOS}hasTopConcept")
        }
    assert tops == {f"urn:sherd:{facet}" for facet in FACETS}


def test_a_square_ding_is_a_ritual_bronze_but_no_tripod() -> None:
    ancestors = _ancestors("urn:sherd:fangding")
    assert {"urn:sherd:ding", "urn:sherd:food_vessel", "urn:sherd:bronze_ritual_vessel"} <= ancestors
    assert "urn:sherd:tripod_vessel" not in ancestors
    assert "urn:sherd:tripod_vessel" in _ancestors("urn:sherd:ding_tripod")
