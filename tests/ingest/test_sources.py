"""Folders, packs and imagefolders: each entry or line is one item, a record or a reason; nothing outside is opened."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import InvalidConfig, SourceError
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.sources import SourceItem, json_lines, open_source
from sherd.types import Box, Caption, Phrase, Record
from tests.ingest.museum import SIZE_PX, ingest, paint
from tests.ingest.sheets import pictures


def lines(folder: Path, *records: Any, name: str = "records.jsonl") -> list[SourceItem]:
    data = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in records)
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return list(open_source(folder).items())


def record(folder: Path, value: dict[str, Any], name: str = "records.jsonl") -> Record:
    (item,) = lines(folder, value, name=name)
    assert item.record is not None, item.reject
    return item.record


def reason(item: SourceItem) -> str:
    return item.reject.reason if item.reject else ""


def test_a_folder_gives_what_is_named_like_a_picture_in_order(tmp_path: Path) -> None:
    root = pictures(tmp_path / "src", "b.JPG", "a.png", "deep/er/c.webp", "deep/d.tif", "陶.gif", "e.heic", "f.svg")
    for name in ("notes.txt", "g.png.bak", ".DS_Store", "png", "h.pdf"):
        (root / name).write_bytes(b"x")
    (root / "folder.png").mkdir()
    found = list(open_source(root).items())
    paths = ["a.png", "b.JPG", "e.heic", "f.svg", "folder.png", "陶.gif", "deep/d.tif", "deep/er/c.webp"]
    assert [item.where for item in found] == paths
    assert [item.record.record_id for item in found if item.record] == paths
    assert [item.ordinal for item in found] == list(range(len(paths)))


def test_links_in_a_folder_count_and_are_refused_when_they_lead_outside(tmp_path: Path) -> None:
    root = pictures(tmp_path / "src", "a.png")
    paint(tmp_path / "out/secret.png", (1, 2, 3))
    for name, target in {
        "in.png": "a.png", "out.png": "../out/secret.png", "loop.png": "loop.png", "gone.png": "nowhere",
        "out": "../out", "self": ".",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.png")
    source = open_source(root)
    assert [item.where for item in source.items()] == ["a.png", "gone.png", "in.png", "loop.png", "out.png", "pipe.png"]
    with DecoderPool() as pool:
        report = ingest(tmp_path / "lib", source, pool)
    assert (report.seen, report.added, report.rejected) == (6, 2, 4)
    said = {r["where"]: r["reason"] for r in map(json.loads, Path(report.rejects_file).read_text().splitlines())}
    assert said == {
        "gone.png": "file_missing", "loop.png": "symlink_loop", "out.png": "path_outside_root",
        "pipe.png": "not_a_file",
    }  # fmt: skip


def test_names_that_are_no_text_are_refused_one_by_one(tmp_path: Path) -> None:
    root = pictures(tmp_path / "src", "a.png")
    for name in (b"bad\xff.png", b"line\nend.png", b"back\\slash.png", b"esc\x1b[31m.png"):
        with open(os.path.join(os.fsencode(root), name), "wb") as file:
            file.write(b"x")
    found = list(open_source(root).items())
    assert Counter(map(reason, found)) == {"": 1, "path_invalid": 4}
    assert all("\n" not in item.where and "\x1b" not in item.where for item in found)


def test_a_folder_without_pictures_gives_nothing(tmp_path: Path) -> None:
    assert list(open_source(tmp_path).items()) == []


def test_a_line_of_a_pack_is_a_view_of_its_object(tmp_path: Path) -> None:
    found = record(
        tmp_path / "src",
        {
            "id": "pack/1-front", "object_id": "pack/1", "image": "images/1.jpg", "title": "青铜鼎", "language": "zh",
            "description": "A tripod.", "object_type": "ding", "materials": ["bronze", "bronze", " "],
            "culture": "Shang",
            "period": "1987.10", "motifs": ["taotie"], "themes": ["rite"], "split": "train", "licence": "CC0",
            "rights": "none", "source_url": "https://example.org/1", "year": 1200, "tags": ["a", 2], "deep": {"x": 1},
            "width": 200, "height": 100,
            "regions": [{"label": "ear", "bbox": [25, 25, 50, 50]}, {"label": "bad", "bbox": [190, 0, 90, 10]}],
        },
    )  # fmt: skip
    assert found.record_id == "pack/1"
    assert found.titles == {"zh": "青铜鼎"}
    assert found.descriptions == {"zh": "A tripod."}
    assert (found.materials, found.motifs, found.themes) == (("bronze",), ("taotie",), ("rite",))
    assert (found.culture, found.period, found.object_type) == ("Shang", "1987.10", "ding")
    assert (found.split, found.licence, found.rights) == ("train", "CC0", "none")
    assert found.images[0].regions[0].box == Box(0.125, 0.25, 0.25, 0.5)
    assert [region.label for region in found.images[0].regions] == ["ear"]
    assert found.extra == {
        "language": "zh", "source_url": "https://example.org/1", "year": "1200", "tags": "a; 2",
        "view_id": "pack/1-front",
    }  # fmt: skip


def test_a_bad_box_costs_itself_and_is_told(tmp_path: Path) -> None:
    boxes = [[0, 0, 5, 5], [0, 0, 0, 5], [0, 0, -5, 5], [5, 5, 30, 2], [0, 0, 1], "x", [0, 0, "a", 1], [0, 0, True, 1],
             [-0.5, 0, 10, 10], [0, 0, 10**400, 1], None]  # fmt: skip
    regions = [{"label": str(n), "bbox": box} for n, box in enumerate(boxes)]
    (item,) = lines(
        tmp_path / "src",
        {"id": "1", "image": "a.png", "width": 20, "height": 10, "regions": regions,
         "phrases": [{"text": "first", "region": 0}, {"text": "lost", "region": 1}, {"text": "last", "region": 8}]},
    )  # fmt: skip
    assert item.record is not None
    assert [region.label for region in item.record.images[0].regions] == ["0", "8"]
    assert len(item.warnings) == 9
    assert all(warning.startswith("box_invalid: region ") for warning in item.warnings)
    assert item.record.phrases == (Phrase("first", "en", 0), Phrase("lost", "en", None), Phrase("last", "en", 1))


def test_the_size_for_boxes_is_read_from_the_picture_where_it_is_not_given(tmp_path: Path) -> None:
    paint(tmp_path / "src/a.png", (1, 2, 3))
    value = {"id": "1", "image": "a.png", "regions": [{"bbox": [0, 0, SIZE_PX / 2, SIZE_PX]}]}
    assert record(tmp_path / "src", value).images[0].regions[0].box == Box(0, 0, 0.5, 1)
    source = open_source(tmp_path / "src", limits=PictureLimits(max_pixels=10))
    assert [reason(item) for item in source.items()] == ["image_too_large"]
    assert reason(lines(tmp_path / "src", {**value, "image": "none.png"})[0]) == "file_missing"


def test_an_imagefolder_with_objects(tmp_path: Path) -> None:
    paint(tmp_path / "src/train/a.png", (1, 2, 3))
    found = record(
        tmp_path / "src",
        {
            "file_name": "train/a.png", "text": "a red vase",
            "objects": {"bbox": [[0, 0, 12, 24], [12, 0, 12, 24]], "categories": ["ear", "foot"]},
        },
        name="metadata.jsonl",
    )  # fmt: skip
    assert found.record_id == "train/a.png"
    assert found.captions == (Caption("en", "a red vase"),)
    assert [(region.label, region.box.x) for region in found.images[0].regions] == [("ear", 0), ("foot", 0.5)]
    (tmp_path / "src/metadata.jsonl").unlink()
    (tmp_path / "src/metadata.csv").write_text("file_name,text\ntrain/a.png,a red vase\n", encoding="utf-8")
    (item,) = open_source(tmp_path / "src").items()
    assert item.record is not None
    assert item.record.record_id == "train/a.png"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "json_invalid"),
        (b"[1]", "json_not_object"),
        (b'"x"', "json_not_object"),
        (b"null", "json_not_object"),
        (b'{"id": "1", "id": "2", "image": "a.png"}', "json_duplicate_key"),
        (b'{"id": "1", "image": "a.png", "x": NaN}', "json_not_finite"),
        (b'{"id": "1", "image": "a.png", "x": -Infinity}', "json_not_finite"),
        (b'{"id": "1", "image": "a.png", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json_too_deep"),
        (b'{"id": "1", "image": "a.png", "x": ' + b"[" * 70 + b"]" * 70 + b"}", "json_too_deep"),
        (b'{"id": "1", "image": "a.png", "x": ' + b"9" * 10_000 + b"}", "json_invalid"),
        (b'{"id": "1", "image": "a.png", "title": "\\ud800"}', "text_invalid"),
        (b'{"id": "1", "image": "a.png", "title": "\\u0000"}', "text_invalid"),
        (b'{"id": "1", "image": "a.png", "title": "\xff"}', "text_undecodable"),
        (b'{"id": "1", "image": "a.png", "title": "' + b"x" * 5_000_000 + b'"}', "line_too_long"),
        (b'{"id": "1", "image": "a.png", "title": "' + b"x" * 200_000 + b'"}', "text_too_long"),
        (b'{"id": "1"}', "image_missing"),
        (b'{"id": "1", "image": null}', "image_missing"),
        (b'{"image": "a.png"}', "id_missing"),
        (b'{"id": "  ", "image": "a.png"}', "id_missing"),
        (b'{"id": "a\\tb", "image": "a.png"}', "id_invalid"),
        (b'{"id": "' + b"x" * 1_000 + b'", "image": "a.png"}', "id_too_long"),
        (b'{"id": [1], "image": "a.png"}', "field_invalid"),
        (b'{"id": true, "image": "a.png"}', "field_invalid"),
        (b'{"id": "1", "image": 7}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "title": {"en": "x"}}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "materials": [1]}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "materials": ' + json.dumps(["x"] * 1_001).encode() + b"}", "field_invalid"),
        (b'{"id": "1", "image": "a.png", "regions": {}}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "regions": [1]}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "regions": ' + json.dumps([{}] * 5_001).encode() + b"}", "field_invalid"),
        (b'{"id": "1", "image": "a.png", "phrases": [{"text": "x", "region": 0}]}', "field_invalid"),
        (b'{"id": "1", "image": "a.png", "captions": ["x"]}', "field_invalid"),
        (b'{"id": "1", "image": "../a.png"}', "path_outside_root"),
        (b'{"id": "1", "image": "/etc/passwd"}', "path_outside_root"),
        (b'{"id": "1", "image": "file:///etc/passwd"}', "path_outside_root"),
        (b'{"id": "1", "image": "C:\\\\a.png"}', "path_outside_root"),
        (b'{"id": "1", "image": "a\\u0000.png"}', "text_invalid"),
        (b'{"id": "1", "image": "a\\\\b.png"}', "path_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_line_is_refused_with_its_reason_and_the_others_are_read(
    tmp_path: Path, line: bytes, expected: str
) -> None:
    good = {"id": "good", "image": "a.png"}
    found = lines(tmp_path / "src", good, line, good)
    assert [reason(item) for item in found] == ["", expected, ""]
    assert found[1].where == "records.jsonl line 2"
    assert len(str(found[1].reject)) < 400


def test_blank_lines_and_a_mark_at_the_start_are_no_items(tmp_path: Path) -> None:
    found = lines(
        tmp_path / "src",
        b"\xef\xbb\xbf" + b'{"id": 7, "image": "a.png"}\r',
        b"",
        b"  \t",
        b'{"id": "0012", "image": "b"}',
    )
    assert [item.record.record_id for item in found if item.record] == ["7", "0012"]
    assert [item.where for item in found] == ["records.jsonl line 1", "records.jsonl line 4"]


def test_a_line_of_a_gigabyte_would_not_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_LINE_BYTES", 1_000)
    good = {"id": "good", "image": "a.png"}
    assert [reason(item) for item in lines(tmp_path / "src", b"{" * 50_000, good)] == ["line_too_long", ""]


def test_which_table_is_read(tmp_path: Path) -> None:
    root = pictures(tmp_path / "src", "a.png")
    (root / "other.jsonl").write_text('{"id": "1", "image": "a.png"}\n', encoding="utf-8")
    assert open_source(root).kind == "folder"
    assert open_source(root, root / "other.jsonl").kind == "records"
    assert open_source(root / "other.jsonl").root == root
    (root / "metadata.csv").write_text("file_name\na.png\n", encoding="utf-8")
    assert open_source(root).kind == "spreadsheet"
    (root / "records.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"several tables \(records\.jsonl, metadata\.csv\)"):
        open_source(root)


@pytest.mark.parametrize(
    ("source", "metadata", "said"),
    [
        ("none", None, "no such folder"),
        ("src", "src/none.csv", "no such table"),
        ("src", "src/a.png", "no kind of table"),
        ("src/a.png", None, "no kind of table"),
        ("src/t.jsonl", "src/t.jsonl", "a table itself"),
        ("src/pipe", None, "neither a folder nor"),
    ],
)
def test_a_source_that_is_none_is_told(tmp_path: Path, source: str, metadata: str | None, said: str) -> None:
    root = pictures(tmp_path / "src", "a.png")
    (root / "t.jsonl").write_text("", encoding="utf-8")
    os.mkfifo(root / "pipe")
    with pytest.raises(SourceError, match=said):
        open_source(tmp_path / source, tmp_path / metadata if metadata else None)


def test_a_mapping_is_for_spreadsheets_only(tmp_path: Path) -> None:
    root = pictures(tmp_path / "src", "a.png")
    with pytest.raises(InvalidConfig, match="no spreadsheet"):
        open_source(root, mapping=ColumnMapping({"title": ("x",)}))


PACKS = {
    "getty_catalogues": (285, 102), "open_museum_small": (381, None), "kamon_crests": (1_002, None),
    "byzart_icons": (427, None), "iconart_parts": (195, None), "zh_relics_shaanxi": (488, 35),
}  # fmt: skip


@pytest.mark.parametrize("pack", PACKS)
def test_every_line_of_the_packs_is_a_record(shared: Path, pack: str) -> None:
    folder = shared / "packs" / pack
    if not folder.is_dir():
        pytest.skip(f"../shared has no packs/{pack}")
    images, objects = PACKS[pack]
    found = list(open_source(folder).items())
    assert [item.reject for item in found if item.reject] == []
    assert len(found) == images
    if objects:
        assert len({item.record.record_id for item in found if item.record}) == objects
    text = (folder / "records.jsonl").read_text(encoding="utf-8")
    given = sum(len(json.loads(line).get("regions", [])) for line in text.splitlines())
    kept = sum(len(item.record.images[0].regions) for item in found if item.record)
    assert given - kept == sum(len(item.warnings) for item in found)
    assert kept >= 0.99 * given
