"""Hits, the question and the filters in the form in which the page shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np

from sherd.catalogue.facets import FacetValue
from sherd.catalogue.lexical import fold
from sherd.ingest.library import Library
from sherd.search.words import Language, covers
from sherd.server.schemas import BoxForm, ImageForm, QueryForm
from sherd.server.themes import Themes
from sherd.thesaurus.folding import speaks
from sherd.types import Box, Hit, Understood

_MOST_NAMES = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with a box on it. width, height: of the original, for the proportions. heat: address of its heat map
    for the question, where there can be one."""

    src: str
    width: int
    height: int
    box: Box | None = None
    heat: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A hit as the page shows it.

    title: in the language of the page, where the record has one. reasons: (name in `page_words`, per cent of what
    speaks for it), the most first. likely: in how many of 100 cases such a hit is right, where that is known.
    kept: what goes to the board, as JSON. image: the picture in a query, as JSON. themes: that it shares with the
    question, by the catalogue and by people.
    """

    hit: Hit
    title: str
    frame: Frame
    reasons: tuple[tuple[str, int], ...]
    likely: int | None
    picture_query: str
    part_query: str
    kept: str
    image: str
    themes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """The picture of a question, if it has one, and the queries without single parts of it."""

    frame: Frame | None
    image: str
    without_picture: str
    without_minus: str
    filters: tuple[tuple[str, str, str], ...]
    plain: str
    helped: str

    @classmethod
    def of(cls, library: Library, form: QueryForm) -> Asked:
        """What there is to show of a query. filters: (field, value, query without it)."""
        first = form.model_copy(update={"offset": 0})
        return cls(
            _frame_of(library, form),
            form.image.model_dump_json(exclude_none=True) if form.image is not None else "",
            first.model_copy(update={"image": None, "box": None}).short(),
            first.model_copy(update={"minus": None}).short(),
            tuple(
                (field, value, toggled(form, field, value).short())
                for field, values in form.where.items()
                for value in values
            ),
            first.model_copy(update={"plain": True}).short(),
            first.model_copy(update={"plain": False}).short(),
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter: how many records have it, whether it is chosen, and the query with that turned round."""

    value: str
    count: int
    chosen: bool
    query: str


@dataclass(frozen=True, slots=True)
class Meant:
    """What words of a question were taken for: its label, its URI, some other names, and how many more."""

    words: str
    label: str
    uri: str
    names: tuple[str, ...]
    more: int
    narrower: int


def shown_hits(
    library: Library, form: QueryForm, hits: Sequence[Hit], language: Language, themes: Themes | None = None
) -> list[Shown]:
    """The hits of a page with the sizes of their pictures. themes: that records share with the question."""
    records = library.catalogue.get_many([hit.record_id for hit in hits])
    sizes = library.catalogue.pictures_by_sha256(list(dict.fromkeys(hit.sha256 for hit in hits)))
    heats = form.text is not None or form.box is not None
    heat = urlencode({"q": form.model_copy(update={"where": {}, "offset": 0}).short()}) if heats else None
    found = []
    for hit in hits:
        stored = sizes.get(hit.sha256)
        box = hit.region.box if hit.region is not None and not covers(hit.region.box) else None
        frame = Frame(
            f"/api/v1/pictures/{hit.sha256}/thumbnail",
            stored.width if stored is not None else 1,
            stored.height if stored is not None else 1,
            box,
            f"/api/v1/pictures/{hit.sha256}/heat?{heat}" if heat else None,
        )
        title = title_in(records[hit.record_id].titles, language) if hit.record_id in records else ""
        title = title or hit.title
        found.append(
            Shown(
                hit,
                title,
                frame,
                shares(hit.reasons),
                round(100 * hit.probability) if hit.probability is not None else None,
                by_picture(hit.sha256, None),
                by_picture(hit.sha256, hit.region.box if hit.region is not None else None),
                kept_on_board(hit.record_id, title, hit.sha256, frame),
                ImageForm(picture=hit.sha256).model_dump_json(exclude_none=True),
                (themes or {}).get(hit.record_id, ()),
            )
        )
    return found


def title_in(titles: Mapping[str, str], language: Language) -> str:
    """The title in a language; where there is none in it, the first; '' where there is none at all.

    >>> title_in({"en": "tripod", "zh-Hans": "鼎"}, "zh"), title_in({"ja": "鼎"}, "en")
    ('鼎', '鼎')
    """
    for tag, title in titles.items():
        if speaks(tag, language):
            return title
    return next(iter(titles.values()), "")


def kept_on_board(record_id: str, title: str, sha256: str, frame: Frame) -> str:
    """What a browser keeps of something on its board, as JSON."""
    box = BoxForm.of(frame.box).model_dump() if frame.box is not None else None
    said = {"record": record_id, "title": title, "picture": sha256, "box": box, "w": frame.width, "h": frame.height}
    return json.dumps(said, ensure_ascii=False)


def shares(reasons: Mapping[str, float]) -> tuple[tuple[str, int], ...]:
    """(reason, per cent of all that speaks for a hit), the most first; what speaks against it comes last, below 0.

    >>> shares({"object": 0.1, "part": 0.3, "lexical": 0.0, "minus": -0.1})
    (('part', 75), ('object', 25), ('minus', -25))
    """
    whole = sum(max(share, 0.0) for share in reasons.values())
    if whole <= 0:
        return ()
    told = ((name, round(100 * share / whole)) for name, share in reasons.items())
    return tuple(sorted(((name, share) for name, share in told if share), key=lambda one: -one[1]))


def first_guess(hits: Sequence[Hit]) -> int | None:
    """The place from which on all hits are guesses; None where the last one is none."""
    place = len(hits)
    while place and hits[place - 1].guess:
        place -= 1
    return place if place < len(hits) else None


def meant_words(one: Understood, name: str) -> Meant:
    """What the thesaurus made of words of the question. name: of the concept as the page speaks, or its URI."""
    label = one.label if name == one.uri else name
    others = [other for other in one.names if fold(other) not in (fold(one.words), fold(label))]
    shown = tuple(others[:_MOST_NAMES])
    return Meant(one.words, label, one.uri, shown, len(others) - len(shown), one.narrower)


def choices_of(form: QueryForm, field: str, values: Sequence[FacetValue]) -> list[Choice]:
    """The values of one field as filters; what is chosen is there even where it is not frequent."""
    chosen = {fold(value): value for value in form.where.get(field, [])}
    there = {fold(one.value) for one in values}
    listed = [*values, *(FacetValue(value, 0) for folded, value in chosen.items() if folded not in there)]
    if len(listed) < 2 and not chosen:
        return []
    return [
        Choice(
            one.value, one.count, fold(one.value) in chosen,
            toggled(form, field, chosen.get(fold(one.value), one.value)).short(),
        )
        for one in listed
    ]  # fmt: skip


def toggled(form: QueryForm, field: str, value: str) -> QueryForm:
    """The query with this value of a filter turned on, or off where it is on."""
    values = [*form.where.get(field, [])]
    values = [one for one in values if one != value] if value in values else [*values, value]
    where = {name: some for name, some in {**form.where, field: values}.items() if some}
    return form.model_copy(update={"where": where, "offset": 0})


def by_picture(sha256: str, box: Box | None) -> str:
    """A query with a picture of the library, or a box on it."""
    image = ImageForm(picture=sha256)
    return (QueryForm(image=image) if box is None else QueryForm(image=image, box=BoxForm.of(box))).short()


def records_asked_with(library: Library, form: QueryForm) -> list[str]:
    """The records whose picture is asked with; none for an upload."""
    if form.image is None or form.image.picture is None:
        return []
    stored = library.catalogue.pictures_by_sha256([form.image.picture]).get(form.image.picture)
    if stored is None:
        return []
    shown = library.catalogue.hits_for(np.array([stored.key], np.int64))
    return [one.record_id for some in shown.values() for one in some]


def _frame_of(library: Library, form: QueryForm) -> Frame | None:
    if form.image is None:
        return None
    box = form.box.box() if form.box is not None else None
    if form.image.upload:
        return Frame(f"/api/v1/uploads/{form.image.upload}/thumbnail", 0, 0, box)
    assert form.image.picture is not None
    stored = library.catalogue.pictures_by_sha256([form.image.picture]).get(form.image.picture)
    size = (stored.width, stored.height) if stored is not None else (0, 0)
    return Frame(f"/api/v1/pictures/{form.image.picture}/thumbnail", *size, box)
