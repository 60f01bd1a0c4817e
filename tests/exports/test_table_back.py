from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from sherd.catalogue import decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.errors import InvalidArgument, SourceError
from sherd.exports.sheet_fill import WorkbookOptions
from sherd.exports.workbook import write_workbook
from sherd.exports.workbook_reader import Imported, import_workbook, read_workbook
from sherd.ingest.columns import guess_columns
from sherd.ingest.library import Library
from sherd.suggest.review import decide
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Action, Concept, Decision
from tests.catalogue.vessels import GUI, TRIPOD
from tests.exports.museum_book import described, library_in

AT = "2026-11-27T10:00:00+00:00"
TABLE = (
    "馆藏总账,,\r\n"
    "登记号,名称,备注\r\n"
    '1982.30.1,饕餮纹鼎,"第一行\r\n第二行, ""引"""\r\n'
    "\r\n"
    "v-7,瓶,=SUM(A1)\r\n"
    "0012,灯,\r\n"
    "broken,row\r\n"
    "nobody,x,y\r\n"
    "'=1+1,odd,z\n"
    "bell,钟,last"
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = library_in(tmp_path / "library")
    decide(library, [Decision("1982.30.1", Action.ACCEPT, "Li", AT, concept=TRIPOD)])
    yield library
    library.close()


def export(library: Library, folder: Path, data: bytes, name: str = "a.csv", language: str = "en") -> Path:
    (folder / name).write_bytes(data)
    target = folder / f"out-{name}"
    options = WorkbookOptions(language=language, facets=("vessel",))
    write_workbook(library, described(library), folder / name, target, options=options)
    return target


def cells(path: Path, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=delimiter))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_every_byte_of_the_table_is_kept(library: Library, tmp_path: Path, encoding: str, delimiter: str) -> None:
    data = TABLE.replace(",", delimiter).encode(encoding)
    target = export(library, tmp_path, data)
    assert (tmp_path / "a.csv").read_bytes() == data
    old, new = cells(tmp_path / "a.csv", encoding, delimiter), cells(target, encoding, delimiter)
    assert [row[: len(had)] for had, row in zip(old, new, strict=True)] == old
    lines = zip(re.findall(b".*\r?\n|.+", data), re.findall(b".*\r?\n|.+", target.read_bytes()), strict=True)
    for had, has in lines:  # nothing that was added has a line end
        body = had.rstrip(b"\r\n")
        assert has.startswith(body)
        assert has.endswith(had[len(body) :])
        assert has[len(body) : len(body) + 1] in (delimiter.encode(), b"\r")
    assert len(new[1]) == 3 + 6
    assert [len(row) for row in new] == [3, 9, 9, 0, 9, 9, 2, 9, 9, 9]


def test_columns_say_what_is_said(library: Library, tmp_path: Path) -> None:
    target = export(library, tmp_path, TABLE.encode())
    new = cells(target)
    assert new[1][3:] == [
        "Sherd: record", "Sherd: vessel (accepted)", "Sherd: vessel URI", "Sherd: vessel (suggested)",
        "Sherd: vessel probability", "Sherd: state",
    ]  # fmt: skip
    assert new[2][3:8] == ["1982.30.1", "tripod", TRIPOD, "", ""]
    assert new[9][3:8] == ["bell", "", "", "tripod; gui", "0.91"]
    assert new[7][3:] == [""] * 6
    assert guess_columns(new[1]).roles == guess_columns(new[1][:3]).roles
    lines = cells(tmp_path / "out-a.changes.csv")
    assert ["accepted", "1982.30.1", "3", "vessel", "tripod", TRIPOD, "Li", AT, "", "1", *[""] * 6] in lines
    assert {line[0] for line in lines[1:]} == {
        "accepted", "suggested by the machine", "record is in no row", "row without a record",
    }  # fmt: skip


def test_what_is_added_is_safe_to_open(library: Library, tmp_path: Path) -> None:
    table = "登记号,名称\n=1+1,odd\nbell,钟\n"
    target = export(library, tmp_path, table.encode())
    assert cells(target)[1][:3] == ["=1+1", "odd", "'=1+1"]
    text = target.read_text("utf-8")
    (tmp_path / "typed.csv").write_text(text.replace("'=1+1,,", "'=1+1,gui,"), "utf-8")
    (made,), problems = read_workbook(library, tmp_path / "typed.csv", "Ann")
    assert (made.record_id, made.value, problems) == ("=1+1", GUI, [])


def test_a_term_that_looks_like_a_formula_comes_back(library: Library, tmp_path: Path) -> None:
    odd = [Concept("urn:odd:top", {"en": "odd"}), Concept("=urn", {"en": "@dragon"}, broader=("urn:odd:top",))]
    import_thesaurus(library.catalogue.database, Thesaurus.from_concepts(odd), name="urn:odd")
    decide(library, [Decision("bell", Action.ACCEPT, "Li", AT, concept="=urn")])
    (tmp_path / "a.csv").write_text(TABLE, "utf-8")
    write_workbook(
        library, described(library), tmp_path / "a.csv", tmp_path / "b.csv", options=WorkbookOptions(facets=("top",))
    )
    assert cells(tmp_path / "b.csv")[9][3:6] == ["bell", "'@dragon", "'=urn"]
    assert read_workbook(library, tmp_path / "b.csv", "Ann") == ([], [])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_round_trip(library: Library, tmp_path: Path, language: str) -> None:
    target = export(library, tmp_path, TABLE.encode(), language=language)
    assert read_workbook(library, target, "Ann") == ([], [])
    rows = cells(target)
    rows[2][4], rows[9][4] = "", "圆鼎；簋"
    with target.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)  # as another program writes it
    assert import_workbook(library, target, "Ann") == Imported(4, 2, 2, 0, 1, ())
    head = decisions.head(library.catalogue.database)
    assert import_workbook(library, target, "Ann") == Imported(4, 2, 0, 0, 0, ())
    assert decisions.head(library.catalogue.database) == head


def test_ids_that_a_spreadsheet_made_numbers_of_are_noticed(library: Library, tmp_path: Path) -> None:
    target = export(library, tmp_path, TABLE.encode())
    text = target.read_text("utf-8").replace("0012,灯,,0012,,", "12,灯,,12,gui,")
    target.write_text(text, "utf-8")
    made, (problem,) = read_workbook(library, target, "Ann")
    assert (made, problem.reason, problem.where) == ([], "row_moved", "out-a.csv!E6")


def test_a_damaged_state_is_a_problem_of_its_row(library: Library, tmp_path: Path) -> None:
    rows = cells(export(library, tmp_path, TABLE.encode()))
    rows[9][4], rows[9][8], rows[2][4] = "gui", "{", ""
    with (tmp_path / "b.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    made, (problem,) = read_workbook(library, tmp_path / "b.csv", "Ann")
    assert [one.record_id for one in made] == ["1982.30.1"]
    assert (problem.reason, problem.where) == ("row_without_record", "b.csv!E10")


def test_a_table_that_cannot_be_kept_is_refused_and_nothing_left(library: Library, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"row 3: .*mend the row"):
        export(library, tmp_path, '登记号,名称\nbell,钟\nv-7,"a"b\n'.encode())
    (tmp_path / "out-a.changes.csv").write_text("mine")
    with pytest.raises(InvalidArgument, match="is there already"):
        export(library, tmp_path, TABLE.encode())
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.csv", "library", "out-a.changes.csv"]
    (tmp_path / "out-a.changes.csv").unlink()
    target = export(library, tmp_path, TABLE.encode())
    with pytest.raises(SourceError, match="columns of an earlier export"):
        write_workbook(library, described(library), target, tmp_path / "again.csv")
    with pytest.raises(SourceError, match="is no table that Sherd wrote"):
        read_workbook(library, tmp_path / "a.csv", "Ann")
