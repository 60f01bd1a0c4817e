"""Tables as text: comma, tab, semicolon or bar between cells, UTF-8 or GB18030, whatever the line ends.

A broken row costs itself: an unclosed quote ends after a bounded span and reading goes on with the next line, so that
it cannot swallow the rest of the file.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import known_headings

MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_ROW_LINES = 200
"""Lines that one row may span by quoted line ends."""

_BLOCK = 256 * 1024
_SAMPLE_BYTES = 16 * 1024 * 1024
_LOOKED_AT = 30
_DELIMITERS = (",", "\t", ";", "|")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_UNPRINTED = bytes((*range(9), *range(14, 27), *range(28, 32)))
_KINDS = (
    (b"PK\x03\x04", "a workbook or an archive; name it .xlsx if it is one"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file; name it .xls"),
    (b"%PDF", "a PDF"),
    (b"\xff\xfe", "in UTF-16; save it as CSV UTF-8"),
    (b"\xfe\xff", "in UTF-16; save it as CSV UTF-8"),
)
_THREE_BYTES = re.compile(rb"[\xe0-\xf4]")
_HAN_PAIR = re.compile(rb"[\x81-\xfe][\x30-\x39\x40-\x7e\x80-\xfe]")


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a text table is written. encoding: 'utf-8' or 'gb18030'."""

    encoding: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A line with its end, and the byte of the file at which it starts. cut: it is longer than may be read."""

    text: bytes
    start: int
    cut: bool


def table_format(path: Path) -> TableFormat:
    """Encoding and delimiter of a text table, told from its first 16 MiB.

    Raises:
        SourceError: it cannot be read, is empty, or is no text in UTF-8 or GB18030.
    """
    try:
        with path.open("rb") as stream:
            sample = stream.read(_SAMPLE_BYTES)
            whole = not stream.read(1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    encoding = _encoding(path, sample if whole else sample[: sample.rfind(b"\n") + 1] or sample)
    delimiters = _DELIMITERS if path.suffix.lower() != ".tsv" else ("\t", *_DELIMITERS)
    return TableFormat(encoding, max(dict.fromkeys(delimiters), key=lambda one: _fit(path, encoding, one)))


def read_delimited(path: Path, form: TableFormat) -> Generator[tuple[int, list[str] | RejectedItem], None, None]:
    """(row number from 1, its cells or why it is refused); blank lines are counted and left out.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            for number, row in enumerate(_rows(_lines(stream), form), 1):
                if isinstance(row, RejectedItem) or any(cell.strip() for cell in row):
                    yield number, row
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error


def _encoding(path: Path, sample: bytes) -> str:
    if not sample.strip():
        raise SourceError(f"{path}: is empty")
    for start, what in _KINDS:
        if sample.startswith(start):
            raise SourceError(f"{path}: is no text table but {what}")
    head = sample[:65_536]
    if len(head) - len(head.translate(None, _UNPRINTED)) > len(head) / 20:
        raise SourceError(f"{path}: is no text: UTF-16 without a mark, or binary; save it as CSV UTF-8")
    if sample.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    lines = [line for line in _LINE_END.split(sample) if not line.isascii()]
    refused = [line for line in lines if not _decodes(line, "utf-8")]
    # Lines in GB18030 may pass as UTF-8, but then as letters of two bytes; Chinese in UTF-8 takes three or more.
    sure = sum(1 for line in lines if _THREE_BYTES.search(line)) - sum(
        1 for line in refused if _THREE_BYTES.search(line)
    )
    read = sure + (len(lines) - len(refused) - sure) // 20
    # Latin-1 often passes as GB18030 too, but then accented letters pair with plain ones, which is rare in Chinese.
    pairs = [pair for line in refused for pair in _HAN_PAIR.findall(line)]
    chinese = sum(pair[1:].isalpha() for pair in pairs) < 0.5 * len(pairs)
    decoded = sum(_decodes(line, "gb18030") for line in refused)
    return "gb18030" if len(refused) > read and chinese and decoded >= 0.9 * len(refused) else "utf-8"


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fit(path: Path, encoding: str, delimiter: str) -> tuple[int, int, int]:
    """How well a delimiter explains the first rows: headings that are known, rows of one width, their width."""
    rows = islice(read_delimited(path, TableFormat(encoding, delimiter)), _LOOKED_AT)
    cells = [row for _, row in rows if not isinstance(row, RejectedItem)]
    widths = Counter(len(row) for row in cells if len(row) > 1)
    width, agreeing = max(widths.items(), key=lambda found: found[1], default=(1, 0))
    return max((known_headings(row) for row in cells), default=0), agreeing, width


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    """Lines that end in CR LF, LF or CR, each at most MAX_LINE_BYTES; the rest of a longer one is left out."""
    left, start, cut = b"", 0, False
    while True:
        block = stream.read(_BLOCK)
        if block.endswith(b"\r"):
            block += stream.read(1)  # a CR LF must not be torn
        data, place = left + block, 0
        for end in _LINE_END.finditer(data):
            yield _Line(data[place : end.end()], start, cut)
            start, place, cut = start + end.end() - place, end.end(), False
        left = data[place:]
        if not block:
            if left or cut:
                yield _Line(left, start, cut)
            return
        if len(left) > MAX_LINE_BYTES:
            start, left, cut = start + len(left), b"", True


def _rows(lines: Iterator[_Line], form: TableFormat) -> Iterator[list[str] | RejectedItem]:
    again: deque[_Line] = deque()  # lines that a row took in and gave back
    while True:
        taken: list[_Line] = []
        reader = csv.reader(_decoded(lines, again, taken, form.encoding), delimiter=form.delimiter, strict=True)
        try:
            row: list[str] | RejectedItem = next(reader)
        except StopIteration:
            return
        except RejectedItem as refusal:
            row = refusal
            if refusal.reason != "line_too_long":
                again.extendleft(reversed(taken[1:]))
        except csv.Error as error:
            row = _refused(error)
            if row.reason == "quote_invalid":
                again.extendleft(reversed(taken[1:]))
        yield row


def _decoded(lines: Iterator[_Line], again: deque[_Line], taken: list[_Line], encoding: str) -> Iterable[str]:
    """Lines for one row, as text; `taken` gets each of them."""
    while True:
        line = again.popleft() if again else next(lines, None)
        if line is None:
            return
        taken.append(line)
        if len(taken) > 1 and (line.cut or not _decodes(line.text, encoding)):
            raise RejectedItem("quote_invalid", "a quote is opened and not closed before a line that cannot be read")
        if line.cut:
            raise RejectedItem("line_too_long", f"more than {MAX_LINE_BYTES} bytes in one line")
        if len(taken) > MAX_ROW_LINES:
            raise RejectedItem("quote_invalid", f"a quote is opened and not closed within {MAX_ROW_LINES} lines")
        try:
            yield line.text.decode("utf-8-sig" if encoding == "utf-8" and line.start == 0 else encoding)
        except UnicodeDecodeError as error:
            where = line.start + error.start
            raise RejectedItem("text_undecodable", f"byte {where} of the file is not {encoding.upper()}") from error


def _refused(error: csv.Error) -> RejectedItem:
    said = str(error)
    if "field limit" in said:
        return RejectedItem("text_too_long", f"a cell has more than {csv.field_size_limit()} characters")
    return RejectedItem("quote_invalid", f"the quotes of the row do not fit together: {said}")
