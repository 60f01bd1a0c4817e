"""Spreadsheets for tests: written plainly, or cell by cell as a hostile writer would."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.ingest.museum import colour, paint

_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_LINKS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
_BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def pictures(folder: Path, *names: str) -> Path:
    for n, name in enumerate(names):
        paint(folder / name, colour(n))
    return folder


def raw_xlsx(path: Path, sheet: str, *, texts: str = "", compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A workbook whose <sheetData> is `sheet`, and whose shared texts are `texts`."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("xl/_rels/workbook.xml.rels", _LINKS)
        archive.writestr("xl/workbook.xml", _BOOK)
        if texts:
            archive.writestr("xl/sharedStrings.xml", f"<sst>{texts}</sst>")
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{sheet}</sheetData></worksheet>")
    return path


def inline(rows: Sequence[Sequence[str]]) -> str:
    """Rows as XML with their texts in place."""

    def cell(text: str) -> str:
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'

    return "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)


def old_xls(path: Path, rows: Sequence[Sequence[str | float]]) -> Path:
    """A binary workbook of 1993 (BIFF5): texts and numbers."""

    def block(kind: int, body: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    cells = b""
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            place = struct.pack("<HHH", y, x, 0)
            if isinstance(value, str):
                text = value.encode("latin-1")
                cells += block(0x0204, place + struct.pack("<H", len(text)) + text)
            else:
                cells += block(0x0203, place + struct.pack("<d", value))
    begin = block(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0, 0))
    sheet = block(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0, 0)) + cells + block(0x000A)
    name = b"Sheet1"
    length = len(begin) + len(block(0x0085, bytes(6) + bytes([len(name)]) + name)) + len(block(0x000A))
    bound = block(0x0085, struct.pack("<IBB", length, 0, 0) + bytes([len(name)]) + name)
    path.write_bytes(_compound("Book", begin + bound + block(0x000A) + sheet))
    return path


def _compound(name: str, stream: bytes) -> bytes:
    """A compound file of one stream: a header, a table of sectors, a directory, the stream from sector 2 on."""
    size = max(4096, -(-len(stream) // 512) * 512)
    sectors = size // 512
    table = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(table)}I", *table).ljust(512, b"\xff")
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    header = header.ljust(512, b"\xff")

    def entry(title: str, kind: int, child: int, start: int, length: int) -> bytes:
        text = title.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, length)

    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, size)
    return header + fat + directory.ljust(512, b"\0") + stream.ljust(size, b"\0")
