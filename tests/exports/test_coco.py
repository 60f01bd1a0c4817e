"""COCO files load in the reference implementation with the right boxes, and tell whose each box is."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import SourceError
from sherd.exports.coco import coco, write_coco
from sherd.exports.described import Author, Described, ExportSettings, Statement
from sherd.ingest.sources.coco import CocoSource
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept
from tests.exports.examples import (
    BACK,
    CLOUD,
    CONCEPTS,
    DING,
    DRAGON,
    EAR,
    FOOT,
    FRONT,
    MASK,
    MODEL,
    PLAIN,
    RECORD,
    TAOTIE,
)

SETTINGS = ExportSettings("https://example.org/", "A museum", "Sherd 9")


def loaded(path: Path) -> Any:
    """As pycocotools reads it, without what it prints."""
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def boxes(found: Any, **wanted: Any) -> dict[str, list[float]]:
    ids = found.getAnnIds(**wanted)
    return {found.loadCats(one["category_id"])[0]["name"]: one["bbox"] for one in found.loadAnns(ids)}


def test_pycocotools_finds_the_boxes_in_pixels(tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    assert write_coco([DING, PLAIN], path, SETTINGS) == 4
    found = loaded(path)
    images = {one["file_name"]: one for one in found.loadImgs(found.getImgIds())}
    assert {name: (one["width"], one["height"]) for name, one in images.items()} == {
        FRONT: (320, 240), BACK: (300, 200), "b.jpg": (10, 20),
    }  # fmt: skip
    assert boxes(found, imgIds=[images[FRONT]["id"]]) == {
        "handle": [0, 0, 40, 60], "taotie": [80, 60, 160, 60], "cloud": [160, 180, 40, 60],
    }  # fmt: skip
    assert boxes(found, imgIds=[images[BACK]["id"]]) == {"dragon": [75, 50, 150, 50]}
    assert boxes(found, imgIds=[images["b.jpg"]["id"]]) == {}
    assert boxes(found, catIds=found.getCatIds(catNms=["taotie"])) == {"taotie": [80, 60, 160, 60]}
    assert [one["area"] for one in found.loadAnns(found.getAnnIds(areaRng=[9_000, 10_000]))] == [9_600]


def test_detections_can_be_compared_with_it(tmp_path: Path) -> None:
    """The reference evaluation takes the file as truth, and finds that its own boxes are right."""
    from pycocotools.cocoeval import COCOeval

    write_coco([replace(DING, statements=DING.statements[:-2])], tmp_path / "coco.json", SETTINGS)
    truth = loaded(tmp_path / "coco.json")
    wanted = ("image_id", "category_id", "bbox")
    guesses = [{**{name: one[name] for name in wanted}, "score": 0.9} for one in truth.dataset["annotations"]]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(guesses), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1)


def test_each_annotation_has_its_author() -> None:
    document = coco([DING], SETTINGS)
    names = {one["id"]: one["name"] for one in document["categories"]}
    said = {
        names[one["category_id"]]: {key: one[key] for key in ("author", "score", "who", "at", "model") if key in one}
        for one in document["annotations"]
    }
    assert said == {
        "handle": {"author": "catalogue"},
        "taotie": {"author": "catalogue"},
        "cloud": {"author": "person", "who": "Li Wei", "at": "2026-11-27T10:00:00+00:00"},
        "dragon": {"author": "machine", "score": 0.8125, "model": MODEL},
    }


def test_what_a_person_said_counts_once_and_what_one_refused_not_at_all() -> None:
    person = Statement(TAOTIE, "motif", Author.PERSON, image=FRONT, box=MASK, who="Li", at="2026-11-27T10:00:00+00:00")
    (same,) = _of(coco([replace(DING, statements=(*DING.statements, person))]), TAOTIE)
    assert same["author"] == "person"
    refused = replace(person, holds=False)
    assert _of(coco([replace(DING, statements=(*DING.statements, refused))]), TAOTIE) == []


def _of(document: dict[str, Any], concept: Concept) -> list[dict[str, Any]]:
    ids = {one["id"] for one in document["categories"] if one.get("uri") == concept.uri}
    return [one for one in document["annotations"] if one["category_id"] in ids]


def test_categories_name_what_is_broader() -> None:
    beast = Concept("urn:t:beast", {"en": "fabulous beast"})
    named = coco([DING], thesaurus=Thesaurus.from_concepts([beast, *CONCEPTS]))
    plain = coco([DING])
    assert {one["name"]: one["supercategory"] for one in named["categories"]} == {
        "handle": "", "taotie": "fabulous beast", "dragon": "fabulous beast", "cloud": "motif",
    }  # fmt: skip
    assert {one["name"]: one["supercategory"] for one in plain["categories"]}["taotie"] == "beast"
    assert {one.get("uri") for one in plain["categories"]} == {None, TAOTIE.uri, DRAGON.uri, CLOUD.uri}


def test_numbers_do_not_depend_on_what_else_is_exported(tmp_path: Path) -> None:
    alone, both = coco([DING]), coco([PLAIN, DING])
    assert alone["images"] == both["images"][1:]
    assert [one["id"] for one in alone["annotations"]] == [one["id"] for one in both["annotations"]]
    assert all(0 <= one["id"] < 2**52 for one in (*both["images"], *both["annotations"]))
    assert [one["id"] for one in both["categories"]] == [1, 2, 3, 4]


def test_categories_keep_the_numbers_of_an_earlier_file(tmp_path: Path) -> None:
    former = tmp_path / "former.json"
    write_coco([DING], former)
    first = Concept("urn:a:first", {"en": "first"})
    more = (*DING.statements, Statement(first, "motif", Author.PERSON, image=BACK, box=EAR, who="Li", at="x"))
    grown = coco([replace(DING, statements=more)], like=former)
    before = {one["name"]: one["id"] for one in json.loads(former.read_text("utf-8"))["categories"]}
    assert {one["name"]: one["id"] for one in grown["categories"]} == {**before, "first": 5}
    assert coco([PLAIN], like=former)["categories"] == json.loads(former.read_text("utf-8"))["categories"]
    former.write_text('{"images": [], "categories": [{"name": "a"}]}')
    with pytest.raises(SourceError, match="no number or no name"):
        coco([PLAIN], like=former)


def test_two_alike_get_two_numbers() -> None:
    twice = replace(DING, shots=DING.shots[:1], statements=())
    regions = (RECORD.images[0].regions[0],) * 2
    twice = replace(twice, record=replace(RECORD, images=(replace(RECORD.images[0], regions=regions),)))
    ids = [one["id"] for one in coco([twice])["annotations"]]
    assert len(set(ids)) == 2


def test_the_source_reads_back_what_people_and_the_catalogue_say(tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    write_coco([DING, PLAIN], path, SETTINGS)
    front, back, plain = CocoSource(path, tmp_path).items()
    assert front.record is not None
    assert back.record is not None
    assert plain.record is not None
    assert {front.record.record_id, back.record.record_id} == {RECORD.record_id}
    assert [(one.label, one.box) for one in front.record.images[0].regions] == [
        ("handle", EAR), ("饕餮纹", MASK), ("cloud", FOOT),
    ]  # fmt: skip
    assert front.record.titles == {"zh": "饕餮纹鼎"}
    assert front.record.licence == "CC0 1.0"
    assert back.record.images[0].regions == ()
    assert back.warnings == ("suggestion_left_out: 1 boxes are a machine's",)
    assert plain.record.images == PLAIN.record.images


def test_a_picture_that_could_not_be_opened_takes_its_boxes_with_it() -> None:
    document = coco([Described(RECORD, DING.shots[1:], DING.statements)])
    assert [one["file_name"] for one in document["images"]] == [BACK]
    assert [one["author"] for one in document["annotations"]] == ["machine"]
