"""Cells as Sherd writes them into a workbook: texts that stay texts, coloured by whose words they are."""

from __future__ import annotations

import re
from typing import Any

from sherd.errors import SourceError
from sherd.exports.described import Author

MAX_CELL_CHARS = 32_767
COLOURS = {
    Author.PERSON: ("A9D08E", "E2F0D9"),
    Author.MACHINE: ("9BC2E6", "DDEBF7"),
    None: ("BFBFBF", "F2F2F2"),
}
"""Of headings and of cells: green for people, blue for the machine, grey for what only serves to know a row again."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LIKE_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def put_text(cell: Any, text: str) -> None:
    """Write a text as a text: whatever it begins with, it is no formula, no error and no number.

    Control characters, which no workbook may hold, become blanks.

    Raises:
        SourceError: it is longer than a cell may be.
    """
    text = _LIKE_ESCAPED.sub("_x005F_", _CONTROL.sub(" ", text))  # else _x0041_ would be read as A
    if len(text) > MAX_CELL_CHARS:
        raise SourceError(f"a text of {len(text)} characters ({text[:40]}...) is longer than a cell may be")
    cell.value = text
    cell.data_type = "s"


def paint(cell: Any, author: Author | None, *, heading: bool = False) -> None:
    """Colour a cell by whose words are in it."""
    from openpyxl.styles import Font, PatternFill  # imported on use: it takes a while

    colour = COLOURS[author][0 if heading else 1]
    cell.fill = PatternFill("solid", start_color=colour, end_color=colour)
    if heading:
        cell.font = Font(bold=True)
