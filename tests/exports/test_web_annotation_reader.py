"""Annotations that come back, or come from other tools: a machine never becomes a person, nothing is lost unsaid."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.catalogue import decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.standings import standings
from sherd.errors import InvalidArgument, RejectedItem, SourceError
from sherd.exports import web_annotation_reader
from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement, describe
from sherd.exports.pictures_meant import PicturesMeant
from sherd.exports.web_annotation import web_annotations, write_annotations
from sherd.exports.web_annotation_reader import ReadAnnotations, import_annotations, read_annotations
from sherd.ingest.library import Library
from sherd.ingest.sources.selectors import pixels
from sherd.suggest.review import decide, undo
from sherd.types import Action, Box, Decision, Record, SourceImage
from tests.catalogue.shelf import filled
from tests.catalogue.vessels import GUI, OFFERING, SCHEME, TRIPOD, VESSEL, VESSELS
from tests.exports import web_annotation_rules as rules
from tests.exports.examples import BACK, CLOUD, DING, FOOT, FRONT, LUCK, PLAIN, SHOTS
from tests.exports.mutations import mutations

WEB = ExportSettings("https://museum.example/things/", "Bronzes", "Sherd 0")
SHOTS_OF = {DING.record.record_id: SHOTS, PLAIN.record.record_id: PLAIN.shots}
DING_JPG = "a/ding.jpg"
"""The picture of record 1982.30.1 of the library, 320 x 240."""


ALL = list(web_annotations([DING, PLAIN], WEB, refused=True))


def read(path: Path, document: Any, *, who: str = "Ann", by_name: bool = False) -> ReadAnnotations:
    path.write_text(document if isinstance(document, str) else json.dumps(document, ensure_ascii=False), "utf-8")
    return read_annotations(path, PicturesMeant(SHOTS_OF, by_name=by_name), who)


def note(body: Any = "urn:t:dragon", target: Any = None, **more: Any) -> dict[str, Any]:
    selector = {"type": "FragmentSelector", "value": "xywh=32,24,64,48"}
    return {
        "@context": rules.ANNO, "id": "https://other.example/1", "type": "Annotation", "motivation": "tagging",
        "body": body, "target": target or {"source": FRONT, "selector": selector},
    } | more  # fmt: skip


def fragment(value: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "value": value}


def svg(shape: str) -> dict[str, str]:
    return {"type": "SvgSelector", "value": f"<svg>{shape}</svg>"}


def reasons(found: list[tuple[str, RejectedItem]] | tuple[tuple[str, RejectedItem], ...]) -> list[str]:
    return [refusal.reason for _, refusal in found]


def test_what_left_comes_back_from_people_only(tmp_path: Path) -> None:
    write_annotations([DING], tmp_path, WEB, refused=True)
    found = read_annotations(tmp_path, PicturesMeant(SHOTS_OF), "Registrar")
    assert found.refused == []
    assert found.left_out == Counter(machine=2, catalogue=7)
    cloud, vessel, luck = found.decisions
    assert (cloud.record_id, cloud.action, cloud.value, cloud.image) == ("1987/10 a", Action.OTHER, CLOUD.uri, FRONT)
    assert cloud.new_box is not None
    assert pixels(cloud.new_box, 320, 240) == pixels(FOOT, 320, 240)
    assert (cloud.who, cloud.at) == ("Li Wei", "2026-11-27T10:00:00+00:00")
    assert re.search("annotation https://museum.example/things/annotation/decision-1, .* by Registrar", cloud.note)
    assert (vessel.image, vessel.new_box) == (None, None)
    assert (luck.action, luck.concept, luck.value) == (Action.REJECT, LUCK.uri, None)


@given(*[st.floats(0, 1)] * 4, st.integers(1, 9_000), st.integers(1, 9_000))
def test_boxes_come_back_to_a_pixel(x: float, y: float, w: float, h: float, width: int, height: int) -> None:
    try:
        box = Box(x, y, w, h)
    except InvalidArgument:
        return
    shot = Shot("a.png", width, height, "1" * 64)
    said = Statement(CLOUD, "motif", Author.PERSON, image="a.png", box=box, who="Li", at="2026-01-01T00:00:00Z")
    one = Described(Record("r", (SourceImage("a.png"),)), (shot,), (said,))
    (made,) = web_annotations([one], WEB)
    found = ReadAnnotations()
    web_annotation_reader._read(made, "", PicturesMeant({"r": (shot,)}), "Ann", found)
    (back,) = found.decisions
    assert back.new_box is not None
    assert pixels(back.new_box, width, height) == pixels(box, width, height)


def test_an_address_of_a_shared_picture_needs_its_record(tmp_path: Path) -> None:
    shots = {"one": SHOTS, "two": SHOTS}
    alone = "https://museum.example/things/picture/a/back.png"
    scoped = {"source": alone, "scope": "https://museum.example/things/object/two"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([note(target=alone), note(target=scoped)]), "utf-8")
    found = read_annotations(path, PicturesMeant(shots), "Ann")
    assert reasons(found.refused) == ["target_ambiguous"]
    assert [(one.record_id, one.image) for one in found.decisions] == [("two", BACK)]


def test_pictures_at_addresses_of_ones_own_come_back(tmp_path: Path) -> None:
    for picture in (
        lambda shot: f"https://img.example/{shot.sha256}/full.jpg",
        lambda shot: f"https://i.example/{shot.path}",
    ):
        write_annotations([DING], tmp_path, WEB, picture=picture)
        found = read_annotations(tmp_path, PicturesMeant(SHOTS_OF), "Registrar")
        assert [one.image for one in found.decisions] == [FRONT, None]


@pytest.mark.parametrize(
    "target",
    [
        f"{FRONT}#xywh=32,24,64,48",
        "a/front%201.png#xywh=percent:10,10,20,20",
        {"source": {"id": FRONT, "type": "Image"}, "selector": [fragment("xywh=pixel:32,24,64,48")]},
        {"source": FRONT, "selector": svg("<polygon points='32,24 96,24 96,72'/>")},
        {"source": FRONT, "selector": svg("<path d='M32 24h64v48z'/>")},
        {"source": FRONT, "selector": svg("<circle cx='64' cy='48' r='24'/>")},
        {"id": "urn:any:base/object/1987%2F10%20a/canvas/a/front%201.png#xywh=32,24,64,48", "type": "Canvas"},
        ["https://museum.example/things/picture/a/front%201.png#xywh=32,24,64,48"],
    ],
)  # fmt: skip
def test_places_of_other_tools_are_read(tmp_path: Path, target: Any) -> None:
    found = read(tmp_path / "a.json", note(target=target))
    (one,) = found.decisions
    assert (one.record_id, one.image, found.refused) == (DING.record.record_id, FRONT, [])
    assert one.new_box is not None
    expected = (40, 24, 48, 48) if "circle" in json.dumps(target) else (32, 24, 64, 48)
    assert pixels(one.new_box, 320, 240) == expected


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("urn:t:dragon", ["urn:t:dragon"]),
        ({"type": "TextualBody", "value": "dragon"}, ["dragon"]),
        ({"type": "TextualBody", "value": "dragon", "purpose": "commenting"}, []),
        ({"type": "SpecificResource", "source": "urn:t:dragon", "purpose": "identifying"}, ["urn:t:dragon"]),
        ({"purpose": "classifying", "source": {"id": "urn:t:dragon", "label": "dragon"}}, ["urn:t:dragon"]),
        ({"id": "urn:t:dragon", "type": "skos:Concept"}, ["urn:t:dragon"]),
        ({"id": "https://x.example/a.png", "type": "Image"}, []),
        ([{"type": "TextualBody", "value": "below", "purpose": "commenting"}, "urn:t:dragon"], ["urn:t:dragon"]),
        ({"type": "Choice", "items": ["urn:t:dragon", {"value": "cloud"}]}, ["urn:t:dragon", "cloud"]),
        (
            [{"type": "TextualBody", "value": v, "urn:sherd:terms#concept": "urn:t:dragon"} for v in ("dragon", "龙")],
            ["urn:t:dragon"],
        ),
        (None, []),
    ],
)  # fmt: skip
def test_terms_of_other_tools_are_read(tmp_path: Path, body: Any, values: list[str]) -> None:
    found = read(tmp_path / "a.json", note(body))
    assert [one.value for one in found.decisions] == values
    assert found.left_out["no_term"] == (not values)
    assert found.refused == []


SOFTWARE = {"type": "Software", "name": "Tagger 2"}


@pytest.mark.parametrize(
    "marks",
    [
        {"generator": SOFTWARE},
        {"generator": "https://tagger.example/"},
        {"creator": SOFTWARE},
        {"creator": [{"type": ["Software"], "name": "Tagger"}]},
        {"creator": {"type": "prov:SoftwareAgent"}},
        {"statedBy": "machine"},
        {"urn:sherd:terms#statedBy": "machine", "creator": {"type": "Person", "name": "Li"}},
        {"sherd:probability": 0.7, "creator": {"type": "Person", "name": "Li"}},
        {"body": {"type": "TextualBody", "value": "dragon", "creator": SOFTWARE}},
        {"body": {"type": "TextualBody", "value": "dragon", "generator": SOFTWARE}},
        {"holds": False, "motivation": "moderating", "generator": SOFTWARE},
    ],
)
def test_a_machine_never_becomes_a_person(tmp_path: Path, marks: dict[str, Any]) -> None:
    found = read(tmp_path / "a.json", note() | marks)
    assert found.decisions == []
    assert found.left_out["machine"] == 1


def test_a_person_with_a_program_is_a_person(tmp_path: Path) -> None:
    people = {
        "creator": {"type": "Person", "name": " Li\tWei "},
        "generator": SOFTWARE,
        "created": "2026-01-02T03:04:05+08:00",
    }
    in_body = {"type": "TextualBody", "value": "dragon", "creator": {"id": "https://x.example/u/1", "name": "Wang"}}
    found = read(
        tmp_path / "a.jsonl", "\n".join(map(json.dumps, [note(**people), note(in_body), note(created="soon")]))
    )
    assert [one.who for one in found.decisions] == ["Li Wei", "Wang", "Ann"]
    assert found.decisions[0].at == "2026-01-01T19:04:05+00:00"
    assert all(one.at >= "2026" for one in found.decisions)


def test_a_time_that_is_to_come_is_not_believed(tmp_path: Path) -> None:
    (one,) = read(tmp_path / "a.json", note(created="9999-01-01T00:00:00Z")).decisions
    assert one.at < "9999"


@pytest.mark.parametrize(
    "document",
    [
        note(),
        [note()],
        {"type": "AnnotationPage", "items": [note()]},
        {"type": "AnnotationCollection", "first": {"type": "AnnotationPage", "items": [note()]}},
        {"type": "AnnotationCollection", "first": "https://x.example/1", "items": [note()]},
        {"@type": "sc:AnnotationList", "resources": [note()]},
    ],
)
def test_all_ways_to_pack_annotations_are_read(tmp_path: Path, document: Any) -> None:
    assert len(read(tmp_path / "a.json", document).decisions) == 1
    assert len(read(tmp_path / "b.jsonld", document).decisions) == 1
    assert (
        len(read(tmp_path / "c.ndjson", json.dumps(document if isinstance(document, dict) else note())).decisions) == 1
    )
    assert len(read_annotations(tmp_path, PicturesMeant(SHOTS_OF), "Ann").decisions) == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (note(target="https://other.example/a/front%201.png"), "target_unknown"),
        (note(target="gone.png"), "target_unknown"),
        (note(target={"selector": {"type": "FragmentSelector", "value": "xywh=1,1,2,2"}}), "target_missing"),
        (note(target=[]) | {"target": []}, "target_missing"),
        (note(target="https://[x/"), "target_unknown"),
        (note(target=f"{FRONT}#xywh=1,2"), "box_invalid"),
        (note(target=f"{FRONT}#xywh=400,2,9,9"), "box_invalid"),
        (note(target={"source": FRONT, "selector": {"type": "PointSelector"}}), "selector_unsupported"),
        (
            note(target={"source": FRONT, "selector": {"type": "SvgSelector", "value": "<!DOCTYPE a><svg/>"}}),
            "svg_invalid",
        ),
        (note("x" * 2_000), "text_too_long"),
        (note(creator={"type": "Person", "name": "x" * 300}), "text_too_long"),
        (note(creator={"type": "Person", "name": "a\u202eb"}), "text_invalid"),
        ({"type": "Manifest"}, "not_annotation"),
        (7, "not_annotation"),
        (None, "not_annotation"),
        ("a", "not_annotation"),
    ],
)
def test_a_broken_one_is_refused_and_the_rest_is_kept(tmp_path: Path, broken: Any, reason: str) -> None:
    found = read(tmp_path / "a.json", {"type": "AnnotationPage", "items": [note(), broken, note()]})
    assert len(found.decisions) == 2
    assert [(where, one.reason) for where, one in found.refused] == [("a.json item 2", reason)]


def test_addresses_from_elsewhere_count_by_name_only_when_asked(tmp_path: Path) -> None:
    targets = [
        "https://x.example/images/a/back.png",
        "https://x.example/back.png#xywh=0,0,9,9",
        "https://x.example/c.png",
    ]
    notes = [note(target=target) for target in targets]
    assert reasons(read(tmp_path / "a.json", notes).refused) == ["target_unknown"] * 3
    found = read(tmp_path / "a.json", notes, by_name=True)
    assert [one.image for one in found.decisions] == [BACK, BACK]
    assert reasons(found.refused) == ["target_unknown"]
    twice = {"one": (Shot("a/1.png", 9, 9, ""),), "two": (Shot("b/1.png", 9, 9, ""),)}
    (tmp_path / "b.json").write_text(json.dumps(note(target="https://x.example/1.png")), "utf-8")
    found = read_annotations(tmp_path / "b.json", PicturesMeant(twice, by_name=True), "Ann")
    assert reasons(found.refused) == ["target_ambiguous"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a": NaN}', '{"a": 1, "a": 2}', "\ud800"])
def test_what_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SourceError, match=r"a\.json: (json|text)_"):
        read_annotations(path, PicturesMeant({}), "Ann")
    (tmp_path / "b.json").write_text("[]")
    assert len(read_annotations(tmp_path, PicturesMeant({}), "Ann").refused) == 1


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.json"):
        with pytest.raises(SourceError):
            read_annotations(path, PicturesMeant({}), "Ann")
    for who in ("", "\n", "x" * 201):
        with pytest.raises(InvalidArgument):
            read_annotations(tmp_path, PicturesMeant({}), who)


# Into a library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    (tmp_path / "lib").mkdir()
    shelf = filled(tmp_path / "lib")
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    yield Library(tmp_path / "lib", shelf)
    shelf.close()


def held(library: Library, record: str = "1982.30.1") -> dict[str, bool]:
    return {
        one.concept: one.holds
        for one in standings(decisions.about(library.catalogue.database, [record]).get(record, ()))
    }


def put(path: Path, *notes: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in notes), "utf-8")
    return path


def mine(body: Any, at: str = "", where: str = f"{DING_JPG}#xywh=32,24,64,48", **more: Any) -> dict[str, Any]:
    made = {"creator": {"type": "Person", "name": "Li"}} | ({"created": at} if at else {})
    return note(body, where, **(made | more))


def test_a_library_takes_annotations_in(library: Library, tmp_path: Path) -> None:
    path = put(
        tmp_path / "in.jsonl", mine(TRIPOD, "2026-01-01T00:00:00Z"), mine({"type": "TextualBody", "value": "簋"}),
        mine(VESSEL, generator=SOFTWARE, creator=[]), mine("urn:no:concept"), mine(OFFERING, where="nowhere.jpg"),
        mine({"type": "TextualBody", "value": "quite unlike"}),
    )  # fmt: skip
    found = import_annotations(library, path, "Registrar")
    assert (found.kept, found.known, found.older, found.left_out) == (2, 0, 0, {"machine": 1})
    assert [(where, one.reason) for where, one in found.refused] == [
        ("in.jsonl line 5", "target_unknown"), ("in.jsonl line 4", "concept_unknown"),
        ("in.jsonl line 6", "concept_unknown"),
    ]  # fmt: skip
    assert held(library) == {TRIPOD: True, GUI: True}
    kept = decisions.about(library.catalogue.database, ["1982.30.1"])["1982.30.1"]
    assert [(one.decision.who, one.decision.action, one.decision.facet) for one in kept] == [
        ("Li", Action.OTHER, "vessel"), ("Li", Action.OTHER, "vessel"),
    ]  # fmt: skip
    assert kept[0].decision.new_box == Box(0.1, 0.1, 0.2, 0.2)
    assert list(decisions.faults(library.catalogue.database)) == []
    again = import_annotations(library, path, "Registrar")
    assert (again.kept, again.known) == (0, 2)


def test_an_older_word_does_not_stand_above_a_newer_one(library: Library, tmp_path: Path) -> None:
    word = Decision("1982.30.1", Action.REJECT, "Ann", "2026-06-01T00:00:00+00:00", concept=TRIPOD)
    decide(library, [word])
    old, new = mine(TRIPOD, "2026-05-01T00:00:00Z"), mine(TRIPOD, "2026-07-01T00:00:00Z")
    found = import_annotations(library, put(tmp_path / "a.jsonl", old), "Registrar")
    assert (found.kept, found.older, held(library)) == (0, 1, {TRIPOD: False})
    found = import_annotations(library, put(tmp_path / "b.jsonl", new, old), "Registrar")
    assert (found.kept, found.known, held(library)) == (1, 1, {TRIPOD: True})


def test_of_several_places_of_a_concept_the_last_counts(library: Library, tmp_path: Path) -> None:
    at = "2026-05-01T00:00:00Z"
    notes = [
        mine(TRIPOD, at),
        mine(TRIPOD, at, f"{DING_JPG}#xywh=0,0,64,48"),
        mine(TRIPOD, at, f"{DING_JPG}#xywh=0,0,64,48"),
    ]
    path = put(tmp_path / "a.jsonl", *notes)
    first, again = (import_annotations(library, path, "Registrar") for _ in range(2))
    assert (first.kept, first.replaced, first.known) == (1, 1, 1)
    assert (again.kept, again.replaced, again.known) == (0, 1, 2)
    (kept,) = decisions.about(library.catalogue.database, ["1982.30.1"])["1982.30.1"]
    assert kept.decision.new_box == Box(0, 0, 0.2, 0.2)


def test_what_was_taken_back_does_not_come_back(library: Library, tmp_path: Path) -> None:
    path = put(tmp_path / "a.jsonl", mine(TRIPOD, "2026-05-01T00:00:00Z"))
    import_annotations(library, path, "Registrar")
    (kept,) = decisions.about(library.catalogue.database, ["1982.30.1"])["1982.30.1"]
    decide(library, [undo(kept, "Ann")])
    found = import_annotations(library, path, "Registrar")
    assert (found.kept, found.older, held(library)) == (0, 1, {})


def test_a_library_knows_its_own_export(library: Library, tmp_path: Path) -> None:
    at = "2026-11-27T10:00:00+00:00"
    place = Box(0.1003, 0.2, 0.3, 0.4001)
    decide(
        library,
        [
            Decision("1982.30.1", Action.OTHER, "Li", at, value=GUI, image=DING_JPG, new_box=place),
            Decision("bell", Action.REJECT, "Ann", at, concept=TRIPOD),
            Decision("v-7", Action.ACCEPT, "Ann", at, concept=OFFERING),
        ],
    )
    assert write_annotations(describe(library), tmp_path / "out", WEB, refused=True) >= 3
    found = import_annotations(library, tmp_path / "out", "Registrar")
    assert (found.kept, found.known, found.older, found.refused) == (0, 3, 0, ())
    other = filled(tmp_path)
    import_thesaurus(other.database, VESSELS, name=SCHEME)
    twin = Library(tmp_path, other)
    assert import_annotations(twin, tmp_path / "out", "Registrar").kept == 3
    assert [held(twin, name) for name in ("1982.30.1", "bell", "v-7")] == [
        {GUI: True},
        {TRIPOD: False},
        {OFFERING: True},
    ]
    other.close()


def test_no_annotation_breaks_the_reader(tmp_path: Path) -> None:
    kept = 0
    for seed, one in enumerate((*ALL, note({"type": "Choice", "items": ["urn:t:dragon"]}))):
        found = read(tmp_path / "a.json", [*mutations(one, 60, seed)], by_name=True)
        assert all(decision.value or decision.concept for decision in found.decisions)
        kept += len(found.decisions)
    assert kept > 100
