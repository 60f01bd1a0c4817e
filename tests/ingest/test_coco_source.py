"""COCO files of strangers: each image is an item, a record or a reason, and a machine's boxes are no knowledge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import SourceError
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.sources import SourceItem
from sherd.ingest.sources import coco as coco_source
from sherd.ingest.sources.coco import CocoSource
from sherd.types import Box
from tests.ingest.museum import SIZE_PX, ingest, paint

CATEGORIES = [{"id": 1, "name": "ear", "supercategory": "part"}, {"id": "two", "name": "foot"}]


def image(number: Any = 1, name: Any = "a.png", **more: Any) -> dict[str, Any]:
    return {"id": number, "file_name": name, "width": 20, "height": 10, **more}


def mark(image_id: Any = 1, category: Any = 1, box: Any = (5, 5, 10, 5), **more: Any) -> dict[str, Any]:
    return {"id": 9, "image_id": image_id, "category_id": category, "bbox": box, **more}


def items(folder: Path, images: Any, marks: Any = (), **more: Any) -> list[SourceItem]:
    document = {"images": images, "annotations": list(marks), "categories": CATEGORIES, **more}
    (folder / "coco.json").write_text(json.dumps(document), "utf-8")
    return list(CocoSource(folder / "coco.json", folder).items())


def reasons(found: list[SourceItem]) -> list[str]:
    return [one.reject.reason if one.reject else "" for one in found]


def test_boxes_become_regions_with_the_names_of_their_categories(tmp_path: Path) -> None:
    marks = [mark(), mark(2, "two", [0.5, 0, 19.5, 10]), mark(2, 77), mark(1, 1, [15, 5, 5, 5])]
    first, second = items(tmp_path, [image(1, "t/a.png"), image(2, "图.png", license=4)], marks, licenses=[
        {"id": 4, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
    ])  # fmt: skip
    assert first.record is not None
    assert second.record is not None
    assert (first.where, first.ordinal, first.warnings) == ("coco.json image 1", 0, ())
    assert first.record.record_id == "t/a.png"
    assert [(one.label, one.box) for one in first.record.images[0].regions] == [
        ("ear", Box(0.25, 0.5, 0.5, 0.5)), ("ear", Box(0.75, 0.5, 0.25, 0.5)),
    ]  # fmt: skip
    assert [one.label for one in second.record.images[0].regions] == ["foot", None]
    assert second.record.licence == "CC BY 4.0"


def test_a_machines_boxes_are_left_out_and_counted(tmp_path: Path) -> None:
    marks = [
        mark(author="machine", score=0.9),
        mark(score=0.5),
        mark(author="person", score=1.0),
        mark(box=[0, 0, 1, 1]),
    ]
    (found,) = items(tmp_path, [image()], marks)
    assert found.record is not None
    assert len(found.record.images[0].regions) == 2
    assert found.warnings == ("suggestion_left_out: 2 boxes are a machine's",)


def test_a_label_that_means_two_concepts_is_one_region(tmp_path: Path) -> None:
    marks = [mark(label="gilt ear"), mark(category="two", label="gilt ear"), mark(category="two")]
    (found,) = items(tmp_path, [image()], marks)
    assert found.record is not None
    assert [one.label for one in found.record.images[0].regions] == ["gilt ear", "foot"]


def test_images_of_one_record_are_its_views(tmp_path: Path) -> None:
    found = items(tmp_path, [image(1, "a.png", record_id="7", title="鼎"), image(2, "b.png", record_id="7")])
    assert [one.record.record_id for one in found if one.record] == ["7", "7"]
    assert found[0].record is not None
    assert found[0].record.titles == {"zh": "鼎"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (image(name=None), "image_missing"),
        (image(name=3), "field_invalid"),
        (image(name="../a.png"), "path_outside_root"),
        (image(name="file:///a.png"), "path_outside_root"),
        (image(name="a\u0000.png"), "path_invalid"),
        (image(number=None), "field_invalid"),
        (image(number=[1]), "field_invalid"),
        (image(record_id=" "), "id_missing"),
        (image(record_id="a\nb"), "id_invalid"),
        (image(title="\ud800"), "text_invalid"),
        ({"id": 1, "file_name": "none.png"}, "file_missing"),
    ],
)
def test_a_bad_image_costs_itself(tmp_path: Path, entry: dict[str, Any], reason: str) -> None:
    assert reasons(items(tmp_path, [entry, image(2, "b.png")], [mark()]))[:2] == [reason, ""]


def test_numbers_that_stand_twice_are_refused_and_lost_boxes_told(tmp_path: Path) -> None:
    found = items(tmp_path, [image(1), image(1, "b.png"), image(2, "c.png")], [mark(3), mark([1]), mark(2)])
    assert reasons(found) == ["field_invalid", "field_invalid", "", "field_invalid"]
    assert [one.ordinal for one in found] == [0, 1, 2, 3]
    assert found[3].reject is not None
    assert "2 annotations" in found[3].reject.detail


def test_a_bad_box_costs_itself(tmp_path: Path) -> None:
    bad: list[Any] = [
        None,
        "x",
        [1, 2, 3],
        [[[]]] * 4,
        [0, 0, 0, 5],
        [0, 0, 30, 5],
        [0, 0, 10**400, 5],
        [True, 0, 1, 1],
    ]
    (found,) = items(tmp_path, [image()], [*(mark(box=box) for box in bad), mark()])
    assert found.record is not None
    assert len(found.record.images[0].regions) == 1
    assert len(found.warnings) == len(bad)
    assert all(one.startswith("box_invalid: ") for one in found.warnings)


def test_the_size_is_read_from_the_picture_where_it_is_not_given(tmp_path: Path) -> None:
    paint(tmp_path / "a.png", (1, 2, 3))
    (found,) = items(tmp_path, [{"id": 1, "file_name": "a.png"}], [mark(box=[0, 0, SIZE_PX / 2, SIZE_PX])])
    assert found.record is not None
    assert found.record.images[0].regions[0].box == Box(0, 0, 0.5, 1)
    source = CocoSource(tmp_path / "coco.json", tmp_path, PictureLimits(max_pixels=10))
    assert reasons(list(source.items())) == ["image_too_large"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[]", "holds no object"),
        (b"{}", "no list of objects 'images'"),
        (b'{"images": {}}', "no list of objects 'images'"),
        (b'{"images": [1]}', "no list of objects 'images'"),
        (b'{"images": [], "annotations": 3}', "no list of objects 'annotations'"),
        (b"{", "is no JSON"),
        (b'{"images": [NaN]}', "NaN is no JSON number"),
        (b"\xff\xfe{}", "is no JSON"),
        (b'{"images": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"images": [{"id": ' + b"1" * 5_000 + b"}]}", "is no JSON"),
    ],
)
def test_what_is_no_coco_file_is_told(tmp_path: Path, text: bytes, said: str) -> None:
    (tmp_path / "coco.json").write_bytes(text)
    with pytest.raises(SourceError, match=said):
        list(CocoSource(tmp_path / "coco.json", tmp_path).items())


def test_a_file_that_is_too_large_or_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(CocoSource(tmp_path / "none.json", tmp_path).items())
    monkeypatch.setattr(coco_source, "MAX_FILE_BYTES", 10)
    with pytest.raises(SourceError, match="more than 10 bytes"):
        items(tmp_path, [image()])


def test_it_can_be_put_into_a_library(tmp_path: Path) -> None:
    root = tmp_path / "src"
    for n in range(2):
        paint(root / f"p/{n}.png", (n, 9, 9))
    document = {
        "images": [{"id": n, "file_name": f"p/{n}.png", "width": SIZE_PX, "height": SIZE_PX} for n in range(2)],
        "annotations": [mark(0, 1, [0, 0, 12, 12])],
        "categories": CATEGORIES,
    }
    (root / "_annotations.coco.json").write_text(json.dumps(document))
    source = CocoSource(root / "_annotations.coco.json", root)
    with DecoderPool() as pool:
        report = ingest(tmp_path / "lib", source, pool)
    assert (report.added, report.rejected) == (2, 0)
    with Library.open(tmp_path / "lib") as library:
        assert library.catalogue.get_many(["p/0.png"])["p/0.png"].images[0].regions[0].label == "ear"
