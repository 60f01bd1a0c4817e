"""Reading LIDO 1.0 and 1.1 from strangers: a record at a time, bounded, without DTD, entities or network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from sherd.errors import InvalidArgument, RejectedItem, SourceError
from sherd.exports.described import Author
from sherd.exports.lido import DECIDED, NAMESPACE, NO_TYPE, SUGGESTED
from sherd.ingest.files import checked_relative
from sherd.ingest.sources.texts import MAX_VALUES, clean_id, clean_text, language_tag
from sherd.types import Box, Record, Region, SourceImage

MAX_FILE_BYTES = 1024**3
MAX_RECORD_BYTES = 4 * 1024**2
MAX_DEPTH = 64
_BLOCK = 64 * 1024
_L = f"{{{NAMESPACE}}}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PLACE = re.compile(r"^(.*)#xywh=percent:([0-9.e+-]+),([0-9.e+-]+),([0-9.e+-]+),([0-9.e+-]+)$", re.DOTALL)
_FIELDS = {
    "objectClassificationWrap/objectWorkTypeWrap/objectWorkType": "object_type",
    "objectIdentificationWrap/objectMaterialsTechWrap/objectMaterialsTechSet/materialsTech/termMaterialsTech":
        "materials",
    "eventWrap/eventSet/event/eventMaterialsTech/materialsTech/termMaterialsTech": "materials",
    "eventWrap/eventSet/event/culture": "culture",
    "eventWrap/eventSet/event/periodName": "period",
    "objectClassificationWrap/classificationWrap/classification": "classification",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LidoTerm:
    """One term of a LIDO record, and whose word it is.

    field: of `Record`: 'object_type', 'materials', 'culture', 'period', 'motifs', 'themes', 'regions' for a motif with
    a box; 'classification' for what no field takes. text: as written, '' where only the labels of a concept stand.
    uris: its concept's, the preferred one first. facet: where it was said. note: who decided, or how likely it is.
    """

    field: str
    text: str
    uris: tuple[str, ...]
    author: Author
    facet: str = ""
    note: str = ""
    image: str | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class LidoRecord:
    """A record in the catalogue's own words, and all its terms. A machine's or a person's words are in `terms` only."""

    record: Record
    terms: tuple[LidoTerm, ...]


def read_lido(path: Path) -> Iterator[LidoRecord | RejectedItem]:
    """The records of a LIDO file in its order, or why one is refused.

    Raises:
        SourceError: the file cannot be read, is too large, is no XML, has a DTD, or holds no LIDO record.
    """
    found = False
    for element in read_elements(path, MAX_FILE_BYTES):
        found = True
        if isinstance(element, RejectedItem):
            yield element
            continue
        try:
            yield _record(element)
        except RejectedItem as refusal:
            yield refusal
    if not found:
        raise SourceError(f"{path}: holds no LIDO record (no lido:lido of {NAMESPACE})")


class _Reader:
    """Takes expat's events and builds one record at a time; everything else of the file is only walked through."""

    def __init__(self, path: Path) -> None:
        self.done: list[Element | RejectedItem] = []
        self._path, self._depth = path, 0
        self._builder: TreeBuilder | None = None
        self._open, self._start = 0, 0
        self._count = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartDoctypeDeclHandler = self._no_dtd
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data

    def _no_dtd(self, *_: object) -> None:
        raise SourceError(f"{self._path}: has a DTD (<!DOCTYPE ...>), which is never read; remove it")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SourceError(f"{self._path}: has elements nested more than {MAX_DEPTH} deep")
        if not self._open and name == f"{NAMESPACE}}}lido":
            self._open, self._start, self._builder = self._depth, self.parser.CurrentByteIndex, TreeBuilder()
            self._count += 1
        if self._builder is not None:
            self._builder.start(_qualified(name), {_qualified(key): value for key, value in attributes.items()})
            self._measure()

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)
            self._measure()

    def _measure(self) -> None:
        if self.parser.CurrentByteIndex - self._start > MAX_RECORD_BYTES:
            self._builder = None
            detail = f"record {self._count} has more than {MAX_RECORD_BYTES} bytes"
            self.done.append(RejectedItem("text_too_long", detail))

    def _end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(_qualified(name))
        if self._depth == self._open:
            if self._builder is not None:
                self.done.append(self._builder.close())
            self._builder, self._open = None, 0
        self._depth -= 1


def read_elements(path: Path, most: int) -> Iterator[Element | RejectedItem]:
    """The lido:lido elements of a file of at most `most` bytes, or why one is refused.

    Raises:
        SourceError: as `read_lido`; a file without any is fine here.
    """
    reader = _Reader(path)
    total = 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
                if total > most:
                    raise SourceError(f"{path}: has more than {most} bytes")
                reader.parser.Parse(block, False)
                yield from reader.done
                reader.done.clear()
            reader.parser.Parse(b"", True)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SourceError(f"{path}: is no well-formed XML ({error})") from error


def _qualified(name: str) -> str:
    return "{" + name if "}" in name else name


def _record(root: Element) -> LidoRecord:
    about, kept = root.findall(_path("descriptiveMetadata")), root.findall(_path("administrativeMetadata"))
    if not about or not kept:
        raise RejectedItem("field_invalid", "a lido:lido without descriptiveMetadata or administrativeMetadata")
    number = _first(kept[0], "recordWrap/recordID") or _first(root, "lidoRecID") or ""
    found = tuple(one for one in _terms(about[0]) if one.uris or (one.field, one.text) != ("object_type", NO_TYPE))
    if len(found) > MAX_VALUES:
        raise RejectedItem("field_invalid", f"record {number!r} has more than {MAX_VALUES} terms")
    words = [one for one in found if one.author is Author.CATALOGUE and one.text]

    def texts(field: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.text for one in words if one.field == field))

    dates = [text for text, _, _ in _texts(about[0], "eventWrap/eventSet/event/eventDate/displayDate")]
    images, links = _images(kept[0], words)
    rights = _rights(kept[0])
    titles = _by_language(about, "objectIdentificationWrap/titleWrap/titleSet/appellationValue")
    record_id = clean_id(number, "recordID")
    return LidoRecord(
        Record(
            record_id,
            images,
            titles={} if set(titles.values()) == {record_id} else titles,
            descriptions=_by_language(
                about, "objectIdentificationWrap/objectDescriptionWrap/objectDescriptionSet/descriptiveNoteValue"
            ),
            object_type=next(iter(texts("object_type")), None),
            materials=texts("materials"),
            culture=next(iter(texts("culture")), None),
            period=next(iter((*dates, *texts("period"))), None),
            motifs=texts("motifs"),
            themes=texts("themes"),
            rights=rights.get("rights"),
            licence=rights.get("licence"),
            extra={"picture": clean_text("; ".join(links), "linkResource")} if links else {},
        ),
        found,
    )


def _terms(about: Element) -> Iterator[LidoTerm]:
    for path, field in _FIELDS.items():
        for element in about.findall(_path(path)):
            yield _term(element, field, element.get(f"{_L}type") or "")
    for subject in about.findall(_path("objectRelationWrap/subjectWrap/subjectSet/subject")):
        kind = subject.get(f"{_L}type") or ""
        image, box = _place(_first(subject, "extentSubject") or "")
        for element in subject.findall(_path("subjectConcept")):
            field = "themes" if kind == "interpretation" else "regions" if box is not None else "motifs"
            yield _term(element, field, kind, image, box)


def _term(element: Element, field: str, kind: str, image: str | None = None, box: Box | None = None) -> LidoTerm:
    words, note = "", ""
    for text, one, label in _texts(element, "term"):
        note = note or label
        if not words and one.get(f"{_L}addedSearchTerm") != "yes":
            words = text
    ids = element.findall(_path("conceptID"))
    ids.sort(key=lambda one: one.get(f"{_L}pref") == "alternative")
    author = Author.CATALOGUE
    if SUGGESTED in (kind, note[: len(SUGGESTED)]):
        author = Author.MACHINE
    elif note.startswith(DECIDED):
        author = Author.PERSON
    note = note if author is not Author.CATALOGUE else ""
    facet = clean_text(next((one.get(f"{_L}label") or "" for one in ids), ""), "label", 1_000)
    uris = tuple(dict.fromkeys(filter(None, (clean_text(one.text or "", "conceptID", 2_000) for one in ids))))
    return LidoTerm(field, words, uris, author, facet, note, image, box)


def _place(text: str) -> tuple[str | None, Box | None]:
    """The picture and the box that an extent names, where it is a media fragment."""
    found = _PLACE.match(text)
    if found is None:
        return None, None
    try:
        x, y, w, h = (float(side) / 100 for side in found.groups()[1:])
        return checked_relative(found[1]), Box(x, y, w, h)
    except (ValueError, InvalidArgument) as error:
        raise RejectedItem("field_invalid", f"extentSubject {text[:100]!r} is no place on a picture") from error


def _images(kept: Element, words: list[LidoTerm]) -> tuple[tuple[SourceImage, ...], list[str]]:
    """The pictures that lie beside the file, with their boxes; addresses of those that do not."""
    paths, links = [], []
    for entry in kept.findall(_path("resourceWrap/resourceSet")):
        own = [one.text or "" for one in entry.findall(_path("resourceID")) if one.get(f"{_L}label") == "path"]
        link = _first(entry, "resourceRepresentation/linkResource")
        if own:
            paths.append(checked_relative(own[0]))
        elif link:
            try:
                paths.append(checked_relative(link))
            except RejectedItem:
                links.append(link)
    images = []
    for path in dict.fromkeys(paths):
        boxes = [one for one in words if one.image == path and one.box is not None]
        images.append(SourceImage(path, tuple(Region(one.box, one.text) for one in boxes if one.box is not None)))
    return tuple(images), links


def _rights(kept: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in ("rightsWorkWrap/rightsWorkSet", "resourceWrap/resourceSet/rightsResource"):
        for text, one, _ in _texts(kept, f"{path}/rightsType/term"):
            found.setdefault("licence" if one.get(f"{_L}encodinganalog") == "licence" else "rights", text)
    return found


def _by_language(about: list[Element], path: str) -> dict[str, str]:
    """The first text of each language."""
    found: dict[str, str] = {}
    for part in about:
        for text, one, _ in _texts(part, path):
            found.setdefault(language_tag(one.get(_XML_LANG) or part.get(_XML_LANG), text), text)
    return found


def _texts(parent: Element, path: str) -> list[tuple[str, Element, str]]:
    """(text, element, lido:label) of the elements that have a text."""
    found = ((clean_text(one.text or "", one.tag.rpartition("}")[2]), one) for one in parent.findall(_path(path)))
    return [(text, one, clean_text(one.get(f"{_L}label") or "", "label", 2_000)) for text, one in found if text]


def _first(parent: Element, path: str) -> str | None:
    return next((text for text, _, _ in _texts(parent, path)), None)


def _path(path: str) -> str:
    return "/".join(_L + name for name in path.split("/"))
