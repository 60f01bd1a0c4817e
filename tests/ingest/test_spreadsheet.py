"""Spreadsheets as museums keep them: numbers stay as written, broken rows cost themselves, pictures are found."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest

from sherd.errors import InvalidConfig, SourceError
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.sources import SourceItem, delimited, open_source, workbook
from sherd.ingest.sources.number_formats import shown_number
from sherd.types import Record
from tests.ingest.sheets import inline, old_xls, pictures, raw_xlsx

HEAD = "Accession number,Title,Image\n"


def items(folder: Path, table: str | bytes, name: str = "metadata.csv", **columns: tuple[str, ...]) -> list[SourceItem]:
    data = table.encode() if isinstance(table, str) else table
    (folder / name).write_bytes(data)
    return list(open_source(folder, folder / name, ColumnMapping(columns)).items())


def records(folder: Path, table: str | bytes, name: str = "metadata.csv", **columns: tuple[str, ...]) -> list[Record]:
    found = [item.record for item in items(folder, table, name, **columns)]
    assert None not in found, [item.reject for item in items(folder, table, name, **columns)]
    return [one for one in found if one is not None]


def reasons(found: list[SourceItem]) -> list[str]:
    return ["" if item.reject is None else item.reject.reason for item in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path / "src", "a.png", "b.png", "c.png")


def test_accession_numbers_stay_as_they_are_written(folder: Path) -> None:
    numbers = ["0012", "1987.10", "1e5", "  007 ", "2001-02-03", "=1+1", "+44", "2.0", "№ 5", "0x1F", "TRUE", "1/2"]
    table = HEAD + "".join(f"{number},x,a.png\n" for number in numbers)
    assert [record.record_id for record in records(folder, table)] == [number.strip() for number in numbers]


CHINESE = "藏品登记号,名称,质地,年代,照片\n0012,饕餮纹鼎,青铜；锡,商代晚期,a.png\n0013,青花瓷瓶、一对,瓷,明,b.png\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "gb2312"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_chinese_tables_are_read_in_the_encodings_that_excel_writes(folder: Path, encoding: str, end: str) -> None:
    first, second = records(folder, CHINESE.replace("\n", end).encode(encoding))
    assert (first.record_id, first.titles, first.period) == ("0012", {"zh": "饕餮纹鼎"}, "商代晚期")
    assert first.materials == ("青铜", "锡")
    assert second.titles == {"zh": "青花瓷瓶、一对"}


def test_chinese_rows_that_would_pass_as_greek_are_read_as_chinese(folder: Path) -> None:
    table = "登记号,名称,图片\n1,鼎,a.png\n" + "".join(f"{n},瓶,a.png\n" for n in range(2, 30))
    assert {record.title for record in records(folder, table.encode("gbk"))} == {"鼎", "瓶"}


def test_one_damaged_row_does_not_change_what_the_others_are_read_as(folder: Path) -> None:
    for title in ("Musée", "青花", "Łódź ŻŻ"):
        table = (HEAD + f"1,{title},a.png\n").encode() + f"2,{title} ".encode()[:-2] + b",a.png\n"
        found = items(folder, table + f"3,{title},a.png\n".encode())
        assert found[0].record is not None
        assert found[0].record.title == title
        assert reasons(found)[0::2] == ["", ""]


def test_one_latin_row_does_not_turn_a_russian_table_into_chinese(folder: Path) -> None:
    table = "id,title,image\n" + "".join(f"{n},Ваза,a.png\n" for n in range(40))
    found = items(folder, table.encode() + "41,Музей Mus".encode() + b"\xe9e,a.png\n")
    assert reasons(found) == [*[""] * 40, "text_undecodable"]


def test_rare_characters_of_gb18030_are_read(folder: Path) -> None:
    title = "𠮷祥䶮鎏金銅佛坐像㐂"
    (record,) = records(folder, f"登记号,名称,图片\n1,{title},a.png\n".encode("gb18030"))
    assert record.titles == {"zh": title}


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_told_from_the_table(folder: Path, delimiter: str) -> None:
    rows = [["Accession number", "Title", "Image"], ["1", "Vase, with lid; blue", "a.png"], ["2", "x", "b.png"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert records(folder, text)[0].titles == {"en": "Vase, with lid; blue"}


def test_a_tsv_needs_no_quotes(folder: Path) -> None:
    assert records(folder, 'id\ttitle\timage\n1\tVase, 12" high\ta.png\n', "list.tsv")[0].title == 'Vase, 12" high'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (HEAD.encode("utf-16"), "UTF-16"),
        (HEAD.encode("utf-16-be"), "UTF-16"),
        (b"PK\x03\x04" + bytes(100), "xlsx"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "xls"),
        (b"%PDF-1.7\n", "PDF"),
        (bytes(range(256)) * 20, "no text"),
        (b"", "is empty"),
        (b"\n \r\n\t\n", "is empty"),
        (b"just some words\nand more words\n", "just some words"),
        (b"Name:Image\n1:a.png\n", "no column is known"),
        (b",".join(b"c%d" % n for n in range(100_000)) + b"\n", "100000 columns"),
    ],
)
def test_a_file_that_is_no_such_table_is_told_whole(folder: Path, data: bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said) as refused:
        items(folder, data)
    assert "metadata.csv" in str(refused.value)
    assert len(str(refused.value)) < 1_500


def test_latin_letters_that_are_not_utf_8_are_never_read_as_chinese(folder: Path) -> None:
    table = (HEAD + "1,Musée à Genève,a.png\n2,plain,b.png\n3,Gefäß mit Löwen,c.png\n").encode("latin-1")
    found = items(folder, table)
    assert reasons(found) == ["text_undecodable", "", "text_undecodable"]
    assert found[0].reject is not None
    assert f"byte {table.index(0xE9)} " in found[0].reject.detail


def test_rows_are_named_as_the_sheet_numbers_them(folder: Path) -> None:
    table = "A list of relics,,\n\n" + HEAD + '1,"two\nlines",a.png\n\n2,x,b.png\n'
    found = items(folder, table)
    assert [item.where for item in found] == ["metadata.csv row 4", "metadata.csv row 6"]
    assert [item.ordinal for item in found] == [0, 1]
    assert found[0].record is not None
    assert found[0].record.title == "two\nlines"


def test_an_unclosed_quote_costs_its_row_only(folder: Path) -> None:
    table = HEAD + '1,x,a.png\n2,"never closed,b.png\n' + "".join(f"{n},x,c.png\n" for n in range(3, 900))
    found = items(folder, table)
    assert reasons(found) == ["", "quote_invalid", *[""] * 897]


def test_an_unclosed_quote_that_a_later_quote_would_close_costs_its_row_only(folder: Path) -> None:
    table = HEAD + '1,"never closed,b.png\n2,"in quotes, well",c.png\n3,x,a.png\n'
    found = items(folder, table)
    assert reasons(found) == ["quote_invalid", "", ""]


def test_an_open_quote_before_a_line_that_cannot_be_read_costs_both_and_no_more(folder: Path) -> None:
    table = HEAD.encode() + b'1,"never closed,b.png\n2,\xff\xfe,b.png\n3,x,a.png\n'
    assert reasons(items(folder, table)) == ["quote_invalid", "text_undecodable", ""]


def test_broken_rows_are_refused_one_by_one(folder: Path) -> None:
    table = (
        HEAD + "1,x,a.png\n,no number,a.png\n   ,blanks,a.png\n" + "n" * 600 + ",long,a.png\n"
        "5,shifted, by a comma,a.png\n6,short\n7,surplus blanks,a.png,,\n8,no picture,\n"
        + "9," + "t" * 120_000 + ",a.png\n10," + "t" * 200_000 + ",a.png\n"
        "11,nul\0,a.png\n12\t13,x,a.png\n14,fine,b.png\n"
    )  # fmt: skip
    assert reasons(items(folder, table)) == [
        "", "id_missing", "id_missing", "id_too_long", "row_ragged", "row_ragged", "", "image_missing",
        "text_too_long", "text_too_long", "text_invalid", "id_invalid", "",
    ]  # fmt: skip


def test_a_line_without_end_does_not_fill_the_memory(folder: Path) -> None:
    table = HEAD.encode() + b"1,x,a.png\n2," + b"x" * (3 * delimited.MAX_LINE_BYTES) + b",a.png\n3,x,b.png\n"
    assert reasons(items(folder, table)) == ["", "line_too_long", ""]


def test_headings_that_stand_twice_or_are_empty_lose_nothing(folder: Path) -> None:
    (record,) = records(folder, "id,照片,照片,width,width,,Title\n1,a.png,b.png,one,two,three,T\n")
    assert [image.path for image in record.images] == ["a.png", "b.png"]
    assert record.extra == {"width": "one", "width (2)": "two", "column 6": "three"}


def test_titles_and_descriptions_in_two_languages(folder: Path) -> None:
    (record,) = records(
        folder,
        "id,名称,Title,Object name,描述,Description,Notes,image\n1,鼎,Tripod,Ding,商代,Cast bronze,Found 1976,a.png\n",
    )
    assert record.titles == {"zh": "鼎", "en": "Tripod"}
    assert record.extra == {"Object name": "Ding"}
    assert record.descriptions == {"zh": "商代", "en": "Cast bronze\n\nFound 1976"}


def test_several_photographs_of_an_object_are_one_record(folder: Path) -> None:
    in_columns = records(folder, "id,Photo 1,Photo 2,Photo 3\n1,a.png,,b.png\n")
    in_a_cell = records(folder, 'id,photo\n1,"a.png; b.png"\n')
    by_commas = records(folder, 'id,photo\n1,"a.png, b.png"\n')
    by_lines = records(folder, 'id,photo\n1,"a.png\nb.png"\n')
    chinese = records(folder, "id,photo\n1,a.png；b.png\n")
    for found in (in_columns, in_a_cell, by_commas, by_lines, chinese):
        assert [image.path for image in found[0].images] == ["a.png", "b.png"]
    in_rows = records(folder, "id,photo\n1,a.png\n1,b.png\n")
    assert [(record.record_id, record.images[0].path) for record in in_rows] == [("1", "a.png"), ("1", "b.png")]


def test_a_name_with_a_comma_is_one_picture_when_it_is_there(folder: Path) -> None:
    pictures(folder, "Vase, front.png", "x; y.png")
    found = records(folder, 'id,photo\n1,"Vase, front.png"\n2,x; y.png\n3,"Vase, front.png; a.png"\n')
    assert [[image.path for image in record.images] for record in found] == [
        ["Vase, front.png"], ["x; y.png"], ["Vase, front.png", "a.png"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("a.png", "a.png"),
        ("./a.png", "a.png"),
        ("deep/D1.JPG", "deep/D1.JPG"),
        ("deep\\D1.JPG", "deep/D1.JPG"),
        ("DEEP/d1.jpg", "deep/D1.JPG"),
        ("deep/D1", "deep/D1.JPG"),
        ("d1.jpg", "deep/D1.JPG"),
        ("D1", "deep/D1.JPG"),
        ("陶罐", "deep/陶罐.png"),
    ],
)
def test_names_are_found_where_only_one_file_fits(folder: Path, said: str, meant: str) -> None:
    pictures(folder, "deep/D1.JPG", "deep/陶罐.png")
    assert records(folder, f"id,photo\n1,{said}\n")[0].images[0].path == meant


def test_a_name_that_fits_several_files_is_refused(folder: Path) -> None:
    pictures(folder, "one/x.png", "two/x.png", "one/y.png", "one/y.jpg")
    (folder / "list.csv").write_text("id,photo\n1,x.png\n2,y\n3,one/y\n4,one/x.png\n", encoding="utf-8")
    found = list(open_source(folder, folder / "list.csv").items())
    assert reasons(found) == ["image_ambiguous", "image_ambiguous", "image_ambiguous", ""]
    assert found[0].reject is not None
    assert "one/x.png" in found[0].reject.detail
    assert "two/x.png" in found[0].reject.detail


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("../out.png", "path_outside_root"),
        ("..\\out.png", "path_outside_root"),
        ("/etc/passwd", "path_outside_root"),
        ("C:\\a.png", "path_outside_root"),
        ("\\\\server\\a.png", "path_outside_root"),
        ("file:///etc/passwd", "path_outside_root"),
        ("https://example.org/a.png", "path_outside_root"),
        ("a.png; ../out.png", "path_outside_root"),
        ("a\x01.png", "path_invalid"),
        ("x" * 5_000, "path_invalid"),
    ],
)
def test_names_that_lead_outside_are_refused(folder: Path, said: str, reason: str) -> None:
    pictures(folder.parent, "out.png")
    assert reasons(items(folder, f"id,photo\n1,{said}\n2,a.png\n")) == [reason, ""]


def test_a_missing_picture_keeps_its_name_for_the_message(folder: Path) -> None:
    assert records(folder, "id,photo\n1,no such.png\n")[0].images[0].path == "no such.png"


def test_pictures_named_like_the_number_serve_a_table_without_a_column_for_them(folder: Path) -> None:
    pictures(folder, "1987.10.png", "1987.10_2.png", "deep/1987.10 (10).png", "1987.1.png", "A_5-1.png", "1987.100.png")
    found = items(folder, "Accession number,Title\n1987.10,x\n1987.1,y\nA/5,z\n1988,w\n")
    assert reasons(found) == ["", "", "", "image_missing"]
    paths = [[image.path for image in item.record.images] for item in found if item.record]
    assert sorted(paths[0]) == ["1987.10.png", "1987.10_2.png", "deep/1987.10 (10).png"]
    assert paths[1:] == [["1987.1.png"], ["A_5-1.png"]]


def test_the_picture_is_the_identifier_where_there_is_no_number(folder: Path) -> None:
    assert [one.record_id for one in records(folder, "file_name,text\na.png,A vase\n")] == ["a.png"]


def test_a_mapping_decides(folder: Path) -> None:
    table = "Nr,Wie es heißt,Bild,Title\n7,Vase,a.png,wrong\n"
    (record,) = records(folder, table, accession=("Nr",), title=("Wie es heißt",), image=("Bild",))
    assert (record.record_id, record.title, record.extra) == ("7", "Vase", {"Title": "wrong"})
    with pytest.raises(InvalidConfig, match="Did you mean 'Bild'"):
        items(folder, table, image=("Bidl",))


def test_the_library_inside_the_source_is_not_searched_for_pictures(folder: Path) -> None:
    pictures(folder, "library/thumbnails/zz.png")
    (folder / "metadata.csv").write_text("id,photo\n1,zz\n", encoding="utf-8")
    (item,) = open_source(folder, exclude=[folder / "library"]).items()
    assert item.record is not None
    assert item.record.images[0].path == "zz"


def test_items_come_again_the_same(folder: Path) -> None:
    (folder / "metadata.csv").write_text(HEAD + "1,x,a.png\n2,y,B\n3,z,\n", encoding="utf-8")
    source = open_source(folder)
    first = [(item.where, item.record, str(item.reject)) for item in source.items()]
    assert first == [(item.where, item.record, str(item.reject)) for item in source.items()]


def test_a_workbook_is_read_as_a_person_sees_it(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "hidden"
    book.active.sheet_state = "hidden"
    book.active.append(["id", "image"])
    sheet = book.create_sheet("relics")
    sheet.append(["某馆藏品登记表"])
    sheet.append([])
    sheet.append(["登记号", "名称", "年代", "照片", "入藏日期", "高(厘米)", "完整", "误"])
    rows: list[tuple[object, str, object, str, object, object, object, object]] = [
        ("0012", "鼎", "1987.10", "a.png", datetime.date(1987, 10, 2), 12.5, True, "#N/A"),
        (12, "瓶", 1987.1, "b.png", datetime.datetime(2020, 1, 2, 3, 4), 0.1 + 0.2, False, None),
    ]
    for row in rows:
        sheet.append(row)
    sheet["A5"].number_format = "0000"
    sheet["C5"].number_format = "0.00"
    sheet["H4"].data_type = "e"
    sheet["E4"].number_format = "yyyy-mm"
    book.save(folder / "metadata.xlsx")
    source = open_source(folder)
    found = list(source.items())
    assert [item.where for item in found] == ["metadata.xlsx row 4", "metadata.xlsx row 5"]
    first, second = (item.record for item in found)
    assert first is not None
    assert second is not None
    assert (first.record_id, first.period) == ("0012", "1987.10")
    assert first.extra == {"入藏日期": "1987-10", "高(厘米)": "12.5", "完整": "TRUE"}
    assert (second.record_id, second.period) == ("0012", "1987.10")
    assert second.extra["入藏日期"] == "2020-01-02 03:04:00"
    assert second.extra["高(厘米)"] == "0.3"


def test_merged_cells_count_for_each_of_their_rows(folder: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["某馆藏品登记表"], ["登记号", "名称", "照片", ""], ["", "", "文件名", "说明"], ["1", "鼎", "a.png", "x"],
        [None, None, "b.png", "y"], [None, None, None, None], ["2", "瓶", "c.png"], [None, "no block", "a.png"],
    ):  # fmt: skip
        sheet.append(row)
    for block in ("A1:D1", "A2:A3", "B2:B3", "C2:D2", "A4:A6", "B4:B6"):
        sheet.merge_cells(block)
    book.save(folder / "metadata.xlsx")
    found = list(open_source(folder).items())
    assert reasons(found) == ["", "", "", "id_missing"]
    assert [(r.record_id, r.title, r.images[0].path) for r in (item.record for item in found) if r] == [
        ("1", "鼎", "a.png"), ("1", "鼎", "b.png"), ("2", "瓶", "c.png"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "form", "seen"),
    [
        (12.0, "General", "12"), (12.0, "0000", "0012"), (1987.1, "0.00", "1987.10"), (0.1 + 0.2, "General", "0.3"),
        (198_710.0, "0000-00", "1987-10"), (1_234_567.891, "#,##0.00", "1,234,567.89"), (0.25, "0%", "25%"),
        (12.0, '"M"0000', "M0012"), (12.0, r"\K000", "K012"), (-3.0, "0;(0)", "(3)"), (-3.0, "0.0", "-3.0"),
        (0.0, "0;-0;none", "0"), (3.0, "0.##", "3"), (3.456, "0.##", "3.46"), (2.5, "0", "3"),
        (1e20, "0", f"{10**20}"), (43_000.0, "yyyy", "2017"),
        (43_000.0, 'yyyy"年"m"月"', "2017-09"), (43_000.0, "[$-804]yyyy/m/d;@", "2017-09-22"),
        (43_000.5, "m/d/yy h:mm", "2017-09-22 12:00"), (0.5, "h:mm:ss", "12:00:00"), (1.25, "[h]:mm", "30:00"),
        (61.0, "yyyy-mm-dd", "1900-03-01"), (59.0, "yyyy-mm-dd", "1900-02-28"), (-1.0, "yyyy", "-1"),
        (1e9, "yyyy", "1000000000"), (12.5, "# ?/?", "12.5"), (12.5, "0.0E+00", "12.5"), (5.0, "@", "5"),
        (7.0, '"x"', "7"),
    ],
)  # fmt: skip
def test_numbers_look_as_in_the_sheet(value: float, form: str, seen: str) -> None:
    assert shown_number(value, form) == seen


def test_years_may_count_from_1904() -> None:
    assert shown_number(0.0, "yyyy-mm-dd", since_1904=True) == "1904-01-01"


def test_shared_texts_leave_out_how_they_are_spoken(folder: Path) -> None:
    texts = (
        "<si><t>id</t></si><si><t>image</t></si><si><r><t>鼎</t></r><rPh><t>ding</t></rPh><r><t>_x0041_</t></r></si>"
    )
    cells = '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
    cells += '<row><c t="s"><v>2</v></c><c t="str"><f>A</f><v>a.png</v></c></row>'
    raw_xlsx(folder / "metadata.xlsx", cells, texts=texts)
    (item,) = open_source(folder).items()
    assert item.record is not None
    assert item.record.record_id == "鼎A"


def test_cells_far_out_cost_their_row_and_no_memory(folder: Path) -> None:
    rows = inline([["id", "image"], ["1", "a.png"]])
    rows += '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    rows += '<row r="1048577"><c r="ZZZ1048577" t="inlineStr"><is><t>x</t></is></c></row>'
    raw_xlsx(folder / "metadata.xlsx", rows)
    assert reasons(list(open_source(folder).items())) == ["", "row_ragged", "row_ragged"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[: len(data) // 2], "no workbook, or a damaged one"),
        (lambda data: data.replace(b"PK\x03\x04", b"PK\x03\x05"), "damaged|unpacked"),
        (lambda data: b"no zip at all", "no workbook, or a damaged one"),
        (lambda data: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + data, "password"),
        (lambda data: b"", "no workbook, or a damaged one"),
    ],
)  # fmt: skip
def test_a_damaged_workbook_is_told_whole(folder: Path, damage: object, said: str) -> None:
    path = raw_xlsx(folder / "metadata.xlsx", inline([["id", "image"], ["1", "a.png"]]))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SourceError, match=said):
        list(open_source(folder).items())


def test_a_workbook_that_is_a_bomb_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 1_000_000)
    raw_xlsx(folder / "metadata.xlsx", inline([["id", "image"]]) + " " * 5_000_000)
    with pytest.raises(SourceError, match="unpacks to more"):
        list(open_source(folder).items())


def test_a_workbook_with_a_dtd_is_refused(folder: Path) -> None:
    with zipfile.ZipFile(raw_xlsx(folder / "metadata.xlsx", ""), "a") as archive:
        archive.writestr("xl/sharedStrings.xml", '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><sst>&b;</sst>')
    with pytest.raises(SourceError, match="DTD"):
        list(open_source(folder).items())


def test_a_huge_cell_of_a_workbook_costs_its_row(folder: Path) -> None:
    raw_xlsx(
        folder / "metadata.xlsx", inline([["id", "title", "image"], ["1", "x" * 300_000, "a.png"], ["2", "x", "b.png"]])
    )
    assert reasons(list(open_source(folder).items())) == ["text_too_long", ""]


def test_an_old_workbook_is_read(folder: Path) -> None:
    old_xls(
        folder / "list.xls", [["Accession number", "Title", "Image"], ["0012", "Vase", "a.png"], [12.0, 1.5, "b.png"]]
    )
    found = [item.record for item in open_source(folder / "list.xls").items()]
    assert [(one.record_id, one.title, one.images[0].path) for one in found if one] == [
        ("0012", "Vase", "a.png"), ("12", "1.5", "b.png"),
    ]  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"no workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000)])
def test_a_damaged_old_workbook_is_told(folder: Path, data: bytes) -> None:
    (folder / "list.xls").write_bytes(data)
    with pytest.raises(SourceError, match="cannot be read as a workbook"):
        open_source(folder / "list.xls")
