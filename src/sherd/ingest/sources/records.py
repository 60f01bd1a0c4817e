"""JSON lines: our own records.jsonl, and metadata.jsonl of the imagefolder convention (`file_name`).

One line is one source item. `record_id` is `object_id`, else `id`, else (imagefolder) the file name; lines that share
it are views of one record. Fields that Sherd has no place for are kept as texts in `Record.extra`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.files import checked_relative
from sherd.ingest.pictures import PictureLimits, picture_size
from sherd.ingest.sources.item import SourceItem
from sherd.ingest.sources.json_lines import read_lines
from sherd.ingest.sources.regions import regions_of
from sherd.ingest.sources.texts import MAX_VALUES, clean_id, clean_text, language_tag
from sherd.types import Caption, Phrase, Record, SourceImage

MAX_EXTRA_FIELDS = 200
MAX_SIDE_PX = 10_000_000
_PLACED = frozenset({
    "id", "object_id", "image", "file_name", "title", "description", "object_type", "materials", "culture", "period",
    "motifs", "themes", "rights", "licence", "split", "view", "regions", "objects", "captions", "phrases", "width",
    "height",
})  # fmt: skip


class RecordsSource:
    """A file of JSON lines; image paths are relative to `root`."""

    kind = "records"
    columns: ColumnRoles | None = None

    def __init__(self, table: Path, root: Path, limits: PictureLimits | None = None) -> None:
        self.root = root
        self._table, self._limits = table, limits

    def items(self) -> Iterator[SourceItem]:
        for ordinal, (number, found) in enumerate(read_lines(self._table)):
            where = f"{self._table.name} line {number}"
            if isinstance(found, RejectedItem):
                yield SourceItem(ordinal, where, reject=found)
                continue
            try:
                record, warnings = self._record(found)
            except RejectedItem as refusal:
                yield SourceItem(ordinal, where, reject=refusal)
            else:
                yield SourceItem(ordinal, where, record=record, warnings=warnings)

    def _record(self, found: dict[str, Any]) -> tuple[Record, tuple[str, ...]]:
        path = _image_path(found)
        record_id = _record_id(found, path)
        regions, places, warnings = regions_of(found, lambda: self._size(found, path))
        language = _text(found, "language")
        title, description = _text(found, "title"), _text(found, "description")
        return Record(
            record_id=record_id,
            images=(SourceImage(path, regions, _text(found, "view")),),
            titles={language_tag(language, title): title} if title else {},
            descriptions={language_tag(language, description): description} if description else {},
            object_type=_text(found, "object_type"),
            materials=_texts(found, "materials"),
            culture=_text(found, "culture"),
            period=_text(found, "period"),
            motifs=_texts(found, "motifs"),
            themes=_texts(found, "themes"),
            rights=_text(found, "rights"),
            licence=_text(found, "licence"),
            split=_text(found, "split"),
            captions=_captions(found),
            phrases=_phrases(found, places),
            extra=_extra(found),
        ), warnings

    def _size(self, found: Mapping[str, Any], path: str) -> tuple[int, int]:
        sides = (found.get("width"), found.get("height"))
        width, height = (s if type(s) is int and 0 < s <= MAX_SIDE_PX else 0 for s in sides)
        return (width, height) if width and height else picture_size(self.root, path, self._limits)


def _image_path(found: Mapping[str, Any]) -> str:
    value = found.get("image", found.get("file_name"))
    if value is None or value == "":
        raise RejectedItem("image_missing", "the line has no image")
    if not isinstance(value, str):
        raise RejectedItem("field_invalid", f"image is {_kind(value)}, not a path")
    return checked_relative(value)


def _record_id(found: Mapping[str, Any], path: str) -> str:
    for name in ("object_id", "id"):
        value = found.get(name)
        if value is None:
            continue
        if type(value) not in (str, int):
            raise RejectedItem("field_invalid", f"{name} is {_kind(value)}, not a text")
        return clean_id(str(value), name)
    if "file_name" in found:
        return clean_id(path, "file_name")
    raise RejectedItem("id_missing", "the line has neither object_id nor id")


def _text(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RejectedItem("field_invalid", f"{name} is {_kind(value)}, not a text")
    return clean_text(value, name) or None


def _texts(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = found.get(name)
    values = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(values, list) or not all(isinstance(text, str) for text in values):
        raise RejectedItem("field_invalid", f"{name} is {_kind(value)}, not a list of texts")
    if len(values) > MAX_VALUES:
        raise RejectedItem("field_invalid", f"{name} has {len(values)} values; the limit is {MAX_VALUES}")
    return tuple(dict.fromkeys(text for text in (clean_text(text, name) for text in values) if text))


def _objects(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = found.get(name) or []
    if not isinstance(rows, list) or len(rows) > MAX_VALUES or not all(isinstance(row, dict) for row in rows):
        raise RejectedItem("field_invalid", f"{name} is not a list of at most {MAX_VALUES} objects")
    return rows


def _captions(found: Mapping[str, Any]) -> tuple[Caption, ...]:
    captions = []
    if "file_name" in found and (text := _text(found, "text")):  # the imagefolder convention's caption
        captions.append(Caption(language_tag(_text(found, "language"), text), text))
    for row in _objects(found, "captions"):
        if text := _text(row, "text"):
            captions.append(Caption(language_tag(_text(row, "language"), text), text, _text(row, "style") or "plain"))
    return tuple(captions)


def _phrases(found: Mapping[str, Any], places: tuple[int | None, ...]) -> tuple[Phrase, ...]:
    phrases = []
    for row in _objects(found, "phrases"):
        text, region = _text(row, "text"), row.get("region")
        if region is not None and not (type(region) is int and 0 <= region < len(places)):
            raise RejectedItem("field_invalid", f"a phrase names region {region!r} of {len(places)}")
        if text:
            place = None if region is None else places[region]
            phrases.append(Phrase(text, language_tag(_text(row, "language"), text), place))
    return tuple(phrases)


def _extra(found: Mapping[str, Any]) -> dict[str, str]:
    """Scalars and lists of scalars that have no place of their own; deeper values are left out."""
    extra: dict[str, str] = {}
    for name, value in found.items():
        if name in _PLACED or len(extra) >= MAX_EXTRA_FIELDS:
            continue
        values = value if isinstance(value, list) else [value]
        if all(isinstance(one, str | int | float) for one in values) and values:
            text = clean_text("; ".join(_scalar(one) for one in values), name)
            if text:
                extra[clean_text(name, "a field name", 200)] = text
    # `id` names one view where `object_id` names the object.
    if found.get("object_id") is not None and type(found.get("id")) in (str, int):
        extra["view_id"] = clean_id(str(found["id"]), "id")
    return extra


def _scalar(value: str | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Any) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
        str: "a text",
    }
    return names.get(type(value), "null")
