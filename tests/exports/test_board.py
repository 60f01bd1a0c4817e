"""What was chosen comes with its credits and meanings, and nothing in it can run in a spreadsheet."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

from sherd.exports.board import Chosen, Crop, caption, credit, telling, write_board
from sherd.exports.described import Author, Described, Shot, Statement
from sherd.types import Box, Concept, Record, SourceImage

TAOTIE = Concept(
    "urn:t", {"en": "taotie", "zh-Hans": "饕餮纹"}, scope_notes={"en": "A beast face.", "zh-Hans": "兽面。"}
)
DING = Concept("urn:d", {"en": "ding", "zh-Hans": "鼎"})
LIFE = Concept("urn:l", {"en": "long life", "zh-Hans": "长寿"})
CLOUD = Concept("urn:c", {"en": "cloud", "zh-Hans": "云纹"})
SHOT = Shot("a.jpg", 400, 200, "0" * 64)
RECORD = Record("=1+1 /x", (SourceImage("a.jpg"),), titles={"en": "Tripod"}, rights="The museum", licence="CC0")
SAID = (
    Statement(DING, "type", Author.CATALOGUE),
    Statement(TAOTIE, "motif", Author.PERSON, image="a.jpg", box=Box(0.1, 0.1, 0.2, 0.2), who="Ada"),
    Statement(CLOUD, "motif", Author.CATALOGUE),
    Statement(LIFE, "theme", Author.CATALOGUE),
    Statement(CLOUD, "theme", Author.MACHINE, probability=0.9),
)
ONE = Described(RECORD, (SHOT,), SAID)


def test_captions_take_the_title_else_the_terms() -> None:
    assert caption(ONE, "en") == "Tripod"
    assert caption(ONE, "zh") == "鼎，饕餮纹，云纹，长寿"
    assert caption(Described(Record("r", ()), (), ()), "zh") == ""
    assert credit(ONE) == "Tripod. =1+1 /x. The museum; CC0"
    assert credit(Described(Record("r", ()), (), ())) == "r. rights not stated"


def test_a_box_means_what_is_marked_in_it_and_the_themes() -> None:
    inside = Chosen(ONE, SHOT.sha256, Box(0.15, 0.15, 0.3, 0.3))
    assert [said.concept for said in telling(inside)] == [TAOTIE, LIFE]
    assert [said.concept for said in telling(Chosen(ONE, SHOT.sha256, Box(0.6, 0.6, 0.2, 0.2)))] == [
        TAOTIE,
        CLOUD,
        LIFE,
    ]
    assert [said.concept for said in telling(Chosen(ONE, SHOT.sha256, None))] == [TAOTIE, CLOUD, LIFE]


@pytest.mark.parametrize(
    ("box", "region"),
    [
        (None, (0, 0, 400, 200)),
        (Box(0.25, 0.5, 0.5, 0.25), (100, 100, 200, 50)),
        (Box(0.999, 0.999, 0.001, 0.001), (399, 199, 1, 1)),
        (Box(0, 0, 1, 1), (0, 0, 400, 200)),
    ],
)
def test_a_box_is_whole_pixels_inside_the_picture(box: Box | None, region: tuple[int, int, int, int]) -> None:
    assert Chosen(ONE, SHOT.sha256, box).region == region


def test_the_file_has_pictures_credits_and_meanings() -> None:
    stream = io.BytesIO()
    chosen = Chosen(ONE, SHOT.sha256, Box(0.1, 0.1, 0.2, 0.2), "http://museum.example/record?id=1")
    crops = [Crop(chosen, b"jpeg", 80, 40, True), Crop(chosen, b"small", 8, 4, False)]
    assert write_board(crops, stream) == 2
    with zipfile.ZipFile(stream) as file:
        assert file.testzip() is None
        assert file.read("pictures/001-1_1_x.jpg") == b"jpeg"
        rows = list(csv.DictReader(io.StringIO(file.read("credits.csv").decode("utf-8-sig"))))
        meanings = list(csv.DictReader(io.StringIO(file.read("meanings.csv").decode("utf-8-sig"))))
    assert [row["file"] for row in rows] == ["pictures/001-1_1_x.jpg", "pictures/002-1_1_x.jpg"]
    assert rows[0]["record_id"] == "'=1+1 /x"  # a spreadsheet would have reckoned it
    assert (rows[0]["x"], rows[0]["w"], rows[0]["licence"], rows[0]["resolution"]) == ("40", "80", "CC0", "full")
    assert rows[1]["resolution"].startswith("small")
    assert [row["term_zh"] for row in meanings[:2]] == ["饕餮纹", "长寿"]
    assert (meanings[0]["meaning_en"], meanings[0]["said_by"]) == ("A beast face.", "Ada")
    assert write_board([], io.BytesIO()) == 0
