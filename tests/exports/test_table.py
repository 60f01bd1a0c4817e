from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.errors import SourceError
from sherd.exports.described import Author, Shot
from sherd.exports.table import HEADINGS, pixels_of, plain_cell, read_table, rows_of, safe_cell, write_table
from sherd.ingest.library import Library
from sherd.suggest.review import decide
from sherd.types import Action, Box, Decision
from tests.catalogue.vessels import GUI, TRIPOD
from tests.exports.museum_book import described, library_in

AT = "2026-11-27T10:00:00+00:00"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = library_in(tmp_path_factory.mktemp("museum") / "library")
    decide(
        library,
        [
            Decision("v-7", Action.REJECT, "+cmd|' /C calc'!A0", AT, concept=GUI),
            Decision("=1+1", Action.ACCEPT, "李", AT, concept=TRIPOD),
        ],
    )
    yield library
    library.close()


def test_every_statement_comes_back_as_it_was(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "statements.csv"
    said = [row for one in described(library) for row in rows_of(one)]
    assert write_table(described(library), target) == len(said) == len(list(read_table(target)))
    assert list(read_table(target)) == said
    assert {row.author for row in said} == {Author.PERSON, Author.MACHINE}
    refused = next(row for row in said if not row.holds)
    assert (refused.record_id, refused.concept, refused.number, refused.label_zh) == ("v-7", GUI, 1, "簋")


def test_another_reader_sees_the_same_table(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "statements.csv"
    write_table(described(library), target, bom=True)
    assert target.read_bytes().startswith(b"\xef\xbb\xbfrecord,")
    frame = polars.read_csv(target, infer_schema=False)
    assert tuple(frame.columns) == HEADINGS
    bell = frame.filter(polars.col("record") == "bell", polars.col("concept") == TRIPOD).to_dicts()[0]
    assert [bell[name] for name in ("author", "probability", "picture", "x", "left_px", "top_px", "width_px")] == [
        "machine", "0.91", "c/bell.jpg", "0.1", "32", "48", "96",
    ]  # fmt: skip
    assert frame["record"].to_list().count("'=1+1") == 1
    assert [one.record_id for one in read_table(target)].count("=1+1") == 1


def test_no_cell_of_the_file_begins_like_a_formula(library: Library, tmp_path: Path) -> None:
    target = tmp_path / "statements.csv"
    write_table(described(library), target)
    cells = [cell for row in csv.reader(StringIO(target.read_text("utf-8"))) for cell in row]
    assert not [cell for cell in cells if re.match(r"[=+\-@\x00-\x1f]", cell)]
    assert "'+cmd|' /C calc'!A0" in cells


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", "\t=1", "\r", "\n=1", "\x01", " =1", "＝1", "'=1", "''-1", "\x85"]
)
def test_what_acts_is_made_safe_and_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", ["", "a=1", "1-2", "1982.30.1", "'t Hooft", "it's", "纹=饰", "'"])
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == plain_cell(text) == text


@given(st.text(alphabet=st.sampled_from(list("'=+-@＝ \t\n\r\x00\x1f\x85a0")), max_size=8) | st.text(max_size=20))
def test_undoing_gives_exactly_what_was(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert not re.match(r"[=+\-@＝＋－＠\x00-\x1f\x7f-\x9f]", safe_cell(text))


corners = st.floats(0, 1, allow_nan=False)


@given(corners, corners, corners, corners, st.integers(1, 5_000), st.integers(1, 5_000))
def test_pixels_lie_inside_and_are_never_empty(x: float, y: float, w: float, h: float, wide: int, high: int) -> None:
    if not (w > 0 and h > 0 and x + w <= 1 and y + h <= 1):
        return
    left, top, width, height = pixels_of(Box(x, y, w, h), Shot("a", wide, high, ""))
    assert 0 <= left < left + width <= wide
    assert 0 <= top < top + height <= high


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a,b\n", "other headings"),
        ("{heads}\nshort,row\n", "row 2"),
        ("{heads}\nr,f,c,,,nobody,yes,,,,,,,,,,,,,\n", "row 2.*nobody"),
        ("{heads}\nr,f,c,,,person,perhaps,,,,,,,,,,,,,\n", "row 2.*perhaps"),
        ("{heads}\nr,f,c,,,person,yes,,,,,,0.1,,,,,,,\n", "four numbers"),
        ("{heads}\nr,f,c,,,person,yes,,,,,,9,9,9,9,,,,\n", "box 9"),
        ('{heads}\n"never closed', "row 2"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_with_its_row(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "a.csv").write_text(text.format(heads=",".join(HEADINGS)), "utf-8")
    with pytest.raises(SourceError, match=what):
        list(read_table(tmp_path / "a.csv"))


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(read_table(tmp_path / "a.csv"))
