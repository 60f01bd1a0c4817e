"""Words find their records in Chinese and English, and what a person types is never a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.lexical import Term, fold, terms_of, tokens_of
from sherd.types import Record, SourceImage
from tests.catalogue.shelf import BELL, DING, VASE, filled, item, put


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    catalogue = filled(tmp_path_factory.mktemp("shelf"))
    yield catalogue
    catalogue.close()


def ids(shelf: Catalogue, text: str) -> list[str]:
    return [record_id for record_id, _ in shelf.lexical(text, 10)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("瓷", VASE),  # one character, inside a word
        ("鼎", DING),  # one character, at the end of a run
        ("青铜", DING),  # two characters, inside a sentence
        ("饕餮纹 on a tripod", DING),
        ("雷纹", DING),  # a motif
        ("vases", VASE),  # English stems
        ("casting", DING),
        ("PORCELAIN", VASE),
        ("music", BELL),
        ("mask belly", DING),  # a phrase about a part
        ("1982.30.1", DING),  # an identifier, whole
    ],
)
def test_words_find_their_record_first(shelf: Catalogue, text: str, expected: Record) -> None:
    assert ids(shelf, text)[0] == expected.record_id


@pytest.mark.parametrize("text", ["鼎炉", "瓷器", "tripodal music of cobalt"])
def test_any_word_counts(shelf: Catalogue, text: str) -> None:
    wanted = {token for word in text.split() for token in tokens_of(word)}
    stored = {one.record_id: set(tokens_of(" ".join(one.titles.values()))) for one in (DING, VASE, BELL)}
    assert set(ids(shelf, text)) >= {record_id for record_id, tokens in stored.items() if tokens & wanted}


@pytest.mark.parametrize("text", ["", "  ", "!?", '"', "*", "。，", "nothing-of-the-kind", "釉"])
def test_nothing_is_found_where_nothing_matches(shelf: Catalogue, text: str) -> None:
    assert shelf.lexical(text, 10) == []


@pytest.mark.parametrize(
    "text",
    [
        '"tripod',
        'title:tripod" OR "x',
        "tripod AND NOT tripod",
        "NEAR(tripod vase, 5)",
        "tripod*",
        "(tripod",
        "-tripod",
    ],
)
def test_signs_of_the_query_language_are_only_signs(shelf: Catalogue, text: str) -> None:
    assert DING.record_id in ids(shelf, text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_text_can_be_asked_for(shelf: Catalogue, text: str) -> None:
    shelf.lexical(text, 5)


def test_only_words_without_meaning_are_searched_for_when_there_are_no_others() -> None:
    assert Term("the") not in terms_of("the vase")
    assert Term("the") in terms_of("the")


def test_scores_are_positive_and_descending(shelf: Catalogue) -> None:
    scores = [score for _, score in shelf.lexical("bronze vase tripod 青", 10)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_limit_and_filter_hold_for_words_too(shelf: Catalogue) -> None:
    assert len(shelf.lexical("tripod vase bell", 2)) == 2
    assert shelf.lexical("tripod vase bell", 0) == []
    assert [name for name, _ in shelf.lexical("tripod vase bell", 5, {"culture": ("ming",)})] == [VASE.record_id]


def test_rare_characters_and_accents_are_found(tmp_path: Path) -> None:
    shelf = filled(tmp_path)
    rare = Record("rare", (SourceImage("r.jpg"),), titles={"zh": "青\U0002cb5a钟", "fr": "Étui émaillé"})
    put(shelf, [item(rare, [4])], [4], name="p2.vec")
    for text in ("\U0002cb5a", "青\U0002cb5a", "etui", "ÉTUI", "emaille"):
        assert ids(shelf, text)[:1] == ["rare"], text
    shelf.close()


def test_half_and_full_width_are_the_same() -> None:
    assert fold("Ｄｉｎｇ　１２") == "ding 12"
    assert tokens_of("ｶﾞﾗｽ") == tokens_of("ガラス")


def test_changed_words_replace_the_old_ones(tmp_path: Path) -> None:
    shelf = filled(tmp_path)
    put(shelf, [item(Record("bell", (SourceImage("c/bell.jpg"),), titles={"en": "Gong"}), [3])])
    assert ids(shelf, "gong") == ["bell"]
    assert ids(shelf, "bell") == ["bell"]  # its identifier
    assert ids(shelf, "music") == []
    shelf.close()
