"""What Sherd added to a museum's table, line by line: a sheet of the workbook, or a file beside a text table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sherd.exports.described import Author, ExportSettings
from sherd.exports.sheet_cells import paint, put_text
from sherd.exports.sheet_fill import Change, Filled
from sherd.exports.workbook_check import MAX_ROWS
from sherd.suggest.review import now

_TITLES = {"en": "Sherd changes", "zh": "Sherd 变更"}
_HEADINGS = {
    "en": (
        "what", "record", "rows", "facet", "term", "URI", "by", "at", "probability", "decision", "picture",
        "x", "y", "width", "height", "remark",
    ),
    "zh": (
        "内容", "记录", "行", "类目", "词", "URI", "何人或何模型", "时间", "概率", "决定编号", "图片",
        "x", "y", "宽", "高", "备注",
    ),
}  # fmt: skip
_WORDS = {
    "en": {
        "accepted": "accepted", "refused": "refused", "suggested": "suggested by the machine",
        "record_not_here": "record is in no row", "row_without_record": "row without a record",
    },
    "zh": {
        "accepted": "已采纳", "refused": "已否定", "suggested": "机器建议",
        "record_not_here": "表中无此记录", "row_without_record": "此行无对应记录",
    },
}  # fmt: skip
_LEGEND = {
    "en": (
        (Author.PERSON, "People's decisions. Columns '... (accepted)' may be changed: type terms of the thesaurus or "
         "their URIs, several with ; between them. They are read back. URI columns only tell."),
        (Author.MACHINE, "Suggestions of the machine, likeliest first; nobody has confirmed them. The probability is "
         "that of the first. These columns are not read back."),
        (None, "The record that the row was about when this was written. Please leave it: by it a row is known again."),
    ),
    "zh": (
        (Author.PERSON, "人的决定。“（已采纳）”各列可以修改：填写词表中的词或其 URI，"
         "多个之间用 ; 或 、 分隔，之后可读回。URI 列仅供参考。"),
        (Author.MACHINE, "机器的建议，可能性大的在前，尚未经人确认。概率为第一个建议的概率。这些列不会被读回。"),
        (None, "写出时该行对应的记录。请勿改动：读回时据此辨认各行。"),
    ),
}  # fmt: skip
_NOTES = {
    "en": (
        "Written by {software} for {name} at {at}; decisions up to number {number} ({hash}).",
        "This copy has not: {}.",
    ),
    "zh": ("由 {software} 于 {at} 为 {name} 写出；决定截至第 {number} 号（{hash}）。", "此副本不含：{}。"),
}  # fmt: skip
_LEAST_ROWS_LEFT = 100
_ROWS_NAMED = 50


def lines(filled: Filled, language: str) -> Iterator[Sequence[str | float | None]]:
    """The headings, then a line for each change; at most as many as a sheet holds."""
    yield _HEADINGS[language]
    most = MAX_ROWS - _LEAST_ROWS_LEFT
    for one in filled.changes[:most]:
        yield _line(one, language)
    if len(filled.changes) > most:
        yield (f"... {len(filled.changes) - most}", *[None] * (len(_HEADINGS[language]) - 1))


def add_sheet(book: Any, filled: Filled, settings: ExportSettings, language: str, losses: Sequence[str]) -> None:
    """Add the sheet of changes at the end, with the legend of the colours above it."""
    sheet = book.create_sheet(_TITLES[language])
    about, lost = _NOTES[language]
    head = filled.head
    facts = {"software": settings.software, "name": settings.name, "at": now(), "number": head.number}
    put_text(sheet.cell(1, 1), about.format(**facts, hash=head.hash[:12]))
    for place, (author, text) in enumerate(_LEGEND[language], 2):
        paint(sheet.cell(place, 1), author)
        put_text(sheet.cell(place, 1), text)
    for place, loss in enumerate(losses, sheet.max_row + 1):
        put_text(sheet.cell(place, 1), lost.format(loss)[:1_000])
    top = sheet.max_row + 2
    for row, line in enumerate(lines(filled, language), top):
        for column, value in enumerate(line, 1):
            if value is None or value == "":
                continue
            cell = sheet.cell(row, column)
            if isinstance(value, str):
                put_text(cell, value)
            else:
                cell.value = value
            if row == top:
                paint(cell, None, heading=True)
    for letter, width in zip("ABCDEFGHIJKP", (22, 18, 10, 12, 28, 32, 22, 26, 12, 10, 26, 40), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = sheet.cell(top + 1, 1)


def is_changes(sheet: Any) -> bool:
    """Whether `add_sheet` made this sheet, whatever it is called by now."""
    return sheet.cell(2, 1).value in {legend[0][1] for legend in _LEGEND.values()}


def _line(one: Change, language: str) -> Sequence[str | float | None]:
    rows = ", ".join(map(str, one.rows[:_ROWS_NAMED])) + (" ..." if len(one.rows) > _ROWS_NAMED else "")
    corners = (one.box.x, one.box.y, one.box.w, one.box.h) if one.box is not None else (None,) * 4
    return (
        _WORDS[language][one.what], one.record_id, rows, one.facet, one.term, one.uri, one.who,
        one.at, one.probability, one.number, one.image, *corners, one.note,
    )  # fmt: skip
