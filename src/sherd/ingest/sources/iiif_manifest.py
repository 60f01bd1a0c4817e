"""One manifest to one record: titles and texts, terms and rights, pictures that are here, regions with their terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem
from sherd.ingest.columns import guess_columns
from sherd.ingest.files import shown
from sherd.ingest.pictures import PictureLimits, picture_size
from sherd.ingest.sources.annotations import (
    REMARK_PURPOSES,
    TERM_PURPOSES,
    Said,
    Target,
    Voice,
    purposes,
    said,
    targets,
)
from sherd.ingest.sources.iiif_shapes import Canvas, Painting, Warnings, canvases, is_old, texts
from sherd.ingest.sources.json_documents import identifier, listed
from sherd.ingest.sources.local_files import LocalFiles
from sherd.ingest.sources.regions import MAX_REGIONS
from sherd.ingest.sources.selectors import box_of, fragment_box
from sherd.ingest.sources.texts import clean_id, clean_text, language_tag, split_values
from sherd.types import Box, Phrase, Record, Region, SourceImage

RECORD_LABEL = "Record identifier"
"""Label of the metadata that holds the museum's own identifier, in manifests that Sherd writes."""
RIGHTS = ("http://creativecommons.org/licenses/", "http://creativecommons.org/publicdomain/",
          "http://rightsstatements.org/vocab/")  # fmt: skip
"""What `rights` of version 3 may begin with."""
MAX_FIELDS = 200
_LABEL_CHARS = 1_000
_SEVERAL = ("materials", "motifs", "themes")
_ROLES = ("object_type", "culture", "period", "description", *_SEVERAL)

PagesOf = Callable[[Any, str, Warnings], list[dict[str, Any]]]
"""(a page or a mention of one, the manifest's folder, warnings) -> its annotations."""


@dataclass(slots=True)
class _Shown:
    """A picture of the record that is here."""

    path: str
    label: str
    regions: list[Region] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A picture on a canvas; the same picture may be on several."""

    picture: _Shown
    canvas: Canvas
    painting: Painting


class ManifestReader:
    """Reads manifests that lie below `root`."""

    def __init__(self, root: Path, files: LocalFiles, pages: PagesOf, limits: PictureLimits | None) -> None:
        self._root, self._files, self._pages, self._limits = root, files, pages, limits

    def record(self, manifest: dict[str, Any], beside: str) -> tuple[Record, tuple[str, ...]]:
        """The record of a manifest in the folder `beside`, and warnings as "reason: detail".

        Raises:
            RejectedItem: id_missing and the like; image_missing where it shows no picture, image_remote where none of
                its pictures is here; or a text that cannot be kept.
        """
        warnings = Warnings()
        fields = _Fields(manifest, warnings)
        found = list(canvases(manifest, warnings))
        placed = self._here(found, beside, warnings)
        known = {fields.address, *(canvas.address for canvas in found)}
        notes = _Notes(self._root, self._limits, placed, known, warnings)
        for page in [*listed(manifest.get("annotations")), *(page for canvas in found for page in canvas.pages),
                     *(page for one in placed for page in one.painting.pages)]:  # fmt: skip
            for annotation in self._pages(page, beside, warnings):
                notes.take(annotation)
        notes.count_machine()
        titles = fields.titles()
        pictures = {one.picture.path: one.picture for one in placed}.values()
        images = tuple(
            # A label that is only the number of the canvas, or the title once more, is no view.
            SourceImage(one.path, tuple(one.regions), one.label if one.label not in ("", str(n), *titles) else None)
            for n, one in enumerate(pictures, 1)
        )
        return fields.record(images, tuple(notes.phrases), tuple(notes.tags)), warnings.all()

    def _here(self, found: list[Canvas], beside: str, warnings: Warnings) -> list[_Placed]:
        here: dict[str, _Shown] = {}
        placed: list[_Placed] = []
        away: list[str] = []
        for canvas in found:
            for painting in canvas.paintings:
                given = filter(None, (painting.address, painting.service))
                path = next(filter(None, (self._files.find(at, beside) for at in given)), None)
                if path is None:
                    away.append(painting.address or painting.service)
                else:
                    picture = here.setdefault(path, _Shown(path, canvas.label))
                    placed.append(_Placed(picture, canvas, painting))
        if away:
            some = f"{len(away)} of {len(away) + len(here)} pictures are not here, such as {shown(away[0])}"
            if not here:
                raise RejectedItem("image_remote", f"{some}; nothing is fetched: put the files beside the manifest")
            warnings.add("image_remote", some)
        if not here:
            raise RejectedItem("image_missing", "the manifest paints no picture on any canvas")
        return placed


class _Fields:
    """What a manifest says in words."""

    def __init__(self, manifest: dict[str, Any], warnings: Warnings) -> None:
        self.address = clean_id(identifier(manifest), "id")
        self._old = is_old(manifest)
        self._manifest, self._warnings = manifest, warnings
        self._extra: dict[str, str] = {}
        self._metadata = self._read_metadata()
        own = next((value for label, value in self._metadata if label == RECORD_LABEL), None)
        self._id = clean_id(own, RECORD_LABEL) if own else self.address
        self._titles = self._by_language("label", "title")
        if not self._titles:
            warnings.add("label_invalid", "the manifest has no label")

    def titles(self) -> tuple[str, ...]:
        return tuple(self._titles.values())

    def record(self, images: tuple[SourceImage, ...], phrases: tuple[Phrase, ...], tags: tuple[str, ...]) -> Record:
        descriptions = self._by_language("summary", "description") or self._by_language("description", "description")
        given = {label: value for label, value in self._metadata if label != RECORD_LABEL}
        taken: dict[str, str] = {}
        for role, label in _roles(tuple(given)).items():
            if role != "description" or not descriptions:
                taken[role] = given.pop(label)
        if self._id != self.address:
            given["iiif"] = self.address
        if text := taken.pop("description", ""):
            descriptions = {language_tag(None, text): text}
        materials, motifs, themes = (split_values(taken.get(role, ""), role) for role in _SEVERAL)
        return Record(
            self._id, images, self._titles, descriptions, object_type=taken.get("object_type"),
            culture=taken.get("culture"), period=taken.get("period"), materials=materials, motifs=motifs,
            themes=tuple(dict.fromkeys((*themes, *tags))), rights=self._statement(),
            licence=self._licence(), phrases=phrases, extra={**self._extra, **given},
        )  # fmt: skip

    def _by_language(self, name: str, kept_as: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for tag, text in texts(self._manifest.get(name), name, self._warnings, old=self._old):
            language = language_tag(tag, text)
            if language in found and found[language] != text:
                more = f"{kept_as} ({tag or language})"
                self._extra[more] = f"{self._extra[more]}; {text}" if more in self._extra else text
            found.setdefault(language, text)
        return found

    def _read_metadata(self) -> list[tuple[str, str]]:
        rows = listed(self._manifest.get("metadata"))
        if len(rows) > MAX_FIELDS:
            self._warnings.add("metadata_invalid", f"{len(rows)} fields; {MAX_FIELDS} are kept")
        found: dict[str, list[str]] = {}
        for row in rows[:MAX_FIELDS]:
            if not isinstance(row, dict):
                self._warnings.add("metadata_invalid", "a field is no object")
                continue
            labels = texts(row.get("label"), "metadata", self._warnings, old=self._old)
            values = texts(row.get("value"), "metadata", self._warnings, old=self._old)
            if labels and values:
                label = next((text for tag, text in labels if tag.startswith("en")), labels[0][1])
                found.setdefault(clean_text(label, "a label", _LABEL_CHARS), []).extend(text for _, text in values)
        return [(label, "; ".join(dict.fromkeys(values))) for label, values in found.items()]

    def _statement(self) -> str | None:
        required = self._manifest.get("requiredStatement")
        value = required.get("value") if isinstance(required, dict) else self._manifest.get("attribution")
        lines = texts(value, "rights", self._warnings, old=self._old)
        return "; ".join(dict.fromkeys(text for _, text in lines)) or None

    def _licence(self) -> str | None:
        found = self._manifest.get("rights", self._manifest.get("license"))
        given = [one for one in listed(found) if isinstance(one, str) and one.strip()]
        if found is not None and not self._old and not (len(given) == 1 and given[0].startswith(RIGHTS)):
            self._warnings.add("rights_invalid", "is no http address of Creative Commons or RightsStatements.org")
        return clean_text("; ".join(given), "rights") or None


class _Notes:
    """What annotations say of the pictures: regions with terms, words about them, and terms of whole pictures."""

    def __init__(
        self, root: Path, limits: PictureLimits | None, placed: list[_Placed], known: set[str], warnings: Warnings
    ) -> None:
        self.phrases: list[Phrase] = []
        self.tags: dict[str, None] = {}
        self._root, self._limits, self._known, self._warnings = root, limits, known, warnings
        self._first = placed[0].picture
        self._by_software = 0
        self._on_canvas = {one.canvas.address: one for one in reversed(placed) if one.canvas.address}
        self._on_picture = {at: one for one in placed for at in (one.painting.address, one.painting.service) if at}

    def count_machine(self) -> None:
        """Say how many annotations by software were left out: they are no facts of a catalogue."""
        if self._by_software:
            self._warnings.add("annotation_by_machine", f"{self._by_software} by software were left out")

    def take(self, annotation: dict[str, Any]) -> None:
        if "painting" in purposes(annotation):
            return
        bodies = [one for one in said(annotation) if one.purpose in TERM_PURPOSES | REMARK_PURPOSES]
        self._by_software += any(one.voice is Voice.MACHINE for one in bodies)
        bodies = [one for one in bodies if one.voice is not Voice.MACHINE]
        for target in targets(annotation) if bodies else []:
            try:
                place = self._place(target)
                for body in _distinct(bodies):
                    self._keep(body, place)
            except RejectedItem as refusal:
                self._warnings.add(refusal.reason, f"an annotation: {refusal.detail}")

    def _place(self, target: Target) -> tuple[_Shown, Box] | None:
        """The picture, and where on it; None for the whole of a picture or of the record."""
        at_picture = self._on_picture.get(target.address)
        one = at_picture or self._on_canvas.get(target.address)
        if one is None and target.address not in self._known:
            raise RejectedItem("target_unknown", f"is about {shown(target.address)}, which the manifest does not show")
        if one is None or (target.selector is None and not target.fragment):
            return None
        width, height = (one.painting.width, one.painting.height) if at_picture else (0, 0)
        width, height = (width or one.canvas.width, height or one.canvas.height)
        if not (width and height):
            width, height = picture_size(self._root, one.picture.path, self._limits)
        box = box_of(target.selector, width, height) or fragment_box(target.fragment, width, height)
        if box is None:
            return None
        if one.painting.changed:
            raise RejectedItem("box_invalid", "the canvas shows the picture turned or in part")
        return one.picture, box if at_picture else _on(one.painting.place, box)

    def _keep(self, body: Said, place: tuple[_Shown, Box] | None) -> None:
        text = clean_text(body.text, "an annotation", _LABEL_CHARS) or None
        concept = clean_text(body.concept, "a concept", _LABEL_CHARS) or None
        if place is None:
            # What a catalogue says of a whole record is in the metadata already.
            if body.purpose in TERM_PURPOSES and body.voice is Voice.PERSON and text:
                self.tags[text] = None
            return
        one, box = place
        if len(one.regions) >= MAX_REGIONS:
            raise RejectedItem("field_invalid", f"more than {MAX_REGIONS} regions on {shown(one.path)}")
        is_term = body.purpose in TERM_PURPOSES
        one.regions.append(Region(box, text if is_term else None, None, concept if is_term else None))
        if not is_term and text and one is self._first:
            self.phrases.append(Phrase(text, language_tag(body.language, text), len(one.regions) - 1))


def _distinct(bodies: list[Said]) -> Iterator[Said]:
    """One body of each concept: the others are its labels in other languages. Texts without a concept are all kept."""
    met: Counter[str] = Counter()
    for body in bodies:
        met[body.concept] += 1
        if not body.concept or met[body.concept] == 1:
            yield body


def _on(place: Box | None, box: Box) -> Box:
    """A box on a canvas as a box on the picture that fills this place of it."""
    if place is None:
        return box
    left, top = max(box.x, place.x), max(box.y, place.y)
    right, bottom = min(box.x + box.w, place.x + place.w), min(box.y + box.h, place.y + place.h)
    if right <= left or bottom <= top:
        raise RejectedItem("box_invalid", "the box lies beside the picture")
    x, y = (left - place.x) / place.w, (top - place.y) / place.h
    return Box(x, y, min((right - left) / place.w, 1.0 - x), min((bottom - top) / place.h, 1.0 - y))


@lru_cache(maxsize=256)
def _roles(labels: tuple[str, ...]) -> Mapping[str, str]:
    """Role -> the label that fills it, of the roles that a record has a place for and metadata may hold."""
    found = guess_columns(labels).roles
    return {role: found[role][0] for role in _ROLES if role in found}
