"""COCO: pictures, boxes and categories in one JSON file. `sherd.ingest.sources.coco` reads it back.

Each annotation tells its author. A machine's has a score, and only a machine's has one. The number of a picture or an
annotation comes from what it is, so that it is the same in every export; the number of a category is its place among
those of the file, or that of an earlier file that is named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from sherd.errors import SourceError
from sherd.exports.described import Author, Described, ExportSettings, Shot
from sherd.exports.facts import facts, label_of, suggestions, terms
from sherd.exports.files import whole_file
from sherd.ingest.sources.coco import read_coco
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Box, Concept

Json: TypeAlias = dict[str, Any]

_ID_BITS = 52  # what every reader of JSON keeps exactly


def write_coco(
    described: Iterable[Described],
    out: Path,
    settings: ExportSettings | None = None,
    *,
    like: Path | None = None,
    thesaurus: Thesaurus | None = None,
) -> int:
    """Write one file of all records; gives how many annotations there are.

    Paths of pictures are as in the source, so the file belongs beside it.

    Args:
        like: an earlier export, whose categories keep their numbers and are all there again.
        thesaurus: to name the broader concept of a category; where it has none of that URI, the URI tells the name.
    Raises:
        SourceError: `like` is no COCO file. StorageRefused: `out` cannot be written; what stood there is kept.
    """
    document = coco(described, settings, like=like, thesaurus=thesaurus)
    with whole_file(out) as stream:
        stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False).encode())
    return len(document["annotations"])


def coco(
    described: Iterable[Described],
    settings: ExportSettings | None = None,
    *,
    like: Path | None = None,
    thesaurus: Thesaurus | None = None,
) -> Json:
    """What `write_coco` writes."""
    settings = settings or ExportSettings()
    drafts = _Drafts(thesaurus)
    for one in described:
        drafts.add(one)
    numbers = drafts.number(_former(like) if like is not None else [])
    for annotation in drafts.annotations:
        annotation["category_id"] = numbers[annotation.pop("category")]
    return {
        "info": {"description": settings.name, "contributor": settings.software},
        "licenses": [{"id": number, "name": name} for name, number in drafts.licences.items()],
        "images": drafts.images,
        "annotations": drafts.annotations,
        "categories": drafts.categories,
    }


class _Drafts:
    """What a file will hold; annotations name their category by its key until all are known."""

    def __init__(self, thesaurus: Thesaurus | None) -> None:
        self.images: list[Json] = []
        self.annotations: list[Json] = []
        self.licences: dict[str, int] = {}
        self._thesaurus = thesaurus
        self._used: dict[str, set[int]] = {"image": set(), "annotation": set()}
        self._found: dict[str, Json] = {}
        self.categories: list[Json] = []

    def add(self, one: Described) -> None:
        """The pictures of a record and what is marked on them."""
        record = one.record
        numbers: dict[str, tuple[int, Shot]] = {}
        for shot in one.shots:
            number = self._id("image", record.record_id, shot.path)
            numbers[shot.path] = (number, shot)
            image = {
                "id": number, "file_name": shot.path, "width": shot.width, "height": shot.height,
                "record_id": record.record_id, "sha256": shot.sha256, "title": record.title,
            }  # fmt: skip
            if record.licence:
                image["license"] = self.licences.setdefault(record.licence, len(self.licences) + 1)
            self.images.append(image)
        for path, box, category, said in self._marks(one):
            if path in numbers:
                number, shot = numbers[path]
                self.annotations.append({
                    "id": self._id("annotation", number, category, said["author"], box),
                    "image_id": number, "category": category, **_pixels(box, shot), "iscrowd": 0, **said,
                })  # fmt: skip

    def number(self, former: Iterable[Json]) -> dict[str, int]:
        """Numbers by key of the categories; sets `categories` to those of an earlier file, then the others."""
        numbers: dict[str, int] = {}
        for category in former:
            key = category.get("uri") or category["name"]
            numbers.setdefault(key, category["id"])
            self._found.setdefault(key, {name: category[name] for name in category if name != "id"})
        last = max(numbers.values(), default=0)
        for key in sorted(self._found.keys() - numbers.keys()):
            last += 1
            numbers[key] = last
        self.categories = [
            {"id": numbers[key], **self._found[key]} for key in sorted(numbers, key=lambda one: numbers[one])
        ]  # fmt: skip
        return numbers

    def _marks(self, one: Described) -> Iterator[tuple[str, Box, str, Json]]:
        """(picture, box, key of the category, more about it); a person's word takes the place of the same one of the
        catalogue."""
        decided = [fact for fact in facts(one) if fact.author is Author.PERSON]
        twice = {(fact.image, fact.box, fact.concept.uri) for fact in decided}
        for term in terms(one):
            if term.image is None or term.box is None:
                continue
            said: Json = {"author": Author.CATALOGUE.value, "label": term.text}
            if not term.concepts:
                self._found.setdefault(term.text, {"name": term.text, "supercategory": ""})
                yield term.image, term.box, term.text, said
            for concept in term.concepts:
                if (term.image, term.box, concept.uri) not in twice:
                    yield term.image, term.box, self._category(concept), said
        for fact in (*decided, *suggestions(one)):
            if fact.image is None or fact.box is None:
                continue
            if fact.author is Author.PERSON:
                said = {"author": fact.author.value, "who": fact.who, "at": fact.at}
            else:
                said = {"author": fact.author.value, "score": fact.probability or 0.0, "model": fact.model}
            yield fact.image, fact.box, self._category(fact.concept), said

    def _category(self, concept: Concept) -> str:
        if concept.uri not in self._found:
            above = self._name(concept.broader[0]) if concept.broader else ""
            self._found[concept.uri] = {"name": label_of(concept), "supercategory": above, "uri": concept.uri}
        return concept.uri

    def _name(self, uri: str) -> str:
        if self._thesaurus is not None and uri in self._thesaurus:
            return label_of(self._thesaurus.concept(uri))
        return label_of(Concept(uri))

    def _id(self, kind: str, *parts: object) -> int:
        digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
        number = int.from_bytes(digest[:8], "big") >> (64 - _ID_BITS)
        while number in self._used[kind]:
            number = (number + 1) % 2**_ID_BITS
        self._used[kind].add(number)
        return number


def _pixels(box: Box, shot: Shot) -> Json:
    w, h = box.w * shot.width, box.h * shot.height
    return {"bbox": [box.x * shot.width, box.y * shot.height, w, h], "area": w * h}


def _former(path: Path) -> list[Json]:
    found: list[Json] = read_coco(path)["categories"]
    for category in found:
        if type(category.get("id")) is not int or not isinstance(category.get("name"), str):
            raise SourceError(f"{path}: a category has no number or no name, so none can be kept")
    return found
