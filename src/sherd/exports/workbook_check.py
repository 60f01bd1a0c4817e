"""A workbook before it is copied: whether it is safe to open, and what of it a copy would lose.

The copy is made with openpyxl, which keeps what it knows and drops the rest without a word. So everything in the file
is looked at here, and what is not known to be kept is named. Nothing is trusted: sizes, depths and places are bounded,
and a DTD is refused.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from sherd.errors import SourceError
from sherd.exports.workbook_parts import (
    DRAWN,
    EXTENSIONS,
    HARMLESS_EXTENSIONS,
    IN_BOOK,
    IN_SHEET,
    KEPT,
    MACROS,
    PICTURES,
    RELATED,
    REPAINTED,
)
from sherd.ingest.sources.workbook import opened_workbook

MAX_UNPACKED_BYTES = 512 * 1024**2
MAX_MEMBERS = 10_000
MAX_DEPTH = 100
MAX_CELLS = 3_000_000
"""openpyxl holds every cell in memory, some 400 bytes each."""
MAX_SPANNED = 1_000_000
"""Cells that merged blocks and links may cover: openpyxl makes each of them."""
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_BLOCK = 64 * 1024
_PLACE = re.compile(r"^\$?([A-Z]{1,3})\$?([0-9]{1,7})$")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = "http://purl.oclc.org/ooxml/"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a copy of a workbook would not have. serious: people put it there; else Excel makes it again or nobody sees
    it."""

    what: str
    where: str
    serious: bool

    def __str__(self) -> str:
        return f"{self.what} ({self.where})" if self.where else self.what


def check_workbook(path: Path) -> list[Loss]:
    """What a copy of this workbook would lose.

    Raises:
        SourceError: it cannot be read, is damaged, holds macros, or would take more memory than it may.
    """
    with opened_workbook(path) as archive:
        return _Check(path, archive).losses()


class _Check:
    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._archive = path, archive
        self._found: dict[tuple[str, str], bool] = {}
        self.sheets: dict[str, str] = {}  # id of the relation -> name
        self.links: dict[str, tuple[str, str]] = {}  # of the workbook: id -> (kind, part)
        self.pictures: set[str] = set()
        self.cells = self.spanned = self.formulas = 0

    def losses(self) -> list[Loss]:
        members = self._archive.infolist()
        names = {one.filename for one in members}
        if len(members) > MAX_MEMBERS or len(names) < len(members):
            raise SourceError(f"{self.path}: has {len(members)} parts, some of one name or too many")
        if sum(one.file_size for one in members) > MAX_UNPACKED_BYTES:
            raise SourceError(f"{self.path}: unpacks to more than {MAX_UNPACKED_BYTES} bytes")
        if "xl/workbook.xml" not in names:
            raise SourceError(f"{self.path}: is no workbook (it has no xl/workbook.xml); save it as .xlsx")
        for name in sorted(names):
            self._look(name)
        for name in self.pictures & names:
            self._look_at_picture(name)
        if self.formulas:
            what = f"the results of {self.formulas} formulas, until a program opens the copy and works them out again"
            self.lost(what, "", serious=False)
        titles = {part: f"sheet {self.sheets[key]!r}" for key, (_, part) in self.links.items() if key in self.sheets}
        return [Loss(what, titles.get(where, where), serious) for (what, where), serious in self._found.items()]

    def lost(self, what: str, where: str, *, serious: bool = True) -> None:
        self._found[what, where] = serious

    def count(self, *, cells: int = 0, spanned: int = 0) -> None:
        self.cells += cells
        self.spanned += spanned
        if self.cells > MAX_CELLS:
            raise SourceError(f"{self.path}: has more than {MAX_CELLS} cells; split it, then export into the parts")
        if self.spanned > MAX_SPANNED:
            raise SourceError(f"{self.path}: its merged blocks and links cover more than {MAX_SPANNED} cells")

    def _look(self, name: str) -> None:
        with self._archive.open(name) as stream:
            block = stream.read(_BLOCK)
            start = block[:200].lstrip(b"\xef\xbb\xbf \t\r\n").replace(b"\0", b"").lstrip(b"\xff\xfe")
            if not (start.startswith(b"<") or name.endswith((".xml", ".rels"))):
                return
            part = _Part(self, name)
            try:
                while block:
                    part.parser.Parse(block, False)
                    block = stream.read(_BLOCK)
                part.parser.Parse(b"", True)
            except expat.ExpatError:
                if not name.endswith(".vml"):
                    raise
                self.lost("buttons and other controls", name)  # old ones are no XML, so nobody knows

    def _look_at_picture(self, name: str) -> None:
        with self._archive.open(name) as stream:
            start = stream.read(16)
        if start.startswith(REPAINTED):
            self.lost("the form of a picture, which is written again as PNG", name)
        elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            self.lost("the sharp form of a picture (SVG)", name)
        elif not start.startswith(PICTURES):
            # Not opened even if its loss were accepted: some forms run other programs.
            raise SourceError(
                f"{self.path}: holds a picture of a kind that cannot be copied ({name}); make it a PNG or a JPEG"
            )


class _Part:
    """One part of the archive: told by its outermost element."""

    def __init__(self, check: _Check, name: str) -> None:
        self._check, self._name = check, name
        self._open: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._no_dtd
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = lambda _: self._open.pop()
        self.parser.CharacterDataHandler = self._text

    def _start(self, tag: str, raw: Mapping[str, str]) -> None:
        space, _, name = tag.rpartition("}")
        self._open.append(name)
        if len(self._open) > MAX_DEPTH:
            raise SourceError(f"{self._check.path}: {self._name} is nested more than {MAX_DEPTH} deep")
        attributes = {key.rpartition("}")[2]: value for key, value in raw.items()} if raw else raw
        root = self._open[0]
        if len(self._open) == 1 and name in ("workbook", "worksheet") and space != _MAIN:
            what = (
                "is in the strict form of Open XML; save it as an ordinary .xlsx" if space.startswith(_STRICT) else ""
            )
            raise SourceError(f"{self._check.path}: {what or 'is no workbook'}")
        if root == "worksheet":
            self._sheet(name, attributes)
        elif root == "workbook":
            self._book(name, attributes)
        elif root == "Relationships":
            self._relation(attributes)
        elif root == "wsDr" and len(self._open) in (2, 3) and name not in DRAWN:
            self._check.lost("shapes, text boxes and other drawings", self._name)
        elif root == "wsDr" and name in ("hlinkClick", "hlinkHover"):
            self._check.lost("links that pictures lead to", self._name)
        elif name == "ClientData" and attributes.get("ObjectType", "Note") != "Note":
            self._check.lost("buttons and other controls", self._name)
        elif root == "sst" and name == "rPh":
            self._check.lost("guides to pronunciation above characters", "")
        elif root == "comments" and name == "r":
            self._check.lost("the size of comments' boxes and the look of their text", "", serious=False)

    def _sheet(self, name: str, attributes: Mapping[str, str]) -> None:
        check = self._check
        if name == "c":
            check.count(cells=1)
            _area(check.path, attributes.get("r", "A1"))
            if "cm" in attributes or "vm" in attributes:
                check.lost("formulas that spill over, or pictures and data types inside cells", self._name)
        elif name == "row":
            if not 1 <= int(attributes.get("r", "1")) <= MAX_ROWS:
                raise SourceError(f"{check.path}: has a row {attributes['r'][:20]}; {MAX_ROWS} is the last")
        elif name == "f":
            check.formulas += 1
        elif name in ("mergeCell", "hyperlink"):
            check.count(spanned=_area(check.path, attributes.get("ref", "A1")))
        elif name == "rPh":
            check.lost("guides to pronunciation above characters", "")
        elif self._open == ["worksheet", "extLst", "ext"]:
            uri = attributes.get("uri", "").upper()
            if uri not in HARMLESS_EXTENSIONS:
                check.lost(EXTENSIONS.get(uri, f"an extension of Excel ({uri[:60]})"), self._name)
        if len(self._open) == 2:
            what, serious = IN_SHEET.get(name, (f"what the sheet calls {name[:60]}", True))
            if what:
                check.lost(what, self._name, serious=serious)

    def _book(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet" and self._open[-2:-1] == ["sheets"]:
            self._check.sheets[attributes.get("id", "")] = attributes.get("name", "")
        if len(self._open) == 2:
            what, serious = IN_BOOK.get(name, (f"what the workbook calls {name[:60]}", True))
            if what:
                self._check.lost(what, "", serious=serious)

    def _relation(self, attributes: Mapping[str, str]) -> None:
        if len(self._open) != 2:
            return
        check = self._check
        kind = attributes.get("Type", "").rstrip("/").rpartition("/")[2]
        owner = posixpath.join(posixpath.dirname(posixpath.dirname(self._name)), "")
        target = posixpath.normpath(posixpath.join("/", owner, attributes.get("Target", ""))).lstrip("/")
        if kind in MACROS:
            raise SourceError(f"{check.path}: holds macros; save a copy without them as .xlsx")
        if kind == "image" and attributes.get("TargetMode") == "External":
            check.lost("pictures that lie outside of the workbook", self._name)
        elif kind == "image":
            check.pictures.add(target)
        if self._name == "xl/_rels/workbook.xml.rels":
            check.links[attributes.get("Id", "")] = kind, target
        if kind in RELATED:
            what, serious = RELATED[kind]
            check.lost(what, self._name.replace("_rels/", "").removesuffix(".rels"), serious=serious)
        elif kind not in KEPT:
            check.lost(f"a part of the kind {kind[:60]!r}", target)

    def _text(self, text: str) -> None:
        if "x005F_" in text:
            self._check.lost("the text _x005F_, which stands for an underline", self._name)

    def _no_dtd(self, *_: object) -> None:
        raise SourceError(f"{self._check.path}: has a DTD, which no workbook needs")


def _area(path: Path, reference: str) -> int:
    """Cells in a range such as B2 or A1:C9.

    Raises:
        SourceError: it is none, or lies outside of any sheet.
    """
    places = []
    for corner in reference.split(":")[:2]:
        found = _PLACE.match(corner)
        if not found:
            raise SourceError(f"{path}: is damaged: {reference[:40]!r} is no cell")
        column = 0
        for letter in found[1]:
            column = column * 26 + ord(letter) - ord("A") + 1
        row = int(found[2])
        if not (1 <= row <= MAX_ROWS and column <= MAX_COLUMNS):
            raise SourceError(f"{path}: is damaged: {reference[:40]} lies outside of any sheet")
        places.append((row, column))
    (top, left), (bottom, right) = places[0], places[-1]
    return max(0, bottom - top + 1) * max(0, right - left + 1)
