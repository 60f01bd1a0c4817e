"""Records survive their JSON, and several views make one record."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from sherd.catalogue.records import digest, filter_terms, from_body, item_key, merge, to_body
from sherd.types import Box, Caption, Phrase, Record, Region, SourceImage
from tests.catalogue.shelf import DING, VASE

_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_maps = st.dictionaries(_text, _text, max_size=3)
_lists = st.lists(_text, max_size=3).map(tuple)
_maybe = st.none() | _text
_records = st.builds(
    Record,
    record_id=_text,
    images=st.just(()),
    titles=_maps,
    descriptions=_maps,
    object_type=_maybe,
    materials=_lists,
    culture=_maybe,
    period=_maybe,
    motifs=_lists,
    themes=_lists,
    rights=_maybe,
    licence=_maybe,
    split=_maybe,
    captions=st.lists(st.builds(Caption, _text, _text, _text), max_size=2).map(tuple),
    phrases=st.lists(st.builds(Phrase, _text, _text, st.none() | st.integers(0, 9)), max_size=2).map(tuple),
    extra=_maps,
)


@given(_records)
def test_a_record_survives_its_json(record: Record) -> None:
    assert from_body(record.record_id, to_body(record)) == record


def test_every_field_of_a_record_is_kept() -> None:
    full = replace(DING, themes=("x",), licence="y", split="train", captions=(Caption("en", "z", "long"),))
    assert all(getattr(full, field.name) for field in fields(Record))
    assert from_body(full.record_id, to_body(full), full.images) == full


def test_the_digest_changes_with_everything_that_a_source_says() -> None:
    def of(record: Record) -> str:
        return digest(record.record_id, to_body(record), record.images)

    moved = SourceImage("a/ding.jpg", (Region(Box(0.1, 0.2, 0.3, 0.41), "taotie", concept="taotie"),), "front")
    others = [
        replace(DING, record_id="x"),
        replace(DING, titles={"zh": "鼎"}),
        replace(DING, images=()),
        replace(DING, images=(moved,)),
        replace(DING, images=(replace(DING.images[0], view="back"),)),
        replace(DING, extra={}),
    ]
    assert len({of(DING), *map(of, others)}) == len(others) + 1
    assert of(DING) == of(replace(DING, titles=dict(DING.titles)))


def test_an_item_is_known_by_its_record_and_its_paths() -> None:
    assert item_key(DING) == item_key(replace(DING, titles={}, images=(SourceImage("a/ding.jpg"),)))
    assert len({item_key(DING), item_key(DING, 1), item_key(VASE), item_key(replace(DING, record_id="x"))}) == 4


def test_of_several_views_the_first_text_counts_and_lists_are_joined() -> None:
    first = Record("o", (SourceImage("1"),), titles={"en": "A"}, materials=("jade",), phrases=(Phrase("ear", "en", 0),))
    second = Record(
        "o",
        (SourceImage("2"), SourceImage("1")),
        titles={"en": "B", "zh": "乙"},
        materials=("gold", "jade"),
        period="Han",
        phrases=(Phrase("foot", "en", 0), Phrase("ear", "en", 0)),
    )
    both = merge([first, second])
    assert dict(both.titles) == {"en": "A", "zh": "乙"}
    assert both.materials == ("jade", "gold")
    assert both.period == "Han"
    assert [image.path for image in both.images] == ["1", "2"]
    assert both.phrases == (Phrase("ear", "en", 0), Phrase("foot", "en", None))
    assert merge([first]) is first


def test_filter_terms_cover_the_fields_of_filters() -> None:
    from sherd.catalogue.filters import CONCEPT, FIELDS

    assert sorted([CONCEPT, *filter_terms(DING)]) == list(FIELDS)
