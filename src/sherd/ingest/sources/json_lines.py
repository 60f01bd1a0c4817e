"""One JSON object a line, from strangers: bounded in length and depth, strict where JSON readers differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.files import shown
from sherd.ingest.sources.texts import check_text

MAX_LINE_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64


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
        text = line.decode("utf-8-sig" if start == 0 else "utf-8")
        value = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
        if not isinstance(value, dict):
            return RejectedItem("json_not_object", f"the line holds {type(value).__name__}, not an object")
        _check_values(value)
    except RejectedItem as refusal:
        return refusal
    except UnicodeDecodeError as error:
        return RejectedItem("text_undecodable", f"byte {start + error.start} of the file is not UTF-8")
    except RecursionError:
        return RejectedItem("json_too_deep", f"nested deeper than {MAX_DEPTH}")
    except ValueError as error:  # json's own errors, and numbers of more digits than Python converts
        return RejectedItem("json_invalid", str(error)[:200])
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise RejectedItem("json_duplicate_key", f"the key {shown(twice)} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise RejectedItem("json_not_finite", f"{name} is no JSON number")


def _check_values(value: Any) -> None:
    """Depth and strings of a parsed value, without recursion."""
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise RejectedItem("json_too_deep", f"nested deeper than {MAX_DEPTH}")
        if isinstance(item, str):
            check_text(item, "a text")
        elif isinstance(item, dict):
            for name, inner in item.items():
                check_text(name, "a key")
                stack.append((inner, depth + 1))
        elif isinstance(item, list):
            stack.extend((inner, depth + 1) for inner in item)
