"""LIDO 1.1: one lido:lido a record. `lido_reading` reads it back.

The catalogue's terms stand as they are written, with the concepts that they mean beside them. Whose word a term is, its
lido:label says, where it is not the catalogue's. A machine's words come only when they are asked for: what is seen as a
lido:subject, all else as a lido:classification, both of the type "suggested by machine", never as anything else.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from sherd.errors import MissingExtra
from sherd.exports.described import Author, Described, ExportSettings, Shot, Statement
from sherd.exports.facts import (
    Term,
    address,
    equivalents,
    facts,
    label_of,
    picture_address,
    place_of,
    suggestions,
    terms,
)
from sherd.exports.files import whole_file
from sherd.types import Concept

NAMESPACE = "http://www.lido-schema.org"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = f"{NAMESPACE}/schema/v1.1/lido-v1.1.xsd"
SUGGESTED = "suggested by machine"
DECIDED = "decided by "
NO_TYPE = "object"
"""Stands where a work type must, and none is known."""

URI, LOCAL = (f"http://terminology.lido-schema.org/lido{number}" for number in ("00099", "00100"))
_ITEM, _PRODUCTION = (f"http://terminology.lido-schema.org/lido{number}" for number in ("00141", "00007"))
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_LANGUAGE = re.compile(r"^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KINDS = {"motif": "description", "theme": "interpretation"}
_SUBJECTS = {"motifs": "motif", "regions": "motif", "themes": "theme"}

Element: TypeAlias = Any
"""An element of lxml, which has no types."""


def lxml_etree() -> Any:
    """lxml's etree.

    Raises:
        MissingExtra: lxml is not installed.
    """
    try:
        from lxml import etree
    except ModuleNotFoundError as error:
        raise MissingExtra("LIDO is written and checked with lxml; run: pip install 'sherd[exports]'") from error
    return etree


def write_lido(
    described: Iterable[Described],
    out: Path,
    settings: ExportSettings | None = None,
    *,
    suggestions: bool = False,
    picture: Callable[[Shot], str] | None = None,
) -> int:
    """Write a lido:lidoWrap of all records; gives how many there are.

    Args:
        suggestions: whether a machine's statements are told too.
        picture: gives the address at which a picture can be fetched; else it is its path under the base.
    Raises:
        MissingExtra: lxml is not installed. StorageRefused: the file cannot be written; what stood there is kept.
    """
    etree = lxml_etree()
    settings = settings or ExportSettings()
    records = 0
    root = {
        f"{{{XSI}}}schemaLocation": f"{NAMESPACE} {SCHEMA}",
        f"{{{NAMESPACE}}}relatedencoding": _clean(settings.software),
    }
    with whole_file(out) as stream, etree.xmlfile(stream, encoding="utf-8") as file:
        file.write_declaration()
        with file.element(f"{{{NAMESPACE}}}lidoWrap", root, nsmap={"lido": NAMESPACE, "xsi": XSI}):
            for one in described:
                file.write(lido_element(one, settings, suggestions=suggestions, picture=picture), pretty_print=True)
                records += 1
    return records


def lido_element(
    one: Described,
    settings: ExportSettings,
    *,
    suggestions: bool = False,
    picture: Callable[[Shot], str] | None = None,
) -> Element:
    """The lido:lido of one record as an element of lxml; see `write_lido`."""
    return _Writer(lxml_etree(), settings, suggestions, picture).record(one)


class _Writer:
    def __init__(
        self, etree: Any, settings: ExportSettings, suggestions: bool, picture: Callable[[Shot], str] | None
    ) -> None:
        self._etree, self._settings, self._suggestions = etree, settings, suggestions
        self._picture = picture or (lambda shot: picture_address(settings, shot))

    def record(self, one: Described) -> Element:
        record = one.record
        root = self._etree.Element(f"{{{NAMESPACE}}}lido", nsmap={"lido": NAMESPACE})
        self._add(root, "lidoRecID", address(self._settings, "lido", record.record_id), type=URI)
        language = next(iter(record.titles), "und")
        about = self._add(root, "descriptiveMetadata", language=language)
        self._classification(about, one)
        self._identification(about, one)
        self._production(about, one)
        self._subjects(about, one)
        self._administration(self._add(root, "administrativeMetadata", language=language), one)
        return root

    def _classification(self, about: Element, one: Described) -> None:
        wrap = self._add(about, "objectClassificationWrap")
        types = self._add(wrap, "objectWorkTypeWrap")
        self._told(types, "objectWorkType", one, "object_type", "type")
        if not len(types):
            self._concept(self._add(types, "objectWorkType"), None, NO_TYPE)
        others = [fact for fact in facts(one) if fact.author is Author.PERSON and fact.facet not in _NAMED]
        guesses = [said for said in self._guesses(one) if said.facet not in _KINDS]
        if others or guesses:
            wrap = self._add(wrap, "classificationWrap")
        for said in (*others, *guesses):
            kind = SUGGESTED if said.author is Author.MACHINE else said.facet
            element = self._add(wrap, "classification", type=kind)
            self._concept(element, said.concept, note=_note(said), facet=said.facet)

    def _identification(self, about: Element, one: Described) -> None:
        record = one.record
        wrap = self._add(about, "objectIdentificationWrap")
        titles = self._add(wrap, "titleWrap/titleSet")
        for n, (tag, title) in enumerate(record.titles.items() or [("", record.record_id)]):
            pref = "alternative" if n else "preferred"
            self._add(titles, "appellationValue", title, language=tag, pref=pref)
        if record.descriptions:
            notes = self._add(wrap, "objectDescriptionWrap/objectDescriptionSet")
            for tag, text in record.descriptions.items():
                self._add(notes, "descriptiveNoteValue", text, language=tag)
        made = self._etree.Element(f"{{{NAMESPACE}}}materialsTech")
        self._told(made, "termMaterialsTech", one, "materials", "material")
        if len(made):
            words = self._add(wrap, "objectMaterialsTechWrap/objectMaterialsTechSet")
            if record.materials:
                self._add(words, "displayMaterialsTech", "; ".join(record.materials))
            words.append(made)

    def _production(self, about: Element, one: Described) -> None:
        event = self._etree.Element(f"{{{NAMESPACE}}}event")
        kind = self._add(event, "eventType")
        self._add(kind, "conceptID", _PRODUCTION, type=URI)
        self._add(kind, "term", "Production", language="en")
        self._told(event, "culture", one, "culture", "culture")
        if one.record.period:
            self._add(event, "eventDate/displayDate", one.record.period)
        self._told(event, "periodName", one, "period", None)
        if len(event) > 1:
            self._add(about, "eventWrap/eventSet").append(event)

    def _subjects(self, about: Element, one: Described) -> None:
        catalogued = [term for term in terms(one) if term.field in _SUBJECTS]
        decided = [fact for fact in facts(one) if fact.author is Author.PERSON and fact.facet in _KINDS]
        guessed = [said for said in self._guesses(one) if said.facet in _KINDS]
        if not (catalogued or decided or guessed):
            return
        wrap = self._add(about, "objectRelationWrap/subjectWrap")
        for term in catalogued:
            subject = self._subject(wrap, term.text, _KINDS[_SUBJECTS[term.field]], term.image, term.box)
            self._term(subject, "subjectConcept", term)
        for said in (*decided, *guessed):
            kind, shown = _KINDS[said.facet], label_of(said.concept)
            if said.author is Author.MACHINE:
                kind, shown = SUGGESTED, f"{shown} ({_note(said)})"
            subject = self._subject(wrap, shown, kind, said.image, said.box)
            self._concept(self._add(subject, "subjectConcept"), said.concept, note=_note(said), facet=said.facet)

    def _subject(self, wrap: Element, shown: str, kind: str, image: str | None, box: Any) -> Element:
        entry = self._add(wrap, "subjectSet")
        self._add(entry, "displaySubject", shown, label=SUGGESTED if kind == SUGGESTED else "")
        subject = self._add(entry, "subject", type=kind)
        if where := place_of(image, box):
            self._add(subject, "extentSubject", where)
        return subject

    def _administration(self, wrap: Element, one: Described) -> None:
        record = one.record
        rights = [(name, text) for name, text in (("rights", record.rights), ("licence", record.licence)) if text]
        if rights:
            self._rights(self._add(wrap, "rightsWorkWrap"), "rightsWorkSet", rights)
        kept = self._add(wrap, "recordWrap")
        self._add(kept, "recordID", record.record_id, type=LOCAL)
        kind = self._add(kept, "recordType")
        self._add(kind, "conceptID", _ITEM, type=URI)
        self._add(kind, "term", "Item-level record", language="en")
        self._add(kept, "recordSource/legalBodyName/appellationValue", self._settings.name)
        if one.shots:
            wrap = self._add(wrap, "resourceWrap")
        for n, shot in enumerate(one.shots, 1):
            entry = self._add(wrap, "resourceSet", sortorder=str(n))
            self._add(entry, "resourceID", shot.path, type=LOCAL, label="path")
            shown = self._add(entry, "resourceRepresentation")
            media = mimetypes.guess_type(shot.path)[0]
            self._add(shown, "linkResource", self._picture(shot), formatResource=media or "")
            for name, size in (("width", shot.width), ("height", shot.height)):
                measure = self._add(shown, "resourceMeasurementsSet")
                for part, text in (("Type", name), ("Unit", "pixel"), ("Value", str(size))):
                    self._add(measure, f"measurement{part}", text)
            self._rights(entry, "rightsResource", rights)

    def _rights(self, wrap: Element, name: str, rights: Sequence[tuple[str, str]]) -> None:
        for field, text in rights:
            kind = self._add(wrap, f"{name}/rightsType")
            if text.startswith(("http://", "https://")):
                self._add(kind, "conceptID", text, type=URI)
            self._add(kind, "term", text, encodinganalog=field)

    def _told(self, parent: Element, name: str, one: Described, field: str, facet: str | None) -> None:
        """Elements of what the catalogue says in a field, and people in a facet."""
        for term in terms(one):
            if term.field == field:
                self._term(parent, name, term)
        for fact in facts(one):
            if fact.author is Author.PERSON and fact.facet == facet:
                self._concept(self._add(parent, name), fact.concept, note=_note(fact), facet=fact.facet)

    def _term(self, parent: Element, name: str, term: Term) -> None:
        """A term as written with its first concept; each further one in an element of its own."""
        first, *more = term.concepts or (None,)
        self._concept(self._add(parent, name), first, term.text)
        for concept in more:
            self._concept(self._add(parent, name), concept, added=True)

    def _concept(
        self,
        element: Element,
        concept: Concept | None,
        text: str = "",
        *,
        note: str = "",
        facet: str = "",
        added: bool = False,
    ) -> None:
        if concept is not None:
            source = concept.scheme or ""
            self._add(element, "conceptID", concept.uri, type=URI, source=source, pref="preferred", label=facet)
            for uri in equivalents(concept):
                self._add(element, "conceptID", uri, type=URI, source="AAT", pref="alternative")
        if text:
            self._add(element, "term", text, label=note)
        labels = concept.pref_labels if concept is not None else {}
        if not (labels or text) and concept is not None:
            labels = {"": label_of(concept)}
        beside = "yes" if text or added else ""
        for tag, label in labels.items():
            if label != text:
                self._add(
                    element, "term", label, language=tag, pref="preferred", addedSearchTerm=beside, label=note
                )  # fmt: skip

    def _guesses(self, one: Described) -> list[Statement]:
        return suggestions(one) if self._suggestions else []

    def _add(self, parent: Element, path: str, text: str = "", *, language: str = "", **attributes: str) -> Element:
        """A chain of new elements below `parent`; gives the last one. Empty attributes are left out."""
        for name in path.split("/"):
            parent = self._etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        if text:
            parent.text = _clean(text)
        if _LANGUAGE.match(language):
            parent.set(_XML_LANG, language)
        for name, value in attributes.items():
            if value:
                parent.set(f"{{{NAMESPACE}}}{name}", _clean(value))
        return parent


_NAMED = frozenset({"type", "material", "culture", *_KINDS})


def _note(said: Statement) -> str:
    """Whose word it is; '' for the catalogue's."""
    if said.author is Author.PERSON:
        return f"{DECIDED}{said.who}, {said.at}"
    if said.author is Author.MACHINE:
        sure = "" if said.probability is None else f", probability {said.probability:.4g}"
        return f"{SUGGESTED}{sure}, model {said.model}"
    return ""


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)
