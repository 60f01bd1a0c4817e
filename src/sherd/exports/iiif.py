"""IIIF Presentation 3: a manifest for each record, a canvas for each picture, and what is said of it in three layers.

The layer "catalogue" holds what the catalogue says, "reviewed" what people say, "machine" what is only suggested; they
are pages of their own, of annotation collections of their own, so that a viewer shows or hides each. What a person
refused is not told. Where things are found is said by `Places`: as files under the base of an export, with pictures as
files and not by the IIIF Image API; a server says something else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sherd.errors import InvalidArgument, StorageRefused
from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.exports.facts import address, facts, label_of, suggestions
from sherd.exports.files import whole_file
from sherd.exports.iiif_places import COLLECTION, MANIFESTS, Places, thumbnail_path
from sherd.exports.iiif_texts import LABELS, LAYERS, Texts, by_language, file_name, metadata, rights_of
from sherd.exports.web_annotation import Json, PictureAddress, author_of, identifier_of
from sherd.ingest.sources.annotations import TERMS
from sherd.ingest.sources.selectors import xywh
from sherd.types import Record

CONTEXT = "http://iiif.io/api/presentation/3/context.json"


@dataclass(frozen=True, slots=True)
class WrittenManifests:
    """How many manifests were written, how many records have no picture and so no manifest, and how many annotations
    the manifests hold."""

    manifests: int
    without_pictures: int
    annotations: int


def manifest(
    described: Described,
    settings: ExportSettings,
    *,
    picture: PictureAddress | None = None,
    places: Places | None = None,
) -> Json:
    """The manifest of a record that has pictures.

    Args:
        settings: with a base on the web, where the folder will be published.
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
        places: in place of files under the base.
    Raises:
        InvalidArgument: the base is not on the web, or the record has no picture.
    """
    return _Writer(settings, places or Places(settings, picture)).manifest(described)


def mention(described: Described, places: Places) -> Json:
    """What a collection says of a manifest."""
    record = described.record
    found: Json = {"id": places.manifest(record.record_id), "type": "Manifest", "label": _label(record)}
    return found | ({"thumbnail": [places.thumbnail(described.shots[0])]} if described.shots else {})


def annotation_page(described: Described, layer: str, path: str | None, places: Places) -> Json:
    """One layer of what is said of one picture, or of the record as a whole, as a document of its own.

    Args:
        path: of the picture; None for the record.
    Raises:
        InvalidArgument: the record shows no such picture, or there is no such layer.
    """
    shot = next((one for one in described.shots if one.path == path), None)
    if layer not in LAYERS or (shot is None) != (path is None):
        raise InvalidArgument(f"record {described.record.record_id!r} has no layer {layer!r} on a picture {path!r}")
    page = _Writer(places.settings, places).page(described, layer, shot)
    return {"@context": CONTEXT, **page}


def collection(manifests: Iterable[Json], settings: ExportSettings) -> Json:
    """A collection that mentions these manifests."""
    found = [
        {name: one[name] for name in ("id", "type", "label", "thumbnail") if name in one} for one in manifests
    ]  # fmt: skip
    return {
        "@context": CONTEXT, "id": settings.base + COLLECTION, "type": "Collection",
        "label": {"none": [settings.name]}, "items": found,
    }  # fmt: skip


def write_manifests(
    described: Iterable[Described],
    out: Path,
    settings: ExportSettings,
    *,
    picture: PictureAddress | None = None,
    thumbnail: Callable[[str], Path] | None = None,
) -> WrittenManifests:
    """Write manifests/<name>.json for each record and collection.json into the folder `out`, to lie at the base.

    Args:
        thumbnail: gives the file of the thumbnail of the picture with this SHA-256 (`Library.thumbnail`); they are
            copied to thumbnails/ then, where the manifests say that they are.
    Raises:
        InvalidArgument: the base is not on the web.
        StorageRefused: a file cannot be written.
    """
    writer = _Writer(settings, Places(settings, picture))
    mentioned: list[Json] = []
    without = annotations = 0
    for one in described:
        if not one.shots:
            without += 1
            continue
        made = writer.manifest(one)
        _write(out / MANIFESTS / f"{file_name(one.record.record_id)}.json", made)
        mentioned.append({name: made[name] for name in ("id", "type", "label", "thumbnail")})
        pages = [page for canvas in (made, *made["items"]) for page in canvas.get("annotations", ())]
        annotations += sum(len(page["items"]) for page in pages)
        if thumbnail is not None:
            for shot in one.shots:
                _copy(thumbnail(shot.sha256), out / thumbnail_path(shot))
    _write(out / COLLECTION, collection(mentioned, settings))
    return WrittenManifests(len(mentioned), without, annotations)


class _Writer:
    def __init__(self, settings: ExportSettings, places: Places) -> None:
        self._settings, self._places = settings, places

    def manifest(self, one: Described) -> Json:
        record = one.record
        if not one.shots:
            raise InvalidArgument(f"record {record.record_id!r} has no picture, and a manifest shows at least one")
        found: Json = {
            "@context": CONTEXT, "id": self._places.manifest(record.record_id), "type": "Manifest",
            "label": _label(record), "metadata": metadata(record),
        }  # fmt: skip
        if summary := by_language(record.descriptions):
            found["summary"] = summary
        rights, statements = rights_of(record)
        if rights is not None:
            found["rights"] = rights
        if statements:
            found["requiredStatement"] = {"label": LABELS["rights"], "value": {"none": statements}}
        if services := self._places.services(record.record_id):
            found["service"] = services
        found["thumbnail"] = [self._places.thumbnail(one.shots[0])]
        found["items"] = [self._canvas(one, number, shot) for number, shot in enumerate(one.shots, 1)]
        if pages := self._pages(one, None):
            found["annotations"] = pages
        return found

    def page(self, one: Described, layer: str, shot: Shot | None) -> Json:
        """One layer of what is said of a picture, or of the record as a whole."""
        record_id = one.record.record_id
        paths = {each.path for each in one.shots}
        target = self._places.canvas(record_id, shot.path) if shot is not None else self._places.manifest(record_id)
        # What is said of a picture that the record does not show any more is said of the record.
        here = [
            said
            for said in layer_of(one, layer)
            if (said.image if said.image in paths else None) == (shot and shot.path)
        ]
        items = {found["id"]: found for found in (self._annotation(one, said, target, shot) for said in here)}
        return {
            "id": self._places.page(record_id, layer, shot), "type": "AnnotationPage", "label": LAYERS[layer],
            "partOf": [
                {
                    "id": f"{self._settings.base}layer/{layer}", "type": "AnnotationCollection", "label": LAYERS[layer],
                },
            ],
            "items": list(items.values()),
        }  # fmt: skip

    def _canvas(self, one: Described, number: int, shot: Shot) -> Json:
        record_id = one.record.record_id
        base, at = address(self._settings, "object", record_id), self._places.canvas(record_id, shot.path)
        view = next((image.view for image in one.record.images if image.path == shot.path), None)
        painting = {
            "id": f"{base}/painting/{quote(shot.path)}", "type": "Annotation", "motivation": "painting",
            "body": self._places.picture(shot) | {"width": shot.width, "height": shot.height}, "target": at,
        }  # fmt: skip
        found: Json = {
            "id": at, "type": "Canvas", "label": {"none": [view or str(number)]}, "width": shot.width,
            "height": shot.height, "thumbnail": [self._places.thumbnail(shot)],
            "items": [{"id": f"{base}/paintings/{quote(shot.path)}", "type": "AnnotationPage", "items": [painting]}],
        }  # fmt: skip
        if pages := self._pages(one, shot):
            found["annotations"] = pages
        return found

    def _pages(self, one: Described, shot: Shot | None) -> list[Json]:
        """Each layer that has something to say of a picture, or of the record as a whole."""
        found = []
        for layer in LAYERS:
            page = self.page(one, layer, shot)
            if page["items"] or (layer in self._places.unread and shot is not None):
                kept = page if self._places.embedded else {name: page[name] for name in ("id", "type", "label")}
                found.append(kept)
        return found

    def _annotation(self, one: Described, said: Statement, target: str, shot: Shot | None) -> Json:
        """The concept as tags that viewers show, one in each of its languages; each tag names the concept.

        Contexts of IIIF cannot be added to in place, so our own properties have their whole names.
        """
        found: Json = {
            "id": identifier_of(one, said, "tag", self._settings), "type": "Annotation", "motivation": "tagging",
            TERMS + "statedBy": str(said.author), **author_of(said, self._settings),
        }  # fmt: skip
        if "creator" in found:  # searching by person needs an address
            found["creator"]["id"] = address(self._settings, "person", said.who)
        if said.author is Author.MACHINE:
            name, _, fingerprint = said.model.rpartition(" ")
            found["generator"] |= {TERMS + "model": name, TERMS + "fingerprint": fingerprint}
            found[TERMS + "probability"] = said.probability
        uri = said.concept.uri
        # Latin transcriptions are for searching, not for showing.
        labels = {tag: label for tag, label in said.concept.pref_labels.items() if "-Latn" not in tag}
        body: list[Json] = []
        for tag, label in labels.items() or [("", label_of(said.concept))]:
            one_tag: Json = {"type": "TextualBody", "purpose": "tagging", "value": label, "format": "text/plain"}
            body.append(one_tag | ({"language": tag} if tag not in ("", "und") else {}) | {TERMS + "concept": uri})
        if uri.startswith(("http://", "https://")):  # the specification takes no other addresses
            body.append({"type": "SpecificResource", "purpose": "classifying", "source": uri})
        found["body"] = body
        box = said.box if shot is not None else None
        found["target"] = target if box is None or shot is None else f"{target}#{xywh(box, shot.width, shot.height)}"
        return found


def layer_of(one: Described, layer: str) -> list[Statement]:
    """What a layer tells of a record."""
    if layer == "machine":
        return suggestions(one)
    author = Author.CATALOGUE if layer == "catalogue" else Author.PERSON
    return [said for said in facts(one) if said.author is author]


def _label(record: Record) -> Texts:
    return by_language(record.titles) or {"none": [record.record_id]}


def _write(path: Path, document: Json) -> None:
    with whole_file(path) as stream:
        stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n")


def _copy(source: Path, target: Path) -> None:
    if target.exists():  # named after its content
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    except OSError as error:
        raise StorageRefused(f"{target}: cannot be copied from {source}: {error.strerror}") from error
