"""Whole JSON documents from strangers: bounded in size and depth, strict where JSON readers differ."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from sherd.errors import RejectedItem
from sherd.ingest.files import read_below, shown
from sherd.ingest.sources.texts import check_text

MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 64


def read_document(root: Path, relative: str) -> Any:
    """The JSON value in the file `relative` below `root`.

    Raises:
        RejectedItem: as `read_below` and `parse_document` raise it.
    """
    return parse_document(read_below(root, relative, MAX_DOCUMENT_BYTES))


def parse_document(data: bytes, start: int = 0) -> Any:
    """The JSON value of these bytes.

    Args:
        start: where in their file they begin; only at the very beginning a byte order mark is forgiven.
    Raises:
        RejectedItem: text_undecodable, text_invalid, json_invalid, json_too_deep, json_duplicate_key or
            json_not_finite.
    """
    try:
        text = data.decode("utf-8" if start else "utf-8-sig")
        value = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise RejectedItem("text_undecodable", f"byte {start + error.start} of the file is not UTF-8") from error
    except RecursionError as error:
        raise RejectedItem("json_too_deep", f"nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:  # json's own errors, and numbers of more digits than Python converts
        raise RejectedItem("json_invalid", str(error)[:200]) from error
    _check(value)
    return value


def listed(value: Any) -> list[Any]:
    """`value` as JSON-LD means it: nothing, one thing, or several.

    >>> listed(None), listed("a"), listed(["a", "b"])
    ([], ['a'], ['a', 'b'])
    """
    return [] if value is None else value if isinstance(value, list) else [value]


def text_at(found: Any, *names: str) -> str:
    """The first of these keys of an object that holds a text which is not blank; '' where none does."""
    if isinstance(found, dict):
        for name in names:
            value = found.get(name)
            if isinstance(value, str) and value.strip():
                return value.strip()
    return ""


def identifier(found: Any) -> str:
    """The address of a resource, given as a text or as an object with `id` or `@id`; '' where there is none."""
    return found.strip() if isinstance(found, str) else text_at(found, "id", "@id")


def kinds(found: Any) -> list[str]:
    """The types of a resource without their prefixes: 'Manifest' for "sc:Manifest"."""
    names = listed(found.get("type", found.get("@type"))) if isinstance(found, dict) else []
    return [name.rpartition("#")[2].rpartition(":")[2] for name in names if isinstance(name, str)]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise RejectedItem("json_duplicate_key", f"the key {shown(twice)} stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise RejectedItem("json_not_finite", f"{name} is no JSON number")


def _check(value: Any) -> None:
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
