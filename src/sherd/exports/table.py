"""All statements about a library's records as one flat table (CSV), safe to open in a spreadsheet, and read back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sherd.errors import InvalidArgument, RejectedItem, SourceError
from sherd.exports.described import Author, Described, Shot, Statement
from sherd.exports.files import whole_file
from sherd.ingest.sources.delimited import TableFormat, read_delimited
from sherd.thesaurus.folding import speaks
from sherd.types import Box, Concept

BOM = b"\xef\xbb\xbf"
HEADINGS = (
    "record", "facet", "concept", "label_zh", "label_en", "author", "holds", "who", "at", "probability", "decision",
    "picture", "x", "y", "width", "height", "left_px", "top_px", "width_px", "height_px",
)  # fmt: skip
_ACTS = r"[\s'\x00-\x1f\x7f-\x9f]*[=+\-@＝＋－＠]|'*[\x00-\x1f\x7f-\x9f]"
_DANGEROUS = re.compile(_ACTS)
_MADE_SAFE = re.compile(f"'(?:{_ACTS})")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One statement as the table tells it. box: in fractions 0..1; pixels: left, top, width, height."""

    record_id: str
    facet: str
    concept: str
    label_zh: str
    label_en: str
    author: Author
    holds: bool
    who: str = ""
    at: str = ""
    probability: float | None = None
    number: int | None = None
    image: str | None = None
    box: Box | None = None
    pixels: tuple[int, int, int, int] | None = None


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe before it.

    What counts: = + - @ and their wide forms, also behind blanks and apostrophes, and any control character first.

    >>> safe_cell("=1+1"), safe_cell("'=1+1"), safe_cell("it's"), safe_cell("'t Hooft")
    ("'=1+1", "''=1+1", "it's", "'t Hooft")
    """
    return f"'{text}" if _DANGEROUS.match(text) else text


def plain_cell(text: str) -> str:
    """What `safe_cell` was given, exactly.

    >>> plain_cell("'=1+1"), plain_cell("'t Hooft")
    ('=1+1', "'t Hooft")
    """
    return text[1:] if _MADE_SAFE.match(text) else text


def pixels_of(box: Box, shot: Shot) -> tuple[int, int, int, int]:
    """left, top, width, height in whole pixels of the upright picture; never empty, never outside."""
    left, top = min(round(box.x * shot.width), shot.width - 1), min(round(box.y * shot.height), shot.height - 1)
    right, bottom = round((box.x + box.w) * shot.width), round((box.y + box.h) * shot.height)
    return left, top, max(1, min(right, shot.width) - left), max(1, min(bottom, shot.height) - top)


def write_table(described: Iterable[Described], target: Path, *, bom: bool = False) -> int:
    """Write every statement as a row of a CSV file in UTF-8; gives their number.

    Args:
        bom: begin with the mark by which Excel knows UTF-8.
    Raises:
        StorageRefused: the disk refuses.
    """
    count = 0
    with whole_file(target) as stream:
        stream.write(BOM if bom else b"")
        stream.write(csv_line(HEADINGS))
        for one in described:
            for row in rows_of(one):
                stream.write(csv_line(_cells(row)))
                count += 1
    return count


def rows_of(one: Described) -> Iterator[TableRow]:
    """A record's statements as rows."""
    shots = {shot.path: shot for shot in one.shots}
    for said in one.statements:
        shot = shots.get(said.image) if said.image is not None else None
        yield TableRow(
            one.record.record_id, said.facet, said.concept.uri, _label(said.concept, "zh"), _label(said.concept, "en"),
            said.author, said.holds, _who(said), said.at, said.probability, said.number, said.image, said.box,
            pixels_of(said.box, shot) if said.box is not None and shot is not None else None,
        )  # fmt: skip


def read_table(path: Path) -> Iterator[TableRow]:
    """The rows of a table that `write_table` wrote.

    Raises:
        SourceError: it cannot be read, or a row is none of these; its number is told.
    """
    rows = read_delimited(path, TableFormat("utf-8", ","))
    for number, row in rows:
        if number == 1:
            if isinstance(row, RejectedItem) or tuple(row) != HEADINGS:
                raise SourceError(f"{path}: has other headings than a table of statements has")
            continue
        if isinstance(row, RejectedItem):
            raise SourceError(f"{path} row {number}: {row}")
        try:
            yield _row(dict(zip(HEADINGS, map(plain_cell, row), strict=True)))
        except (ValueError, InvalidArgument) as error:
            raise SourceError(f"{path} row {number}: is no statement ({error})") from error


def csv_line(cells: Sequence[str | float | None], *, delimiter: str = ",", end: str = "\r\n") -> bytes:
    """A row as UTF-8. Texts are made safe, numbers are written in full, None is left empty."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator=end).writerow(map(_written, cells))
    return line.getvalue().encode("utf-8", "replace")


def _written(cell: str | float | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return safe_cell(cell)
    return str(cell) if isinstance(cell, int) else repr(float(cell))


def _cells(row: TableRow) -> list[str | float | None]:
    corners = (row.box.x, row.box.y, row.box.w, row.box.h) if row.box is not None else (None,) * 4
    return [
        row.record_id, row.facet, row.concept, row.label_zh, row.label_en, str(row.author),
        "yes" if row.holds else "no", row.who, row.at, row.probability, row.number, row.image,
        *corners, *(row.pixels or (None,) * 4),
    ]  # fmt: skip


def _row(cells: dict[str, str]) -> TableRow:
    corners = [float(cells[name]) for name in HEADINGS[12:16] if cells[name]]
    pixels = [int(cells[name]) for name in HEADINGS[16:] if cells[name]]
    if len(corners) not in (0, 4) or len(pixels) not in (0, 4):
        raise ValueError("a box needs all of its four numbers")
    if cells["holds"] not in ("yes", "no"):
        raise ValueError(f"holds is {cells['holds'][:20]!r}; it is yes or no")
    return TableRow(
        cells["record"], cells["facet"], cells["concept"], cells["label_zh"], cells["label_en"],
        Author(cells["author"]), cells["holds"] == "yes", cells["who"], cells["at"],
        float(cells["probability"]) if cells["probability"] else None,
        int(cells["decision"]) if cells["decision"] else None, cells["picture"] or None,
        Box(*corners) if corners else None,
        (pixels[0], pixels[1], pixels[2], pixels[3]) if pixels else None,
    )  # fmt: skip


def _who(said: Statement) -> str:
    return said.who or said.model


def _label(concept: Concept, language: str) -> str:
    return next((label for tag, label in concept.pref_labels.items() if speaks(tag, language)), "")
