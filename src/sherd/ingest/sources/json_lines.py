"""One JSON object a line, from strangers: bounded in length and depth, strict where JSON readers differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.sources.json_documents import parse_document

MAX_LINE_BYTES = 4 * 1024 * 1024


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | RejectedItem]]:
    """(line number from 1, object or why it is refused) for each line that is not blank; memory stays bounded.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            offset, number = 0, 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                start, offset = offset, offset + len(line)
                if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                    while rest := stream.readline(MAX_LINE_BYTES):
                        offset += len(rest)
                        if rest.endswith(b"\n"):
                            break
                    yield number, RejectedItem("line_too_long", f"more than {MAX_LINE_BYTES} bytes in one line")
                elif line.strip(b" \t\r\n\xef\xbb\xbf" if number == 1 else b" \t\r\n"):
                    yield number, _parsed(line, start)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error


def _parsed(line: bytes, start: int) -> dict[str, Any] | RejectedItem:
    try:
        value = parse_document(line, start)
    except RejectedItem as refusal:
        return refusal
    if not isinstance(value, dict):
        return RejectedItem("json_not_object", f"the line holds {type(value).__name__}, not an object")
    return value
