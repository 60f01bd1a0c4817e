"""Imagefolder, as Hugging Face's `datasets` and Sherd itself read it: pictures, and metadata.jsonl beside them.

`objects` and `terms` hold what the catalogue and people say, each with its author. What only a machine says is in
`suggested_objects` and `suggested_terms`, never among the others, so that nothing learns from it by accident.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sherd.errors import InvalidArgument, RejectedItem, StorageRefused
from sherd.exports.described import Author, Described, Shot, Statement
from sherd.exports.facts import facts, label_of, suggestions, terms
from sherd.exports.files import whole_file
from sherd.ingest.sources.folder import READ
from sherd.ingest.sources.texts import language_tag
from sherd.types import Box, Caption, Record, SourceImage

Json: TypeAlias = dict[str, Any]

METADATA = "metadata.jsonl"
_PICTURES = "images"
_BLOCK = 1024 * 1024
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class WrittenFolder:
    """pictures: how many lines and files there are. left_out: (record id, path in the source, why) of the others."""

    pictures: int
    left_out: tuple[tuple[str, str, RejectedItem], ...]


@dataclass(frozen=True, slots=True)
class _Mark:
    box: Box
    label: str | None
    uri: str | None
    author: Author


def write_imagefolder(
    described: Iterable[Described],
    folder: Path,
    picture: Callable[[Shot], Path | None],
    *,
    link: bool = False,
) -> WrittenFolder:
    """Write one line and one file for each picture; a picture that is not there, or not the same any more, is left out.

    Args:
        folder: absent or empty.
        picture: gives the original file of a picture, or None where it cannot be had.
        link: whether files are hard links where the system allows that. They take no space, but who changes one then
            changes the museum's own file.
    Raises:
        InvalidArgument: the folder holds something already. StorageRefused: it cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InvalidArgument(f"{folder} is not empty; give a new folder")
        (folder / _PICTURES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageRefused(f"{folder}: cannot be written: {error.strerror}") from error
    written = 0
    left_out: list[tuple[str, str, RejectedItem]] = []
    with whole_file(folder / METADATA) as stream:
        for one in described:
            for shot in one.shots:
                name = f"{_PICTURES}/{_file_name(one.record.record_id, shot.path)}"
                try:
                    _put(picture(shot), folder / name, shot, link=link)
                except RejectedItem as refusal:
                    left_out.append((one.record.record_id, shot.path, refusal))
                    continue
                line = json.dumps(picture_line(one, shot, name), ensure_ascii=False, allow_nan=False)
                stream.write(line.encode() + b"\n")
                written += 1
    return WrittenFolder(written, tuple(left_out))


def picture_line(one: Described, shot: Shot, file_name: str) -> Json:
    """What metadata.jsonl says of one picture. The same keys stand in every line, as columns want it."""
    record = one.record
    image = next((image for image in record.images if image.path == shot.path), SourceImage(shot.path))
    told, language, caption = _plain_texts(record)
    marks, places = _marked(one, image)
    guessed = suggestions(one)
    seen = [said for said in guessed if said.image == shot.path and said.box is not None]
    phrases = record.phrases if record.images and image is record.images[0] else ()
    return {
        "file_name": file_name,
        "object_id": record.record_id,
        "width": shot.width,
        "height": shot.height,
        **told,
        "language": language,
        "titles": [{"language": tag, "text": text} for tag, text in record.titles.items()],
        "descriptions": [{"language": tag, "text": text} for tag, text in record.descriptions.items()],
        "captions": [
            {"text": one.text, "language": one.language, "style": one.style}
            for one in record.captions
            if one is not caption
        ],
        "phrases": [
            {
                "text": one.text, "language": one.language,
                "region": None if one.region is None else places.get(one.region),
            }
            for one in phrases
        ],
        "object_type": record.object_type,
        "materials": list(record.materials),
        "culture": record.culture,
        "period": record.period,
        "motifs": list(record.motifs),
        "themes": list(record.themes),
        "rights": record.rights,
        "licence": record.licence,
        "split": record.split,
        "view": image.view,
        "source_path": shot.path,
        "objects": {
            "bbox": [_pixels(mark.box, shot) for mark in marks],
            "categories": [mark.label for mark in marks],
            "uris": [mark.uri for mark in marks],
            "authors": [mark.author.value for mark in marks],
        },
        "terms": [_told(fact) for fact in facts(one)],
        "suggested_objects": {
            "bbox": [_pixels(said.box, shot) for said in seen if said.box is not None],
            "categories": [label_of(said.concept) for said in seen],
            "uris": [said.concept.uri for said in seen],
            "scores": [said.probability for said in seen],
        },
        "suggested_terms": [_told(said) for said in guessed],
    }  # fmt: skip


def _marked(one: Described, image: SourceImage) -> tuple[list[_Mark], dict[int, int]]:
    """The boxes of the catalogue on a picture, but for those that a person refused, then those of people; and where
    each region of the record stands among them."""
    known = {(term.text, term.box): term for term in terms(one) if term.field == "regions" and term.image == image.path}
    decided = {
        (fact.concept.uri, fact.box): fact
        for fact in facts(one)
        if fact.author is Author.PERSON and fact.image == image.path and fact.box is not None
    }
    marks: list[_Mark] = []
    places: dict[int, int] = {}
    for number, region in enumerate(image.regions):
        term = known.get((region.label or "", region.box))
        if region.label and term is None:
            continue
        concept = term.concepts[0] if term is not None and term.concepts else None
        same = decided.pop((concept.uri, region.box), None) if concept is not None else None
        author = Author.CATALOGUE if same is None else Author.PERSON
        places[number] = len(marks)
        marks.append(_Mark(region.box, region.label, concept.uri if concept is not None else None, author))
    for fact in decided.values():
        if fact.box is not None:
            marks.append(_Mark(fact.box, label_of(fact.concept), fact.concept.uri, Author.PERSON))
    return marks, places


def _plain_texts(record: Record) -> tuple[Json, str | None, Caption | None]:
    """A title, a description and a caption for readers that take one of each and one language for all of them: that
    language, or None where each text's own script tells it; and the caption that was taken. What would be taken for
    another language is left out here; it stands in the lists."""
    told: Json = {"title": None, "description": None, "text": None}
    chosen: list[tuple[str, str]] = []
    language, caption = None, None
    first = next(iter(record.titles), "")
    offered = [
        ("title", sorted(record.titles.items(), key=lambda one: one[0] != first)),
        ("description", sorted(record.descriptions.items(), key=lambda one: one[0] != first)),
        ("text", [(one.language, one.text) for one in record.captions if one.style == "plain"]),
    ]
    for name, texts in offered:
        for one in texts:
            fits, wanted = _one_language([*chosen, one])
            if fits:
                chosen.append(one)
                told[name], language = one[1], wanted
                break
    if told["text"] is not None:
        caption = next(one for one in record.captions if (one.style, one.text) == ("plain", told["text"]))
    return told, language, caption


def _one_language(texts: list[tuple[str, str]]) -> tuple[bool, str | None]:
    """Whether one declared language, or none, makes a reader take each text for what it is; and which."""
    for declared in (None, *(tag for tag, _ in texts)):
        if all(language_tag(declared, text) == tag for tag, text in texts):
            return True, declared
    return False, None


def _told(said: Statement) -> Json:
    return {
        "uri": said.concept.uri, "label": label_of(said.concept), "facet": said.facet, "author": said.author.value,
        "who": said.who or None, "at": said.at or None, "score": said.probability, "model": said.model or None,
    }  # fmt: skip


def _pixels(box: Box, shot: Shot) -> list[float]:
    return [box.x * shot.width, box.y * shot.height, box.w * shot.width, box.h * shot.height]


def _file_name(record_id: str, path: str) -> str:
    """A name that any system takes, another one for each picture of each record, and always the same."""
    words = _UNSAFE.sub("-", record_id.lower()).strip("-")[:60]
    digest = hashlib.sha256(f"{record_id}\0{path}".encode()).hexdigest()[:12]
    suffix = os.path.splitext(path)[1].lower()
    return f"{words}-{digest}".lstrip("-") + (suffix if suffix in READ else "")


def _put(source: Path | None, target: Path, shot: Shot, *, link: bool) -> None:
    """A copy of the picture, or a link to it; refused where its bytes are not those that the boxes were drawn on."""
    if source is None or not source.is_file():
        raise RejectedItem("file_missing", "the original cannot be had")
    changed = RejectedItem("picture_changed", "the original is another file than the one that was taken in")
    try:
        with source.open("rb") as reading:
            if link:
                if hashlib.file_digest(reading, "sha256").hexdigest() != shot.sha256:
                    raise changed
                if _linked(source, target):
                    return
                reading.seek(0)
            digest = hashlib.sha256()
            with whole_file(target) as stream:
                while block := reading.read(_BLOCK):
                    digest.update(block)
                    stream.write(block)
    except OSError as error:
        raise RejectedItem("file_unreadable", f"the original cannot be read: {error.strerror}") from error
    if digest.hexdigest() != shot.sha256:
        target.unlink()
        raise changed


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another disk, or a system without such links
        return False
    return True
