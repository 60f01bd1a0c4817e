"""Linked Art 1.0: for each record a HumanMadeObject, and a VisualItem where something is said of what it shows.

Facts stand as facts. A person's fact comes with an AttributeAssignment that tells who and when. A machine's word is an
AttributeAssignment only, carried out by the software, with its probability and model as notes. What a person refused is
not told at all: Linked Art has no way to say that something does not hold.
"""

from __future__ import annotations

import json
import mimetypes
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.exports.facts import address, equivalents, facts, label_of, picture_address, place_of, suggestions, terms
from sherd.exports.files import whole_file
from sherd.types import Concept

CONTEXT = "https://linked.art/ns/v1/linked-art.json"

Json: TypeAlias = dict[str, Any]
PictureAddress: TypeAlias = Callable[[Shot], str]

_AAT = "http://vocab.getty.edu/aat/"
_LANGUAGES = {"en": f"{_AAT}300388277", "zh": f"{_AAT}300388113"}
_TWO_LETTERS = re.compile(r"^[a-z]{2}$")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the concepts of a facet stand: the property, the class of what it holds, whether of the VisualItem."""

    name: str
    kind: str
    visual: bool = False


_PLACES: Mapping[str, _Place] = {
    "type": _Place("classified_as", "Type"),
    "material": _Place("made_of", "Material"),
    "culture": _Place("during", "Period"),
    "motif": _Place("represents_instance_of_type", "Type", visual=True),
    "theme": _Place("about", "Type", visual=True),
}
_ELSE = _Place("classified_as", "Type")


def _type(number: int, label: str, *, of: Sequence[Json] = ()) -> Json:
    return _filled({"id": f"{_AAT}{number}", "type": "Type", "_label": label, "classified_as": list(of)})


def _brief(number: int, label: str) -> Json:
    """The class of a short text."""
    return _type(number, label, of=[{"id": f"{_AAT}300418049", "type": "Type", "_label": "Brief Text"}])


def linked_art(
    described: Iterable[Described], settings: ExportSettings | None = None, *, picture: PictureAddress | None = None
) -> Iterator[Json]:
    """The documents of records: each HumanMadeObject, followed by its VisualItem where it has one.

    Args:
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
    """
    writer = _Writer(settings or ExportSettings(), picture)
    for one in described:
        yield writer.human_made_object(one)
        if (shown := writer.visual_item(one)) is not None:
            yield shown


def write_linked_art(
    described: Iterable[Described],
    out: Path,
    settings: ExportSettings | None = None,
    *,
    picture: PictureAddress | None = None,
) -> int:
    """Write the documents as JSON lines; gives how many objects there are.

    Raises:
        StorageRefused: the file cannot be written; what stood there before is kept.
    """
    objects = 0
    with whole_file(out) as stream:
        for document in linked_art(described, settings, picture=picture):
            objects += document["type"] == "HumanMadeObject"
            stream.write(json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return objects


class _Writer:
    def __init__(self, settings: ExportSettings, picture: PictureAddress | None) -> None:
        self._settings = settings
        self._picture = picture or (lambda shot: picture_address(settings, shot))
        # The model allows persons and groups as actors; software is neither, but a group takes the least for granted.
        self._software = {
            "id": address(settings, "agent", settings.software), "type": "Group", "_label": settings.software,
        }  # fmt: skip

    def human_made_object(self, one: Described) -> Json:
        record = one.record
        held = self._held(one, visual=False)
        produced = {"type": "Production", "during": held.pop("during", []), **self._as_dated(one)}
        return _filled({
            "@context": CONTEXT,
            "id": address(self._settings, "object", record.record_id),
            "type": "HumanMadeObject",
            "_label": record.title,
            "identified_by": self._names(one),
            **held,
            "produced_by": _filled(produced) if len(_filled(produced)) > 1 else None,
            "referred_to_by": self._texts(one),
            "representation": [self._representation(shot) for shot in one.shots],
            "shows": [self._visual_ref(one)] if self._shows(one) else [],
            "member_of": [
                {"id": f"{self._settings.base}collection", "type": "Set", "_label": self._settings.name},
            ],
            "attributed_by": self._assignments(one, visual=False),
        })  # fmt: skip

    def visual_item(self, one: Described) -> Json | None:
        if not self._shows(one):
            return None
        return _filled({
            "@context": CONTEXT, **self._visual_ref(one), **self._held(one, visual=True),
            "attributed_by": self._assignments(one, visual=True),
        })  # fmt: skip

    def _shows(self, one: Described) -> bool:
        return any(_place(said).visual for said in (*facts(one), *suggestions(one)))

    def _visual_ref(self, one: Described) -> Json:
        name = one.record.record_id
        return {
            "id": address(self._settings, "visual", name), "type": "VisualItem", "_label": f"What {name} shows",
        }  # fmt: skip

    def _held(self, one: Described, *, visual: bool) -> dict[str, list[Json]]:
        """By property: the concepts that hold, each once."""
        found: dict[str, dict[str, Json]] = defaultdict(dict)
        for said in facts(one):
            place = _place(said)
            if place.visual is visual:
                found[place.name].setdefault(said.concept.uri, self._concept(said.concept, place.kind, said.facet))
        return {name: list(concepts.values()) for name, concepts in found.items()}

    def _concept(self, concept: Concept, kind: str, facet: str = "") -> Json:
        return _filled({
            "id": concept.uri,
            "type": kind,
            "_label": label_of(concept),
            "classified_as": [_type(300435443, "Type of Work")] if facet == "type" else [],
            "equivalent": [{"id": uri, "type": kind} for uri in equivalents(concept)],
        })  # fmt: skip

    def _names(self, one: Described) -> list[Json]:
        primary = [_type(300404670, "Primary Name")]
        names = [
            _filled({
                "type": "Name", "content": title, "language": _language(tag), "classified_as": [] if n else primary,
            })
            for n, (tag, title) in enumerate(one.record.titles.items())
        ]  # fmt: skip
        number = {"type": "Identifier", "content": one.record.record_id}
        return [*names, {**number, "classified_as": [_type(300404626, "Identification Number")]}]

    def _texts(self, one: Described) -> list[Json]:
        record = one.record
        found = [
            _text(text, _brief(300435416, "Description"), language=tag) for tag, text in record.descriptions.items()
        ]
        if record.materials:
            found.append(_text("; ".join(record.materials), _brief(300435429, "Material Statement")))
        for term in terms(one):
            if term.field in ("object_type", "motifs", "themes") and not term.concepts:
                found.append(_text(term.text, self._own_type(f"catalogued {term.field}")))
        for text in filter(None, (record.rights, record.licence)):
            found.append(_text(text, _brief(300435434, "Copyright/License Statement")))
        return found

    def _as_dated(self, one: Described) -> Json:
        """Culture and period in the catalogue's words."""
        said: Json = {}
        if one.record.culture:
            said["referred_to_by"] = [_text(one.record.culture, self._own_type("catalogued culture"))]
        if one.record.period:
            said["timespan"] = {"type": "TimeSpan", "identified_by": [{"type": "Name", "content": one.record.period}]}
        return said

    def _representation(self, shot: Shot) -> Json:
        digital = {
            "type": "DigitalObject",
            "_label": shot.path,
            "identified_by": [{"type": "Identifier", "content": shot.path}],
            "classified_as": [_type(300215302, "Digital Image")],
            "format": mimetypes.guess_type(shot.path)[0],
            "access_point": [{"id": self._picture(shot), "type": "DigitalObject"}],
        }
        return {"type": "VisualItem", "digitally_shown_by": [_filled(digital)]}

    def _assignments(self, one: Described, *, visual: bool) -> list[Json]:
        said = [fact for fact in facts(one) if fact.author is Author.PERSON] + suggestions(one)
        return [self._assignment(fact) for fact in said if _place(fact).visual is visual]

    def _assignment(self, said: Statement) -> Json:
        place = _place(said)
        name, assigned = place.name, self._concept(said.concept, place.kind)
        if name == "during":  # a period is of the production, not of the object itself
            name, assigned = "produced_by", {"type": "Production", "during": [assigned]}
        if said.author is Author.PERSON:
            who = {"id": address(self._settings, "person", said.who), "type": "Person", "_label": said.who}
            kind, label = "decision of a person", f"Decided by {said.who}"
        else:
            who, kind, label = self._software, "suggestion of a machine", f"Suggested by {self._settings.software}"
        notes = {
            "place": place_of(said.image, said.box),
            "probability": "" if said.probability is None else f"{said.probability:.4g}",
            "model": said.model,
        }
        return _filled({
            "type": "AttributeAssignment",
            "_label": label,
            "classified_as": [self._own_type(kind)],
            "carried_out_by": [who],
            "timespan": _moment(said.at) if said.at else None,
            "assigned_property": name,
            "assigned": [assigned],
            "referred_to_by": [_text(text, self._own_type(note)) for note, text in notes.items() if text],
        })  # fmt: skip

    def _own_type(self, name: str) -> Json:
        return {"id": address(self._settings, "type", name), "type": "Type", "_label": name}


def _place(said: Statement) -> _Place:
    return _PLACES.get(said.facet, _ELSE)


def _text(text: str, kind: Json, *, language: str = "und") -> Json:
    return _filled({
        "type": "LinguisticObject", "content": text, "language": _language(language), "classified_as": [kind],
    })  # fmt: skip


def _language(tag: str) -> list[Json]:
    first = tag.split("-")[0].lower()
    known = f"http://id.loc.gov/vocabulary/iso639-1/{first}" if _TWO_LETTERS.match(first) else None
    uri = _LANGUAGES.get(first, known)
    return [{"id": uri, "type": "Language", "_label": tag}] if uri else []


def _moment(at: str) -> Json:
    return {"type": "TimeSpan", "begin_of_the_begin": at, "end_of_the_end": at}


def _filled(found: Mapping[str, Any]) -> Json:
    """Without what is empty."""
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}
