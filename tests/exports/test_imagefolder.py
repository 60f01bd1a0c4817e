"""An imagefolder reads back as it was, keeps a machine's word apart, and never touches the museum's own files."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sherd.errors import InvalidArgument, StorageRefused
from sherd.exports.described import Author, Described, Shot, Statement
from sherd.exports.imagefolder import METADATA, WrittenFolder, write_imagefolder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.sources import open_source
from sherd.types import Caption, Phrase, Record, SourceImage
from tests.exports.examples import BACK, CLOUD, DING, DRAGON, EAR, FOOT, FRONT, LUCK, MASK, RECORD, TAOTIE
from tests.ingest.museum import SIZE_PX, ingest, paint


def with_files(root: Path, one: Described) -> Described:
    """The same record with the pictures that are painted below `root`."""
    shots = []
    for n, shot in enumerate(one.shots):
        data = paint(root / shot.path, (n * 40, 80, 120)).read_bytes()
        shots.append(Shot(shot.path, SIZE_PX, SIZE_PX, hashlib.sha256(data).hexdigest()))
    return replace(one, shots=tuple(shots))


@pytest.fixture
def museum(tmp_path: Path) -> Path:
    return tmp_path / "museum"


def export(museum: Path, folder: Path, *described: Described, **options: Any) -> WrittenFolder:
    return write_imagefolder(described, folder, lambda shot: museum / shot.path, **options)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / METADATA).read_text("utf-8").splitlines()]


def test_it_reads_back_with_the_same_titles_and_boxes(museum: Path, tmp_path: Path) -> None:
    undecided = replace(DING, statements=tuple(one for one in DING.statements if one.author is not Author.PERSON))
    out = tmp_path / "out"
    assert export(museum, out, with_files(museum, undecided)) == WrittenFolder(2, ())
    front, back = (item.record for item in open_source(out).items())
    assert front is not None
    assert back is not None
    assert front.record_id == back.record_id == RECORD.record_id
    assert front.images[0].regions == RECORD.images[0].regions
    assert (front.images[0].view, back.images[0].view) == ("front", None)
    assert front.titles == {"zh": RECORD.titles["zh"]}
    assert front.descriptions == {"zh": RECORD.descriptions["zh"]}
    assert set(front.captions) == set(RECORD.captions)
    assert front.phrases == RECORD.phrases
    assert back.phrases == ()
    assert back.images[0].regions == ()  # the dragon is only suggested
    for name in ("object_type", "materials", "culture", "period", "motifs", "themes", "rights", "licence", "split"):
        assert getattr(front, name) == getattr(RECORD, name), name


def test_it_can_be_taken_into_a_library(museum: Path, tmp_path: Path) -> None:
    export(museum, tmp_path / "out", with_files(museum, DING))
    with DecoderPool() as pool:
        report = ingest(tmp_path / "lib", open_source(tmp_path / "out"), pool)
    assert (report.added, report.rejected) == (2, 0)


def test_a_machines_word_stands_apart(museum: Path, tmp_path: Path) -> None:
    export(museum, tmp_path / "out", with_files(museum, DING))
    front, back = lines(tmp_path / "out")
    assert back["objects"] == {"bbox": [], "categories": [], "uris": [], "authors": []}
    assert back["suggested_objects"] == {
        "bbox": [[6, 6, 12, 6]], "categories": ["dragon"], "uris": [DRAGON.uri], "scores": [0.8125],
    }  # fmt: skip
    assert front["suggested_objects"]["bbox"] == []
    for line in (front, back):
        assert {one["author"] for one in line["terms"]} == {"catalogue", "person"}
        assert {one["author"] for one in line["suggested_terms"]} == {"machine"}
        assert all(one["score"] is not None for one in line["suggested_terms"])
        assert DRAGON.uri not in {one["uri"] for one in line["terms"]}
        assert LUCK.uri not in {one["uri"] for one in (*line["terms"], *line["suggested_terms"])}


def test_people_add_boxes_take_them_over_and_take_them_away(museum: Path, tmp_path: Path) -> None:
    one = with_files(museum, DING)
    person = Statement(TAOTIE, "motif", Author.PERSON, image=FRONT, box=MASK, who="Li", at="2026-11-27T10:00:00+00:00")
    export(museum, tmp_path / "a", one)
    export(museum, tmp_path / "b", replace(one, statements=(*one.statements, person)))
    export(museum, tmp_path / "c", replace(one, statements=(*one.statements, replace(person, holds=False))))
    a, b, c = (lines(tmp_path / name)[0] for name in "abc")
    assert a["objects"]["categories"] == ["handle", "饕餮纹", None, "cloud"]
    assert a["objects"]["authors"] == ["catalogue", "catalogue", "catalogue", "person"]
    assert a["objects"]["uris"] == [None, TAOTIE.uri, None, CLOUD.uri]
    assert a["objects"]["bbox"][0] == [side * SIZE_PX for side in (EAR.x, EAR.y, EAR.w, EAR.h)]
    assert a["objects"]["bbox"][3] == [side * SIZE_PX for side in (FOOT.x, FOOT.y, FOOT.w, FOOT.h)]
    assert b["objects"]["authors"] == ["catalogue", "person", "catalogue", "person"]
    assert c["objects"]["categories"] == ["handle", None, "cloud"]
    assert [one["region"] for one in a["phrases"]] == [1, None]
    assert [one["region"] for one in c["phrases"]] == [None, None]


def test_every_line_has_the_same_keys(museum: Path, tmp_path: Path) -> None:
    bare = Described(Record("x", (SourceImage("x.png"),)), (Shot("x.png", 1, 1, ""),), ())
    export(museum, tmp_path / "out", with_files(museum, DING), with_files(museum, bare))
    found = lines(tmp_path / "out")
    assert len(found) == 3
    assert len({tuple(one) for one in found}) == 1
    assert found[0]["terms"][0].keys() == found[0]["suggested_terms"][0].keys()


@pytest.mark.parametrize(
    ("titles", "descriptions", "told", "language"),
    [
        ({"en": "Ding", "zh": "鼎"}, {"zh": "礼器", "en": "A vessel"}, ("Ding", "A vessel"), None),
        ({"en": "Ding"}, {"zh": "礼器"}, ("Ding", "礼器"), None),
        ({"fr": "Vase"}, {"fr": "Un vase"}, ("Vase", "Un vase"), "fr"),
        ({"fr": "Vase"}, {"zh": "礼器"}, ("Vase", None), "fr"),
        ({"ja": "青磁"}, {}, ("青磁", None), "ja"),
        ({"und": "Vase"}, {}, ("Vase", None), "und"),
        ({}, {}, (None, None), None),
    ],
)
def test_texts_are_read_in_the_language_that_they_are_in(
    museum: Path,
    tmp_path: Path,
    titles: dict[str, str],
    descriptions: dict[str, str],
    told: tuple[str | None, str | None],
    language: str | None,
) -> None:
    record = Record("x", (SourceImage("x.png"),), titles=titles, descriptions=descriptions)
    one = with_files(museum, Described(record, (Shot("x.png", 1, 1, ""),), ()))
    export(museum, tmp_path / "out", one)
    (line,) = lines(tmp_path / "out")
    assert (line["title"], line["description"], line["language"]) == (*told, language)
    assert [(one["language"], one["text"]) for one in line["descriptions"]] == list(descriptions.items())
    (item,) = open_source(tmp_path / "out").items()
    assert item.record is not None
    assert dict(item.record.titles) == dict(list(titles.items())[:1])
    assert set(item.record.descriptions.items()) <= set(descriptions.items())


def test_names_are_safe_and_do_not_meet(museum: Path, tmp_path: Path) -> None:
    ids = ["../../etc/passwd", "A b", "a B", "鼎", "a" * 300, "con", ".hidden", "a\\b"]
    described = [
        with_files(museum, Described(Record(name, (SourceImage("p/x.PNG"),)), (Shot("p/x.PNG", 1, 1, ""),), ()))
        for name in ids
    ]
    assert export(museum, tmp_path / "out", *described).pictures == len(ids)
    names = [line["file_name"] for line in lines(tmp_path / "out")]
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert name.startswith("images/")
        assert name.count("/") == 1
        assert name.isascii()
        assert len(name) < 100
        assert name.endswith(".png")
        assert (tmp_path / "out" / name).is_file()
    assert [item.record.record_id for item in open_source(tmp_path / "out").items() if item.record] == ids


def test_pictures_that_are_gone_or_changed_are_left_out_and_told(museum: Path, tmp_path: Path) -> None:
    one = with_files(museum, DING)
    paint(museum / BACK, (9, 9, 9))
    for options in ({}, {"link": True}):
        folder = tmp_path / f"out{len(options)}"
        told = export(museum, folder, one, **options)
        assert told.pictures == 1
        assert [(name, path, why.reason) for name, path, why in told.left_out] == [
            (RECORD.record_id, BACK, "picture_changed")
        ]
        assert len(list((folder / "images").iterdir())) == 1
    none = write_imagefolder([one], tmp_path / "none", lambda shot: None)
    assert [why.reason for _, _, why in none.left_out] == ["file_missing", "file_missing"]
    assert lines(tmp_path / "none") == []


def test_links_are_made_only_where_they_are_asked_for(museum: Path, tmp_path: Path) -> None:
    one = with_files(museum, DING)
    export(museum, tmp_path / "copies", one)
    export(museum, tmp_path / "links", one, link=True)
    original = museum / FRONT
    copy, linked = (tmp_path / name / lines(tmp_path / name)[0]["file_name"] for name in ("copies", "links"))
    assert copy.read_bytes() == linked.read_bytes() == original.read_bytes()
    assert not os.path.samefile(copy, original)
    assert os.path.samefile(linked, original)


def test_where_links_cannot_be_made_there_are_copies(
    museum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another disk")

    one = with_files(museum, DING)
    monkeypatch.setattr(os, "link", refuse)
    assert export(museum, tmp_path / "out", one, link=True).pictures == 2
    name = lines(tmp_path / "out")[0]["file_name"]
    assert (tmp_path / "out" / name).read_bytes() == (museum / FRONT).read_bytes()


def test_a_folder_that_holds_something_is_left_alone(museum: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="is not empty"):
        export(museum, tmp_path / "full", DING)
    assert [one.name for one in (tmp_path / "full").iterdir()] == ["notes.txt"]
    with pytest.raises(StorageRefused, match="cannot be written"):
        export(museum, tmp_path / "full/notes.txt", DING)


def test_the_plain_caption_is_the_text_column(museum: Path, tmp_path: Path) -> None:
    captions = (Caption("zh", "长的。", "long"), Caption("en", "Short."), Caption("en", "Another."))
    record = replace(RECORD, captions=captions, phrases=(Phrase("x", "en", 0),))
    export(museum, tmp_path / "out", with_files(museum, replace(DING, record=record)))
    line = lines(tmp_path / "out")[0]
    assert line["text"] == "Short."
    assert [one["text"] for one in line["captions"]] == ["长的。", "Another."]
