"""A person's word stands above the catalogue's, and a machine's is never among the facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sherd.errors import SourceError, StorageRefused
from sherd.exports.described import Author
from sherd.exports.facts import equivalents, facts, label_of, place_of, suggestions, terms
from sherd.exports.files import whole_file
from sherd.types import Concept
from tests.exports.examples import BRONZE, CLOUD, DING, DRAGON, FRONT, GILDING, LUCK, MASK, RITE, TAOTIE, TRIPOD


def test_facts_are_the_catalogues_and_peoples_but_what_a_person_refused() -> None:
    found = facts(DING)
    assert {one.author for one in found} == {Author.CATALOGUE, Author.PERSON}
    assert LUCK.uri not in {one.concept.uri for one in found}
    assert [one.concept for one in found if one.author is Author.PERSON] == [CLOUD, DING.by(Author.PERSON)[1].concept]


def test_what_people_decided_about_is_no_suggestion_any_more() -> None:
    assert [one.concept for one in suggestions(DING)] == [DRAGON, BRONZE]
    for holds in (True, False):
        word = replace(DING.by(Author.PERSON)[0], concept=DRAGON, holds=holds)
        assert [one.concept for one in suggestions(replace(DING, statements=(*DING.statements, word)))] == [BRONZE]


def test_terms_are_as_written_with_what_they_mean() -> None:
    found = {(one.field, one.text): one.concepts for one in terms(DING)}
    assert found["object_type", "ding"] == (TRIPOD,)
    assert found["materials", "Gilt bronze"] == (BRONZE, GILDING)
    assert found["materials", "cobalt"] == ()
    assert found["themes", "rite"] == (RITE,)
    assert found["regions", "饕餮纹"] == (TAOTIE,)
    assert ("themes", "luck") not in found
    (mask,) = [one for one in terms(DING) if one.text == "饕餮纹"]
    assert (mask.image, mask.box) == (FRONT, MASK)


def test_a_term_of_two_concepts_stays_while_one_of_them_holds() -> None:
    word = replace(DING.by(Author.PERSON)[2], concept=BRONZE)
    one = replace(DING, statements=(*DING.statements, word))
    assert {found.text: found.concepts for found in terms(one)}["Gilt bronze"] == (GILDING,)


def test_a_concept_is_named_in_the_language_asked_for() -> None:
    assert label_of(TAOTIE, "zh") == "饕餮"
    assert label_of(TAOTIE, "fr", "zh") == "饕餮"
    assert label_of(TAOTIE) == "taotie"
    assert label_of(Concept("urn:a", {"zh-Latn-pinyin": "ding", "zh-Hans": "鼎"}), "zh") == "鼎"
    assert label_of(Concept("https://v.example/a#x")) == "x"


def test_only_the_art_and_architecture_thesaurus_counts_as_the_same() -> None:
    aat = "http://vocab.getty.edu/aat/300010957"
    both = Concept("urn:a", matches={"exactMatch": (aat,), "closeMatch": (aat, "http://vocab.getty.edu/tgn/1")})
    assert equivalents(both) == [aat]
    assert equivalents(replace(both, uri=aat)) == []
    assert equivalents(Concept("urn:a", matches={"broadMatch": (aat,)})) == []


def test_a_place_without_a_box_is_its_picture() -> None:
    assert place_of(None, None) == ""
    assert place_of("a.png", None) == "a.png"


def fail_while_writing(path: Path) -> None:
    with whole_file(path) as stream:
        stream.write(b"second")
        raise SourceError("no")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    with whole_file(path) as stream:
        stream.write(b"first")
        assert not path.exists()
    with pytest.raises(SourceError):
        fail_while_writing(path)
    assert path.read_bytes() == b"first"
    assert [one.name for one in path.parent.iterdir()] == ["file"]
    with pytest.raises(StorageRefused, match="cannot be written"), whole_file(path / "below") as stream:
        pass
