from __future__ import annotations

import doctest

import pytest

from sherd.catalogue.filters import FIELDS
from sherd.search import words
from sherd.search.words import (
    LANGUAGES,
    Language,
    count_words,
    covers,
    field_words,
    language_of,
    level_words,
    match_words,
    matched_by,
    place_words,
    printable,
    query_words,
    reason_words,
    timing_words,
)
from sherd.types import Answer, Box, Level, Query
from tests.search.answers import TIMING, asked, hit
from tests.search.memory import plain


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(words).failed == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_level_reason_stage_and_field_has_words(language: Language) -> None:
    assert len({level_words(level, language) for level in Level}) == len(Level)
    named = reason_words({"object": 1, "part": 1, "lexical": 1, "minus": -1}, language)
    assert len({name for name, _ in named}) == 4
    assert len({name for name, _ in timing_words(TIMING, language)}) == 5
    fields = [field_words(field, language) for field in FIELDS]
    assert len(set(fields)) == len(FIELDS)
    assert language == "en" or not any(name.isascii() for name in fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_nine_places_differ(language: Language) -> None:
    places = {place_words(Box(x / 3, y / 3, 1 / 3, 1 / 3), language) for x in range(3) for y in range(3)}
    assert len(places) == 9


def test_a_box_at_the_far_corner_is_a_place() -> None:
    assert place_words(Box(1 - 1e-9, 1 - 1e-9, 1e-9, 1e-9)) == "lower right"


def test_a_box_over_nearly_all_is_the_whole_and_names_no_place() -> None:
    assert covers(Box(0.05, 0.05, 0.9, 0.9))
    assert not covers(Box(0, 0, 1, 0.5))
    assert match_words(hit(box=Box(0, 0, 1, 1), level=Level.OBJECT)) == "the whole object"
    assert match_words(hit(box=None)) == "a part of it"
    assert match_words(hit(box=Box(0, 0, 0.2, 0.2), guess=True), "zh") == "局部，左上，存疑"


def test_a_hit_that_the_words_brought_says_so() -> None:
    by_words = hit(level=Level.FUSED, reasons={"object": 0.0, "part": 0.1, "lexical": 0.15})
    assert (matched_by(by_words), matched_by(by_words, "zh")) == ("its words", "文字")
    both = hit(level=Level.FUSED, reasons={"object": 0.3, "part": 0.3, "lexical": 0.15})
    assert matched_by(both) == "several things together"


def test_the_question_in_words() -> None:
    picture = plain("red")
    whole = Query(" lotus ", "gold", picture, Box(0, 0, 1, 1), {"object_type": ("bowl", "dish")})
    assert query_words(whole) == "a box on a picture, “lotus”, not “gold”, object type: bowl or dish"
    assert query_words(whole, "zh") == "图中框选的部分，“lotus”，不要“gold”，器类: bowl或dish"
    assert query_words(Query(image=picture)) == "a picture"


def test_counts() -> None:
    assert count_words(asked(hit()).answer) == "1 record"
    assert count_words(asked(hit(), hit(2)).answer) == "2 records"
    assert count_words(asked(hit()).answer, "zh") == "1 件"
    assert count_words(Answer((), TIMING, "nothing here"), "zh") == "nothing here"


def test_the_language_of_a_question() -> None:
    assert language_of("鼎") == "zh"
    assert language_of("ding with a taotie") == language_of("") == language_of(None) == "en"


def test_nothing_that_moves_a_cursor_or_turns_a_line_is_printable() -> None:
    assert printable("a\x1b[2J\r\nb\u202ec\u2028d\x07") == "a [2J b c d"
    assert printable("half \ud800 pair") == "half ? pair"
    assert printable("青铜　鼎\t三足") == "青铜 鼎 三足"
