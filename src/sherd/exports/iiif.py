"""IIIF Presentation 3: a manifest for each record, a canvas for each picture, and what is said of it in two layers.

The layer "reviewed" holds what the catalogue and people say, the layer "machine" what is only suggested; they are pages
of their own, of annotation collections of their own, so that a viewer shows or hides either. What a person refused is
not told. Pictures are addressed as files, not by the IIIF Image API.
"""

from __future__ import annotations

import json
import mimetypes
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sherd.errors import InvalidArgument, StorageRefused
from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.exports.facts import address, facts, label_of, picture_address, suggestions
from sherd.exports.files import whole_file
from sherd.exports.iiif_texts import LABELS, LAYERS, by_language, file_name, metadata, rights_of
from sherd.exports.web_annotation import Json, PictureAddress, author_of, identifier_of
from sherd.ingest.sources.annotations import TERMS
from sherd.ingest.sources.selectors import xywh

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
COLLECTION, MANIFESTS, THUMBNAILS = "collection.json", "manifests", "thumbnails"


@dataclass(frozen=True, slots=True)
class WrittenManifests:
    """How many manifests were written, how many records have no picture and so no manifest, and how many annotations
    the manifests hold."""

    manifests: int
    without_pictures: int
    annotations: int


def manifest(described: Described, settings: ExportSettings, *, picture: PictureAddress | None = None) -> Json:
    """The manifest of a record that has pictures.

    Args:
        settings: with a base on the web, where the folder will be published.
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
    Raises:
        InvalidArgument: the base is not on the web, or the record has no picture.
    """
    return _Writer(settings, picture).manifest(described)


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
    writer = _Writer(settings, picture)
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
                _copy(thumbnail(shot.sha256), out / _thumbnail_path(shot))
    _write(out / COLLECTION, collection(mentioned, settings))
    return WrittenManifests(len(mentioned), without, annotations)


class _Writer:
    def __init__(self, settings: ExportSettings, picture: PictureAddress | None) -> None:
        if not re.fullmatch(r"https?://[^\s/?#]+/(?:[^\s?#]*/)?", settings.base):
            raise InvalidArgument(
                f"IIIF needs a base on the web that ends in a slash, where the files will be published, such as "
                f"https://museum.example/iiif/; it is {settings.base!r}"
            )
        self._settings = settings
        self._picture = picture or (lambda shot: picture_address(settings, shot))

    def manifest(self, one: Described) -> Json:
        record = one.record
        if not one.shots:
            raise InvalidArgument(f"record {record.record_id!r} has no picture, and a manifest shows at least one")
        found: Json = {
            "@context": CONTEXT,
            "id": f"{self._settings.base}{MANIFESTS}/{quote(file_name(record.record_id))}.json",
            "type": "Manifest",
            "label": by_language(record.titles) or {"none": [record.record_id]},
            "metadata": metadata(record),
        }
        if summary := by_language(record.descriptions):
            found["summary"] = summary
        rights, statements = rights_of(record)
        if rights is not None:
            found["rights"] = rights
        if statements:
            found["requiredStatement"] = {"label": LABELS["rights"], "value": {"none": statements}}
        found["thumbnail"] = [self._thumbnail(one.shots[0])]
        found["items"] = [self._canvas(one, number, shot) for number, shot in enumerate(one.shots, 1)]
        if pages := self._pages(one, found["id"], None):
            found["annotations"] = pages
        return found

    def _canvas(self, one: Described, number: int, shot: Shot) -> Json:
        base = address(self._settings, "object", one.record.record_id)
        at = f"{base}/canvas/{quote(shot.path)}"
        view = next((image.view for image in one.record.images if image.path == shot.path), None)
        body: Json = {"id": self._picture(shot), "type": "Image"}
        if kind := mimetypes.guess_type(shot.path)[0]:
            body["format"] = kind
        painting = {
            "id": f"{base}/painting/{quote(shot.path)}", "type": "Annotation", "motivation": "painting",
            "body": body | {"width": shot.width, "height": shot.height}, "target": at,
        }  # fmt: skip
        found: Json = {
            "id": at, "type": "Canvas", "label": {"none": [view or str(number)]}, "width": shot.width,
            "height": shot.height, "thumbnail": [self._thumbnail(shot)],
            "items": [{"id": f"{base}/paintings/{quote(shot.path)}", "type": "AnnotationPage", "items": [painting]}],
        }  # fmt: skip
        if pages := self._pages(one, at, shot):
            found["annotations"] = pages
        return found

    def _pages(self, one: Described, target: str, shot: Shot | None) -> list[Json]:
        """One page for each layer that has something to say of a picture, or of the record as a whole."""
        pages = []
        for layer, statements in (("reviewed", facts(one)), ("machine", suggestions(one))):
            paths = {each.path for each in one.shots}
            # What is said of a picture that the record does not show any more is said of the record.
            here = [
                said for said in statements if (said.image if said.image in paths else None) == (shot and shot.path)
            ]
            items = {found["id"]: found for found in (self._annotation(one, said, target, shot) for said in here)}
            if items:
                pages.append({
                    "id": f"{target.removesuffix('.json')}/{layer}", "type": "AnnotationPage", "label": LAYERS[layer],
                    "partOf": [
                        {
                            "id": f"{self._settings.base}layer/{layer}", "type": "AnnotationCollection",
                            "label": LAYERS[layer],
                        },
                    ],
                    "items": list(items.values()),
                })  # fmt: skip
        return pages

    def _annotation(self, one: Described, said: Statement, target: str, shot: Shot | None) -> Json:
        """The concept as tags that viewers show, one in each of its languages; each tag names the concept.

        Contexts of IIIF cannot be added to in place, so our own properties have their whole names.
        """
        found: Json = {
            "id": identifier_of(one, said, "tag", self._settings), "type": "Annotation", "motivation": "tagging",
            TERMS + "statedBy": str(said.author), **author_of(said, self._settings),
        }  # fmt: skip
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

    def _thumbnail(self, shot: Shot) -> Json:
        return {"id": f"{self._settings.base}{_thumbnail_path(shot)}", "type": "Image", "format": "image/jpeg"}


def _thumbnail_path(shot: Shot) -> str:
    return f"{THUMBNAILS}/{shot.sha256[:2]}/{shot.sha256}.jpg"


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
