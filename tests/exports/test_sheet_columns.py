from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sherd.errors import SourceError
from sherd.exports.described import Author, Described, Statement
from sherd.exports.sheet_columns import (
    FacetState,
    RowState,
    Term,
    columns_for,
    from_text,
    label_of,
    shown,
    state_of,
    to_text,
)
from sherd.types import Box, Concept, Record
from tests.catalogue.vessels import GUI, VESSELS

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
boxes = st.none() | st.just(Box(0.1, 0.2, 0.3, 0.4))
terms = st.builds(Term, texts, texts, st.none() | st.floats(0, 1), st.none() | texts, boxes, texts)
bare = st.builds(Term, texts, texts)
states = st.builds(
    RowState, texts, st.integers(0), texts, texts,
    st.dictionaries(texts, st.builds(FacetState, texts, texts, st.tuples(bare), st.tuples(terms, terms))),
)  # fmt: skip


@given(states)
@example(RowState("\x7f\x00\x85_x0041_\u2028"))
def test_a_state_comes_back_from_its_text(state: RowState) -> None:
    text = to_text(state)
    assert from_text(text) == state
    assert text.isascii()
    assert text.isprintable()


def test_a_state_holds_nothing_that_a_workbook_reads_as_an_escape() -> None:
    state = RowState("a_x0041_b", facets={"_x0042_": FacetState("_x0043_", "")})
    assert "_x" not in to_text(state)
    assert from_text(to_text(state)) == state


@pytest.mark.parametrize("probability", ["NaN", "2", "-1", "true", '"1"'])
def test_a_probability_is_a_fraction(probability: str) -> None:
    text = to_text(RowState("a", facets={"m": FacetState("", "", (), (Term("u", "l", 0.5),))}))
    with pytest.raises(SourceError, match="cannot be read any more"):
        from_text(text.replace("0.5", probability))


@pytest.mark.parametrize(
    ("labels", "language", "label"),
    [
        ({"en": "gui", "zh-Hans": "簋"}, "zh", "簋"),
        ({"en": "gui", "zh-Hans": "簋"}, "en", "gui"),
        ({"zh-Latn-pinyin": "gui", "zh-Hant": "簋"}, "zh", "簋"),
        ({"fr": "vase"}, "zh", "vase"),
        ({"en": "jade; nephrite", "zh-Hans": "玉"}, "en", "玉"),
        ({"zh-Hans": "玉、石"}, "zh", "urn:a"),
        ({"en": " two\nlines "}, "en", "two lines"),
        ({}, "en", "urn:a"),
    ],
)
def test_a_label_for_a_cell_is_one_term(labels: dict[str, str], language: str, label: str) -> None:
    assert label_of(Concept("urn:a", labels), language) == label


def test_of_two_concepts_of_one_name_the_second_is_told_by_its_uri() -> None:
    columns = columns_for(["vessel"], VESSELS, "en")
    twin = Concept("urn:other", {"en": "gui"}, facet="vessel")
    said = tuple(Statement(one, "vessel", Author.PERSON) for one in (VESSELS.concept(GUI), twin))
    state = state_of(Described(Record("a", ()), (), said), columns, "en", id_heading="No")
    assert shown(state.facets["vessel"].accepted) == "gui; urn:other"
