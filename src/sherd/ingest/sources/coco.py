"""COCO annotation files: each of their images is one source item, with its boxes as regions.

What a machine marked is no part of a catalogue: annotations by a machine, or with a score and no author, are left out
and counted. `record_id` is the image's own where it has one (as in Sherd's exports), else its file name.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.files import checked_relative
from sherd.ingest.pictures import PictureLimits, picture_size
from sherd.ingest.sources.item import SourceItem
from sherd.ingest.sources.records import MAX_SIDE_PX
from sherd.ingest.sources.regions import regions_of
from sherd.ingest.sources.texts import clean_id, clean_text, language_tag
from sherd.types import Record, SourceImage

MAX_FILE_BYTES = 512 * 1024 * 1024
_LISTS = ("images", "annotations", "categories")


def read_coco(path: Path) -> dict[str, Any]:
    """A COCO file as it is: an object with the lists images, annotations and categories, all of objects.

    Raises:
        SourceError: it cannot be read, has more than 512 MiB, is no JSON, or is no COCO file.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(f"{path}: has more than {MAX_FILE_BYTES} bytes")
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError as error:
        raise SourceError(f"{path}: is nested too deeply") from error
    except ValueError as error:  # no UTF-8, no JSON, or numbers of more digits than Python converts
        raise SourceError(f"{path}: is no JSON ({str(error)[:200]})") from error
    if not isinstance(found, dict):
        raise SourceError(f"{path}: is no COCO file: it holds no object")
    for name in _LISTS:
        # Files of unmarked pictures leave the others out.
        rows = found.setdefault(name, []) if name != "images" else found.get(name)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SourceError(f"{path}: is no COCO file: it has no list of objects '{name}'")
    return found


class CocoSource:
    """A COCO file; the names of its images are relative to `root`."""

    kind = "coco"
    columns: ColumnRoles | None = None

    def __init__(self, table: Path, root: Path, limits: PictureLimits | None = None) -> None:
        self.root = root
        self._table, self._limits = table, limits

    def items(self) -> Iterator[SourceItem]:
        found = read_coco(self._table)
        names = _names(found["categories"])
        marks: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for mark in found["annotations"]:
            marks[_key(mark.get("image_id"))].append(mark)
        keys = Counter(_key(image.get("id")) for image in found["images"])
        licences = {_key(one.get("id")): one.get("name") for one in _objects(found.get("licenses"))}
        ordinal = -1
        for ordinal, image in enumerate(found["images"]):
            where = f"{self._table.name} image {ordinal + 1}"
            try:
                key = _key(image.get("id"))
                if key is None or keys[key] > 1:
                    raise RejectedItem("field_invalid", "the image has no id of its own")
                record, warnings = self._record(image, marks[key], names, licences.get(_key(image.get("license"))))
            except RejectedItem as refusal:
                yield SourceItem(ordinal, where, reject=refusal)
            else:
                yield SourceItem(ordinal, where, record=record, warnings=warnings)
        if lost := sum(len(some) for key, some in marks.items() if key not in keys):
            reject = RejectedItem("field_invalid", f"{lost} annotations name images that are not in the file")
            yield SourceItem(ordinal + 1, f"{self._table.name} annotations", reject=reject)

    def _record(
        self, image: Mapping[str, Any], marks: list[dict[str, Any]], names: Mapping[Any, str], licence: Any
    ) -> tuple[Record, tuple[str, ...]]:
        name = image.get("file_name")
        if name is None or name == "":
            raise RejectedItem("image_missing", "the image has no file_name")
        if not isinstance(name, str):
            raise RejectedItem("field_invalid", "file_name is not a text")
        path = checked_relative(name)
        own = image.get("record_id")
        kept = [mark for mark in marks if not _by_machine(mark)]
        rows = _once([{"bbox": mark.get("bbox"), "label": _label(mark, names)} for mark in kept])
        regions, _, warnings = regions_of({"regions": rows}, lambda: self._size(image, path))
        if left := len(marks) - len(kept):
            warnings = (*warnings, f"suggestion_left_out: {left} boxes are a machine's")
        title = _text(image.get("title"), "title")
        return Record(
            clean_id(own, "record_id") if isinstance(own, str) else clean_id(path, "file_name"),
            (SourceImage(path, regions),),
            titles={language_tag(None, title): title} if title else {},
            licence=_text(licence, "license") or None,
        ), warnings

    def _size(self, image: Mapping[str, Any], path: str) -> tuple[int, int]:
        sides = (image.get("width"), image.get("height"))
        width, height = (s if type(s) is int and 0 < s <= MAX_SIDE_PX else 0 for s in sides)
        return (width, height) if width and height else picture_size(self.root, path, self._limits)


def _by_machine(mark: Mapping[str, Any]) -> bool:
    author = mark.get("author")
    return author == "machine" or (author is None and mark.get("score") is not None)


def _label(mark: Mapping[str, Any], names: Mapping[Any, str]) -> str | None:
    """The label as it was written, which Sherd's exports keep, else the name of the category."""
    own = mark.get("label")
    return own if isinstance(own, str) else names.get(_key(mark.get("category_id")))


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each label of each box once: a label that means two concepts is two annotations in Sherd's exports."""
    found: dict[Any, dict[str, Any]] = {}
    for number, row in enumerate(rows):
        box = row["bbox"]
        plain = isinstance(box, list) and all(isinstance(side, int | float) for side in box)
        found.setdefault((*box, row["label"]) if plain else number, row)
    return list(found.values())


def _names(categories: list[dict[str, Any]]) -> dict[Any, str]:
    named = ((_key(one.get("id")), one.get("name")) for one in categories)
    return {key: name for key, name in named if key is not None and isinstance(name, str)}


def _objects(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _key(value: Any) -> int | str | None:
    return value if type(value) in (int, str) else None


def _text(value: Any, name: str) -> str:
    return clean_text(value, name) if isinstance(value, str) else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
