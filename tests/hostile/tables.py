"""Lines, rows and whole tables from strangers. Functions give lines or rows; `whole_tables` gives files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

PICTURE = "good.png"
TEXT, GOOD = "A vase", {"id": "x", "image": PICTURE}


def line(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def raw(rest: bytes) -> bytes:
    return b'{"id": "x", "image": "good.png", ' + rest + b"}"


def json_syntax() -> list[bytes]:
    return [
        b"{", b"}", b'{"id": "x"', b"{'id': 'x'}", b'{"id": "x",}', b'{"id" "x"}', b"hello", b'{"id": "x"} trailing',
        b"\x00", b'{"id": "\x01"}', b'{"id": tru}', b"{]",
    ]  # fmt: skip


def json_shape() -> list[bytes]:
    return [b"[]", b"[1, 2]", b'"x"', b"3", b"null", b"true", b'[{"id": "x"}]']


def json_depth() -> list[bytes]:
    nests = [(b"[", b"]"), (b'{"a":', b"}")]
    return [raw(b'"x": ' + o * n + (b"1" if c == b"}" else b"") + c * n) for n in (70, 900, 100_000) for o, c in nests]


def json_numbers() -> list[bytes]:
    return [raw(b'"x": ' + n) for n in (b"NaN", b"Infinity", b"-Infinity", b"9" * 5_000, b"-" + b"1" * 100_000)]


def json_duplicates() -> list[bytes]:
    return [raw(b'"a": 1, "a": 2'), b'{"id": "x", "id": "y", "image": "good.png"}', raw(b'"r": {"b": 1, "b": 2}')]


def json_types() -> list[bytes]:
    wrong: list[dict[str, Any]] = [
        {"id": [1]}, {"id": True}, {"id": {}}, {"image": 7}, {"image": [PICTURE]}, {"title": {"en": "x"}},
        {"title": 1}, {"materials": [1]}, {"materials": {"a": 1}}, {"motifs": [None]}, {"regions": "x"},
        {"regions": [1]}, {"phrases": [{"text": "x", "region": 5}]}, {"captions": ["x"]}, {"period": 1987},
        {"themes": ["x"] * 1_001}, {"regions": [{}] * 5_001},
    ]  # fmt: skip
    return [line(**fields) for fields in wrong]


def json_text() -> list[bytes]:
    return [
        raw(b'"title": "\xff"'), raw(b'"title": "\xc3("'), raw(b'"title": "\xed\xa0\x80"'), raw(b'"title": "\xc0\xaf"'),
        raw(b'"title": "\\ud800"'), raw(b'"title": "\\udfff\\ud800"'), raw(b'"title": "\\u0000"'), raw(b'"\\ud800": 1'),
        line(title=TEXT).decode().encode("utf-16-le").replace(b"\n", b""),
    ]  # fmt: skip


def long_lines() -> list[bytes]:
    return [line(title="x" * 4_500_000), b"{" * 6_000_000, line(title="x" * 150_000), line(description="汉" * 100_001)]


def bad_ids() -> list[bytes]:
    nothing: list[bytes] = [json.dumps(one).encode() for one in ({"image": PICTURE}, {"image": PICTURE, "id": None})]
    return [*nothing, *(line(id=one) for one in ("", "   ", "x" * 513, "x" * 10_000, "a\nb", "a\x1b[31mb", "a\x00b"))]


def paths_outside() -> list[str]:
    return [
        "../good.png", "../../etc/passwd", "a/../../good.png", "/etc/passwd", "//server/share/a.png", "C:\\a.png",
        "C:/a.png", "\\\\server\\a.png", "..\\good.png", "file:///etc/passwd", "http://127.0.0.1/a.png",
        "https://169.254.169.254/latest", "ftp://a/b.png", "data:image/png;base64,AAAA", "....//../x.png", "jar:file:///x",
    ]  # fmt: skip


def paths_to_nothing() -> list[str]:
    return ["none.png", "%2e%2e/good.png", "good.png/x.png", "~/good.png", "$HOME/good.png", "good.png ", "GOOD .PNG"]


def paths_invalid() -> list[str]:
    return [".", "./", "a\x00.png", "a\nb.png", "a\x1b[2J.png", "x" * 300, "x/" * 2_001, "sub\\good.png", " "]


def ragged_rows() -> list[bytes]:
    return [b"r1,short", b"r2", b"r3,a,good.png,surplus", b"r4,a comma, in a text,good.png", b"r5;a;good.png", b",,,,x"]


def quoted_rows() -> list[bytes]:
    return [b'q1,"never closed,good.png', b'q2,"closed" early,good.png', b'q3,"a""b"c,good.png', b'"q4,x,good.png']


def rows_without_id() -> list[bytes]:
    return [b",x,good.png", b"   ,x,good.png", b'"",x,good.png', b"i" * 600 + b",x,good.png", b"a\tb,x,good.png"]


def undecodable_rows() -> list[bytes]:
    return [b"u1,\xff\xfe,good.png", b"u2,Mus\xe9e,good.png", b"u3,\xed\xa0\x80,good.png", b"u4,\x80\x81\x82,good.png"]


def rows_of_odd_text() -> list[bytes]:
    return [b"t1,nul\0here,good.png", b"t2,x,go\0od.png", b"t\0003,x,good.png", b"t4," + b"x" * 120_000 + b",good.png",
            b"t5," + b"x" * 200_000 + b",good.png", b"t6," + b"x" * 5_000_000 + b",good.png"]  # fmt: skip


def rows_of_bad_names() -> list[bytes]:
    outside = [path for path in paths_outside() if not set(path) & set(";,|")]
    return [f"p{n},x,{path}".encode() for n, path in enumerate(outside)] + [
        b"p90,x,", b"p91,x,twice.png", b"p92,x,nowhere.png", b"p93,x,good.png;../good.png", b"p94,x, ",
    ]  # fmt: skip


def whole_tables() -> Iterator[tuple[str, str, bytes]]:
    """(kind, name, bytes) of tables that cannot be read at all."""
    table = "id,title,image\n1,x,good.png\n"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        yield "table_encoding", f"{encoding}.csv", table.encode(encoding)
    yield "table_encoding", "binary.csv", bytes(range(256)) * 50
    yield "table_disguise", "zip.csv", b"PK\x03\x04" + bytes(100)
    yield "table_disguise", "old.csv", b"\xd0\xcf\x11\xe0" + bytes(100)
    yield "table_disguise", "pdf.csv", b"%PDF-1.4\n"
    yield "table_disguise", "picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(100)
    yield "table_without_columns", "empty.csv", b""
    yield "table_without_columns", "blank.csv", b"\n\n , ,\n"
    yield "table_without_columns", "unknown.csv", b"foo,bar\n1,2\n"
    yield "table_without_columns", "wrong-delimiter.csv", b"id:title:image\n1:x:good.png\n"
    yield "table_without_columns", "wide.csv", b",".join(b"c%d" % n for n in range(100_000)) + b"\n"
    book = _workbook('<row><c t="inlineStr"><is><t>id</t></is></c><c t="inlineStr"><is><t>image</t></is></c></row>')
    for eighth in range(1, 8):
        yield "workbook_cut", f"cut-{eighth}.xlsx", book[: len(book) * eighth // 8]
    yield "workbook_damaged", "no-zip.xlsx", b"hello"
    yield "workbook_damaged", "empty.xlsx", b""
    yield "workbook_damaged", "password.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    yield "workbook_damaged", "no-sheets.xlsx", _workbook(None)
    yield "workbook_damaged", "not-xml.xlsx", _workbook("<row><c")
    yield "workbook_damaged", "numbers.xlsx", _workbook('<row r="x"><c r="A1"><v>1</v></c></row>')
    yield "workbook_damaged", "value.xlsx", _workbook("<row><c><v>one</v></c></row>")
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    yield (
        "workbook_bomb",
        "laughs.xlsx",
        _workbook("", texts=f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]><sst>&a9;</sst>'),
    )
    yield "workbook_bomb", "entity.xlsx", _workbook("", texts='<!DOCTYPE x SYSTEM "file:///etc/passwd"><sst/>')
    for n, data in enumerate((b"", b"hello", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3_000))):
        yield "old_workbook", f"{n}.xls", data


def exploding_workbook() -> tuple[str, str, bytes]:
    """A megabyte that unpacks to more than a gigabyte; it takes seconds to make and to refuse."""
    return "workbook_bomb", "blanks.xlsx", _workbook(" " * 1_100_000_000)


def _workbook(rows: str | None, *, texts: str | None = None) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        if rows is not None:
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                '<Relationships><Relationship Id="r1" Target="worksheets/a.xml"/></Relationships>',
            )
            archive.writestr("xl/workbook.xml", '<workbook><sheets><sheet id="r1"/></sheets></workbook>')
            archive.writestr("xl/worksheets/a.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>")
        if texts is not None:
            archive.writestr("xl/sharedStrings.xml", texts)
    return stream.getvalue()
