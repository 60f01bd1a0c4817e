"""Excel workbooks (.xlsx), read row by row in bounded memory, each cell as a person sees it in the sheet.

A workbook is a zip of XML. Nothing in it is trusted: sizes are bounded while it is unpacked, a DTD is refused, and
cells are never laid out by the places that they claim.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.parsers import expat

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.sources.number_formats import BUILT_IN, GENERAL, shown_number
from sherd.ingest.sources.texts import MAX_TEXT_CHARS

MAX_UNPACKED_BYTES = 1024**3
MAX_TEXTS_CHARS = 128 * 1024**2
MAX_CELLS_IN_ROW = 16_384
MAX_MERGED = 200_000
_BLOCK = 64 * 1024
_COLUMN = re.compile(r"^([A-Z]{1,3})[0-9]+$")
_MERGED = re.compile(rb'mergeCell\s[^>]{0,200}?ref="([A-Z]{1,3})([0-9]{1,7}):[A-Z]{1,3}([0-9]{1,7})"')
_MERGED_BYTES = 300
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")

Attributes = Mapping[str, str]
Row = tuple[int, list[str] | RejectedItem]


@contextmanager
def opened_workbook(path: Path) -> Iterator[zipfile.ZipFile]:
    """The parts of a workbook; whatever is wrong with them, found inside the block too, is told as a SourceError."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
            if start == b"\xd0\xcf\x11\xe0":
                raise SourceError(f"{path}: is an old or a password-protected workbook; save it as .xlsx, no password")
            with zipfile.ZipFile(stream) as archive:
                yield archive
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, KeyError, ValueError) as error:
        raise SourceError(f"{path}: is no workbook, or a damaged one: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # compressed or encrypted in a way that zipfile cannot undo
        raise SourceError(f"{path}: cannot be unpacked: {error}") from error


def read_workbook(path: Path) -> Generator[Row, None, None]:
    """(row number, cells) of the first visible sheet that has any content; rows without content are left out.

    Raises:
        SourceError: the file is no workbook, is damaged, or unpacks to more than may be read.
    """
    with opened_workbook(path) as archive:
        yield from _Workbook(path, archive).rows()


class _Workbook:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self._left = MAX_UNPACKED_BYTES
        self._since_1904 = False

    def rows(self) -> Iterator[Row]:
        sheets = self._sheets()
        texts, formats = self._texts(), self._formats()
        for sheet in sheets:
            any_row = False
            for row in self._cells(sheet, texts, formats):
                any_row = True
                yield row
            if any_row:
                return

    def _sheets(self) -> list[str]:
        """Names in the archive of the visible sheets, in their order."""
        found: list[str] = []
        targets: dict[str, str] = {}

        def link(name: str, attributes: Attributes) -> None:
            if name == "Relationship":
                # The target is relative to xl/, or absolute within the archive.
                target = posixpath.join("xl", attributes.get("Target", ""))
                targets[attributes.get("Id", "")] = posixpath.normpath(target).lstrip("/")

        def sheet(name: str, attributes: Attributes) -> None:
            if name == "sheet" and attributes.get("state", "visible") == "visible":
                found.append(targets.get(attributes.get("id", ""), ""))
            elif name == "workbookPr":
                self._since_1904 = attributes.get("date1904") in ("1", "true")

        self._parse("xl/_rels/workbook.xml.rels", link)
        self._parse("xl/workbook.xml", sheet)
        return [name for name in found if name]

    def _texts(self) -> list[str]:
        """The shared texts, by number; guides to pronunciation (rPh) are left out."""
        texts: list[str] = []
        reading = _Text()
        total = 0

        def start(name: str, attributes: Attributes) -> None:
            if name == "si":
                reading.begin()
            else:
                reading.start(name)

        def end(name: str) -> None:
            nonlocal total
            if name == "si":
                texts.append(reading.text())
                total += len(texts[-1])
                if total > MAX_TEXTS_CHARS:
                    raise SourceError(f"{self._path}: holds more than {MAX_TEXTS_CHARS} characters")
            else:
                reading.end(name)

        if "xl/sharedStrings.xml" in self._archive.namelist():
            self._parse("xl/sharedStrings.xml", start, end, reading.add)
        return texts

    def _formats(self) -> list[str]:
        """Number format by style of a cell."""
        named: dict[int, str] = {}
        styles: list[str] = []
        inside = ""

        def start(name: str, attributes: Attributes) -> None:
            nonlocal inside
            if name == "numFmt":
                named[int(attributes["numFmtId"])] = attributes["formatCode"][:255]
            elif name in ("cellXfs", "cellStyleXfs"):
                inside = name
            elif name == "xf" and inside == "cellXfs":
                number = int(attributes.get("numFmtId", "0"))
                styles.append(named.get(number) or BUILT_IN.get(number, GENERAL))

        if "xl/styles.xml" in self._archive.namelist():
            self._parse("xl/styles.xml", start)
        return styles

    def _cells(self, sheet: str, texts: list[str], formats: list[str]) -> Iterator[Row]:
        reader = _Rows(texts, formats, self._since_1904, self._merged(sheet))
        for _ in self._parsing(sheet, reader.start, reader.end, reader.text.add):
            yield from reader.done
            reader.done.clear()

    def _merged(self, sheet: str) -> dict[tuple[int, int], int]:
        """(row, column) of the first cell of a merged block -> its last row. The blocks are named after the cells, so
        they are looked for beforehand; blocks of one row are left out."""
        blocks: dict[tuple[int, int], int] = {}
        with self._archive.open(sheet) as stream:
            left = b""
            while block := self._block(stream):
                for column, first, last in _MERGED.findall(left + block):
                    place = _place(f"{column.decode()}1")
                    if place is not None and int(last) > int(first) and len(blocks) < MAX_MERGED:
                        blocks[int(first), place] = int(last)
                left = block[-_MERGED_BYTES:]
        return blocks

    def _parse(
        self,
        name: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        for _ in self._parsing(name, start, end, text):
            pass

    def _parsing(
        self,
        name: str,
        start: Callable[[str, Attributes], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse a member of the archive; gives control back after each block."""
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._no_dtd
        parser.StartElementHandler = lambda tag, attributes: start(
            _local(tag), {_local(key): value for key, value in attributes.items()}
        )
        if end is not None:
            parser.EndElementHandler = lambda tag: end(_local(tag))
        if text is not None:
            parser.CharacterDataHandler = text
        with self._archive.open(name) as stream:
            while block := self._block(stream):
                parser.Parse(block, False)
                yield
            parser.Parse(b"", True)
            yield

    def _block(self, stream: IO[bytes]) -> bytes:
        block = stream.read(_BLOCK)
        self._left -= len(block)
        if self._left < 0:
            raise SourceError(f"{self._path}: unpacks to more than {MAX_UNPACKED_BYTES} bytes")
        return block

    def _no_dtd(self, *_: object) -> None:
        raise SourceError(f"{self._path}: has a DTD, which no workbook needs")


class _Text:
    """Collects the text of <t> elements, without those in <rPh>, up to what a record may hold."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._open = self._spoken = False

    def start(self, name: str) -> None:
        self._spoken = self._spoken or name == "rPh"
        self._open = name in ("t", "v") and not self._spoken

    def end(self, name: str) -> None:
        if name == "rPh":
            self._spoken = False
        self._open = False

    def add(self, text: str) -> None:
        if self._open and self._length <= MAX_TEXT_CHARS:
            self._parts.append(text)
            self._length += len(text)

    def text(self) -> str:
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), "".join(self._parts))


class _Rows:
    """Builds rows from the elements of a sheet. What a merged block shows counts for each of its rows."""

    def __init__(
        self, texts: list[str], formats: list[str], since_1904: bool, merged: Mapping[tuple[int, int], int]
    ) -> None:
        self.done: list[Row] = []
        self.text = _Text()
        self._texts, self._formats, self._since_1904 = texts, formats, since_1904
        self._number, self._cells, self._next = 0, dict[int, str](), 0
        self._kind, self._style = "n", 0
        self._merged = merged
        self._spanning: dict[int, tuple[int, str]] = {}  # column -> last row of a block, and what it shows

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "row":
            self._number = int(attributes.get("r", self._number + 1))
            self._cells, self._next = {}, 0
        elif name == "c":
            place = _place(attributes.get("r", ""))
            self._next = self._next if place is None else place
            self._kind, self._style = attributes.get("t", "n"), int(attributes.get("s", "0"))
            self.text.begin()
        elif name != "f":  # a formula's last result is what the sheet shows
            self.text.start(name)

    def end(self, name: str) -> None:
        if name == "c":
            if shown := self._shown(self.text.text()):
                self._cells[self._next] = shown
            self._next += 1
        elif name == "row" and self._cells:
            self._span()
            width = max(self._cells) + 1
            if width > MAX_CELLS_IN_ROW:
                refusal = RejectedItem("row_ragged", f"a cell in column {width}; the limit is {MAX_CELLS_IN_ROW}")
                self.done.append((self._number, refusal))
            else:
                self.done.append((self._number, [self._cells.get(place, "") for place in range(width)]))
        else:
            self.text.end(name)

    def _span(self) -> None:
        if not self._merged:
            return
        self._spanning = {place: span for place, span in self._spanning.items() if span[0] >= self._number}
        own = list(self._cells.items())
        for place, (_, shown) in self._spanning.items():
            self._cells.setdefault(place, shown)
        for place, shown in own:
            if last := self._merged.get((self._number, place)):
                self._spanning[place] = (last, shown)

    def _shown(self, raw: str) -> str:
        if self._kind == "s":
            number = int(raw or "-1")
            return self._texts[number] if 0 <= number < len(self._texts) else ""
        if self._kind in ("str", "inlineStr", "d"):
            return raw.removesuffix("T00:00:00") if self._kind == "d" else raw
        if self._kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(raw, raw)
        if self._kind == "e" or not raw.strip():  # #N/A is no text
            return ""
        form = self._formats[self._style] if 0 <= self._style < len(self._formats) else GENERAL
        return shown_number(float(raw), form, since_1904=self._since_1904)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _place(reference: str) -> int | None:
    """Number of a column from 0, of a reference such as "AB12"."""
    found = _COLUMN.match(reference)
    if not found:
        return None
    place = 0
    for letter in found[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
