from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from sherd.errors import InvalidArgument
from sherd.search import fonts
from sherd.search.fonts import chinese_font, font
from sherd.search.sheet import MAX_ON_SHEET, draw_sheet, wrapped, write_sheet
from sherd.types import Box, Query
from tests.search.answers import asked, hit, shelf
from tests.search.memory import plain

ACCENT = (214, 64, 31)
LATIN = ImageFont.load_default(20)


@pytest.fixture
def no_chinese_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_folders", list)
    monkeypatch.setattr(fonts, "_of_fontconfig", list)
    monkeypatch.setattr(fonts, "chinese_font", fonts.chinese_font.__wrapped__)
    monkeypatch.setattr("sherd.search.sheet.chinese_font", fonts.chinese_font)


def count(sheet: Image.Image, colour: tuple[int, int, int], tolerance: int = 6) -> int:
    away = np.abs(np.asarray(sheet, np.int16) - np.asarray(colour)).max(2)
    return int((away <= tolerance).sum())


def test_the_file_is_a_png_with_a_picture_and_a_box_for_every_hit(tmp_path: Path) -> None:
    hits = tuple(hit(n) for n in range(1, 4))
    thumbnails = shelf(tmp_path, hits, plain("green"))
    write_sheet(tmp_path / "sheet.png", [asked(*hits)], thumbnails)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        three = sheet.convert("RGB")
    one = draw_sheet([asked(hits[0])], thumbnails)
    assert count(three, ACCENT) == 3 * count(one, ACCENT) > 1000
    assert count(one, (30, 160, 60), 12) > 0.8 * 300 * 300


def test_the_box_is_drawn_where_the_match_is(tmp_path: Path) -> None:
    one = hit(box=Box(0.5, 0.5, 0.25, 0.25))
    sheet = np.asarray(draw_sheet([asked(one)], shelf(tmp_path, (one,), plain("white"))), np.int16)
    rows, columns = np.nonzero(np.abs(sheet - ACCENT).max(2) <= 6)
    assert abs(int(columns.min()) - (48 + 150)) <= 4
    assert abs(int(columns.max()) - (48 + 225)) <= 4
    assert int(rows.max()) - int(rows.min()) == pytest.approx(75, abs=8)


def test_a_match_of_the_whole_gets_a_thin_line(tmp_path: Path) -> None:
    part, whole = hit(box=Box(0, 0, 1, 0.79)), hit(box=Box(0, 0, 1, 1))
    thumbnails = shelf(tmp_path, (part,))
    inked = [count(draw_sheet([asked(one)], thumbnails), ACCENT) for one in (part, whole)]
    assert inked[1] < 0.7 * inked[0]


def test_a_query_picture_stands_at_the_head_with_its_box(tmp_path: Path) -> None:
    query = Query(image=plain("purple"), box=Box(0.25, 0.25, 0.5, 0.5))
    sheet = draw_sheet([asked(query=query, message="nothing found")], shelf(tmp_path, ()))
    assert count(sheet, (140, 40, 170), 6) > 0.8 * 220 * 220
    assert count(sheet, ACCENT) > 300


def test_several_questions_stand_below_each_other(tmp_path: Path) -> None:
    hits = tuple(hit(n) for n in range(1, 6))
    thumbnails = shelf(tmp_path, hits)
    alone = draw_sheet([asked(*hits)], thumbnails)
    both = draw_sheet([asked(*hits), asked(hits[0])], thumbnails)
    assert both.width == alone.width
    assert both.height > 1.9 * alone.height - 60
    with pytest.raises(InvalidArgument, match="at least one question"):
        draw_sheet([], thumbnails)


def test_a_missing_and_a_damaged_thumbnail_leave_their_place_empty(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hits = (hit(1), hit(2), hit(3))
    thumbnails = shelf(tmp_path, hits)
    thumbnails(hits[0].sha256).unlink()
    thumbnails(hits[1].sha256).write_bytes(b"no jpeg")
    with caplog.at_level(logging.WARNING):
        sheet = draw_sheet([asked(*hits)], thumbnails)
    assert [hits[n].image in caplog.text for n in range(3)] == [True, True, False]
    assert "sherd repair" in caplog.text
    assert count(sheet, (230, 210, 40), 20) > 10_000


def test_a_sheet_of_too_many_hits_shows_the_first(tmp_path: Path) -> None:
    hits = tuple(hit(n) for n in range(1, MAX_ON_SHEET + 30))
    thumbnails = shelf(tmp_path, hits)
    full = draw_sheet([asked(*hits)], thumbnails)
    assert full.height == draw_sheet([asked(*hits[:MAX_ON_SHEET])], thumbnails).height


@pytest.mark.parametrize("shape", [(4, 900), (900, 4), (1, 1)])
def test_pictures_of_odd_shapes_fit(tmp_path: Path, shape: tuple[int, int]) -> None:
    one = hit(box=Box(0.999, 0.999, 0.001, 0.001))
    picture = np.full((*shape, 3), 200, np.uint8)
    draw_sheet([asked(one)], shelf(tmp_path, (one,), picture))


@pytest.mark.parametrize(
    "title", ["", "\x00\x1b[31m\n\r", "\u202eevil", "\ud800", "x" * 5000, "饕餮纹鼎" * 300, "🏺 vase"]
)
def test_any_title_can_be_drawn(tmp_path: Path, title: str) -> None:
    one = hit(title=title)
    draw_sheet([asked(one, query=Query(text=f"{title} ?"[:2000]))], shelf(tmp_path, (one,)), language="zh")


def test_lines_break_at_spaces_and_beside_chinese_characters() -> None:
    def width(text: str) -> int:
        return int(LATIN.getlength(text)) + 1

    assert wrapped("one two three", LATIN, width("one two"), 3) == ["one two", "three"]
    assert wrapped("unbreakable", LATIN, width("unbreak"), 3) == ["unbreak", "able"]
    cut = wrapped("one two three four", LATIN, width("one two"), 1)
    assert len(cut) == 1
    assert cut[0].startswith("one ")
    assert cut[0].endswith("…")
    assert wrapped("", LATIN, 100, 2) == [""]


def test_no_line_is_wider_than_asked_and_nothing_is_lost_before_the_ellipsis() -> None:
    face = font(20)
    text = "青铜饕餮纹三足鼎 with a long inscription of 32 characters on the inner wall"
    lines = wrapped(text, face, 180, 9)
    assert all(face.getlength(line) <= 180 for line in lines)
    assert "".join("".join(lines).split()) == "".join(fonts.legible(text).split())


def test_chinese_is_written_with_a_font_that_has_it() -> None:
    found = chinese_font()
    if found is None:
        assert fonts.legible("鼎 ding") == "… ding"
        return
    face = font(40)
    assert isinstance(face, ImageFont.FreeTypeFont)
    glyphs = {bytes(face.getmask(character)) for character in "饕餮纹鼎瓷"}
    assert len(glyphs) == 5
    assert bytes(face.getmask("\U0010fffd")) not in glyphs


@pytest.mark.usefixtures("no_chinese_font")
def test_without_a_chinese_font_the_characters_are_left_out_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert fonts.legible("饕餮纹鼎 ding, 商") == "… ding, …"
    one = hit(title="饕餮纹鼎 ding")
    with caplog.at_level(logging.WARNING):
        sheet = draw_sheet([asked(one, query=Query(text="鼎"))], shelf(tmp_path, (one,)), language="zh")
    assert "fonts-noto-cjk" in caplog.text
    same = draw_sheet([asked(hit(title="… ding"), query=Query(text="…"))], shelf(tmp_path, (one,)), language="en")
    assert sheet.tobytes() == same.tobytes()


def test_a_font_file_that_cannot_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "NotoSansCJK-Regular.ttc").write_bytes(b"no font")
    monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path])
    assert fonts.chinese_font.__wrapped__() is None
