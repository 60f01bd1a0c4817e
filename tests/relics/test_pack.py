from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sherd.errors import InvalidArgument
from sherd.ingest.sources.records import RecordsSource
from sherd.relics import contact_sheet, load_culture, render_pack
from sherd.relics.pack import shared_caption_share

SIZE = 80
PAIR = (load_culture("ritual_bronze"), load_culture("silk_textile"))


def _records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack") / "made" / "here"
    render_pack(PAIR, 8, 3, folder, size_px=SIZE, masks=True)
    return folder


def test_a_record_has_the_fields_of_the_pack_format(pack: Path) -> None:
    records = _records(pack)
    assert [r["culture_id"] for r in records] == ["ritual_bronze", "silk_textile"] * 4
    assert len({r["id"] for r in records}) == 8
    for record in records:
        assert set(record) == {
            "id", "image", "object_id", "title", "description", "object_type", "materials", "culture", "period",
            "motifs", "themes", "language", "width", "height", "regions", "licence", "rights", "captions", "phrases",
            "concepts", "culture_id",
        }  # fmt: skip
        first = next(c["text"] for c in record["captions"] if c["language"] == "en")
        assert record["title"] == record["description"] == first
        assert record["language"] == "en"
        assert {c["language"] for c in record["captions"]} == {"zh", "en"}
        assert all(set(c) == {"language", "style", "text"} for c in record["captions"])
        assert all(set(p) == {"text", "language", "region"} for p in record["phrases"])
        assert all(0 <= p["region"] < len(record["regions"]) for p in record["phrases"])
        assert all(set(r) == {"label", "bbox", "concept", "mask"} for r in record["regions"])
        assert all(isinstance(v, int) for r in record["regions"] for v in r["bbox"])
        with Image.open(pack / record["image"]) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (record["width"], record["height"]) == (SIZE, SIZE)


def test_mask_files_have_their_regions_boxes(pack: Path) -> None:
    named = set()
    for record in _records(pack):
        for region in record["regions"]:
            named.add(region["mask"])
            with Image.open(pack / region["mask"]) as mask:
                assert mask.mode == "1"
                x0, y0, x1, y1 = mask.getbbox() or (0, 0, 0, 0)
                assert [x0, y0, x1 - x0, y1 - y0] == region["bbox"]
    assert named == {f"masks/{file.name}" for file in (pack / "masks").iterdir()}


def test_the_pack_is_read_back_as_records(pack: Path) -> None:
    items = list(RecordsSource(pack / "records.jsonl", pack).items())
    assert len(items) == 8
    for item, written in zip(items, _records(pack), strict=True):
        assert item.reject is None
        assert item.warnings == ()
        assert item.record is not None
        assert item.record.record_id == written["id"]
        assert item.record.titles == {"en": written["title"]}
        assert len(item.record.captions) == len(written["captions"])
        assert {c.language for c in item.record.captions} == {"zh", "en"}
        regions = item.record.images[0].regions
        assert [r.label for r in regions] == [r["label"] for r in written["regions"]]
        assert np.allclose([r.box.x for r in regions], [r["bbox"][0] / SIZE for r in written["regions"]])
        assert [(p.text, p.region) for p in item.record.phrases] == [
            (p["text"], p["region"]) for p in written["phrases"]
        ]


def test_files_do_not_depend_on_the_number_of_workers(pack: Path, tmp_path: Path) -> None:
    told: list[int] = []
    report = render_pack(PAIR, 8, 3, tmp_path, size_px=SIZE, masks=True, workers=2, progress=told.append)
    files = sorted(f.relative_to(pack) for f in pack.rglob("*") if f.is_file())
    assert files == sorted(f.relative_to(tmp_path) for f in tmp_path.rglob("*") if f.is_file())
    for file in files:
        assert (pack / file).read_bytes() == (tmp_path / file).read_bytes()
    assert told == list(range(1, 9))
    assert report.pictures == 8
    assert report.records == tmp_path / "records.jsonl"
    assert set(report.mutual_information) == {"ritual_bronze", "silk_textile"}
    assert set(report.shared_captions) == {"zh", "en"}


def test_a_longer_pack_begins_with_the_shorter_one(pack: Path, tmp_path: Path) -> None:
    render_pack(PAIR, 3, 3, tmp_path, size_px=SIZE)
    for short, long in zip(_records(tmp_path), _records(pack), strict=False):
        for region in long["regions"]:
            del region["mask"]
        assert short == long


def test_a_folder_with_a_pack_and_impossible_numbers_are_refused(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="holds a pack already"):
        render_pack(PAIR, 1, 0, pack)
    for count, seed, size, workers in ((0, 0, 80, 1), (1, -1, 80, 1), (1, 0, 9999, 1), (1, 0, 80, 0)):
        with pytest.raises(InvalidArgument, match="render needs"):
            render_pack(PAIR, count, seed, tmp_path, size_px=size, workers=workers)
    with pytest.raises(InvalidArgument, match="needs a culture"):
        render_pack((), 1, 0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_share_counts_records_and_not_captions() -> None:
    assert shared_caption_share([["a", "b"], ["b", "c"], ["d", "d"], ["e"]]) == 0.5
    assert shared_caption_share([]) == 0.0


def test_a_contact_sheet_has_every_picture_and_the_boxes_on_request(pack: Path) -> None:
    sheet = contact_sheet(pack)
    assert sheet.size == (3 * SIZE, 3 * SIZE)
    assert contact_sheet(pack, count=2).size == (2 * SIZE, SIZE)
    with Image.open(pack / _records(pack)[4]["image"]) as picture:
        at = sheet.crop((SIZE, SIZE, 2 * SIZE, 2 * SIZE))
        assert at.tobytes() == picture.tobytes()
    assert contact_sheet(pack, boxes=True).tobytes() != sheet.tobytes()
    with pytest.raises(InvalidArgument, match="count >= 1"):
        contact_sheet(pack, count=0)
