"""Web Annotations from Sherd or from other tools to people's decisions. What a machine says never becomes one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from sherd.catalogue import decisions
from sherd.catalogue.standings import Standing, standings
from sherd.errors import InvalidArgument, RejectedItem, SourceError, UnknownConcept
from sherd.exports.described import Shot
from sherd.exports.pictures_meant import LibraryShots, PicturesMeant
from sherd.ingest.files import shown
from sherd.ingest.library import Library
from sherd.ingest.sources.annotations import TERM_PURPOSES, Said, Target, Voice, own, said, targets, voice
from sherd.ingest.sources.json_documents import identifier, kinds, listed, read_document
from sherd.ingest.sources.json_lines import read_lines
from sherd.ingest.sources.selectors import box_of, fragment_box, pixels
from sherd.ingest.sources.texts import clean_text
from sherd.suggest.review import MAX_NAME_CHARS, decide, now, uri_of
from sherd.types import Action, Box, Decision

MAX_ANNOTATIONS = 1_000_000
_LINES = (".jsonl", ".ndjson")
_PAGES = frozenset({"AnnotationPage", "AnnotationList", "OrderedCollectionPage"})
_COLLECTIONS = frozenset({"AnnotationCollection", "OrderedCollection", "BasicContainer"})
_LABEL_CHARS = 1_000

_About: TypeAlias = tuple[str, str]
"""A record and a concept."""


@dataclass(slots=True)
class ReadAnnotations:
    """What a file of annotations says.

    decisions: each OTHER with the concept that holds as value, or REJECT with the one that was refused; the value or
    the concept is a URI, or a label where the annotation gives a text only. origins: where each of them stands.
    refused: (where, why) of those that cannot be used. left_out: how many are a machine's word, the catalogue's, or no
    term ('machine', 'catalogue', 'no_term').
    """

    decisions: list[Decision] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)
    refused: list[tuple[str, RejectedItem]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ImportedAnnotations:
    """What became of a file of annotations: decisions kept; known: said already; older: than what people decided about
    the same concept since; replaced: by a later annotation there of the same concept; the rest as in `ReadAnnotations`.
    """

    kept: int
    known: int
    older: int
    replaced: int
    refused: tuple[tuple[str, RejectedItem], ...]
    left_out: Mapping[str, int]


def import_annotations(library: Library, path: Path, who: str, *, by_name: bool = False) -> ImportedAnnotations:
    """Keep what the annotations in a file or a folder say as people's decisions, all or none of them.

    A decision is its creator's and of its time, with a note of who brought it in; `who` stands where no creator is
    named. What is known already is not kept twice, so the same file can be brought in again. As with all decisions, the
    last word on a concept counts: of several places of it in one record the last is kept.

    Args:
        by_name: see `PicturesMeant`.
    Raises:
        SourceError: nothing can be read there.
        InvalidArgument: `who` is no name.
    """
    found = read_annotations(path, PicturesMeant(LibraryShots(library), by_name=by_name), who)
    refused = list(found.refused)
    concepts: dict[str, str | RejectedItem] = {}
    meant: list[Decision] = []
    for one, origin in zip(found.decisions, found.origins, strict=True):
        name = one.value or one.concept or ""
        if name not in concepts:
            concepts[name] = _concept(library, name)
        uri = concepts[name]
        if isinstance(uri, RejectedItem):
            refused.append((origin, uri))
        else:
            meant.append(replace(one, value=uri) if one.action is Action.OTHER else replace(one, concept=uri))
    sizes = LibraryShots(library)
    counts: Counter[str] = Counter()
    made: dict[_About, Decision] = {}
    for one in sorted(meant, key=lambda one: _moment(one.at)):
        key = one.record_id, one.value or one.concept or ""
        if key in made:
            counts["known" if _same(_standing(made[key]), one, sizes) else "replaced"] += 1
        made[key] = one
    last = _last_words(library, {record for record, _ in made})
    for key, (before, at) in last.items():
        if key in made and before is not None and _same(before, made[key], sizes):
            counts["known"] += 1
            del made[key]
        elif key in made and at > _moment(made[key].at):
            counts["older"] += 1
            del made[key]
    decide(library, list(made.values()))
    return ImportedAnnotations(
        len(made), counts["known"], counts["older"], counts["replaced"], tuple(refused), dict(found.left_out)
    )


def read_annotations(path: Path, pictures: PicturesMeant, who: str) -> ReadAnnotations:
    """What the annotations at `path` say: one, a page or a collection as JSON, a JSON list, JSON lines, or a folder of
    such files (not those in folders below it).

    Args:
        who: decides where an annotation names no creator.
    Raises:
        SourceError: there is no such file, it cannot be read, or it is no JSON.
        InvalidArgument: `who` is no name.
    """
    if not who.strip() or len(who) > MAX_NAME_CHARS or not who.isprintable():
        raise InvalidArgument(f"who brings the annotations in must be said in 1 to {MAX_NAME_CHARS} characters")
    found = ReadAnnotations()
    for number, (where, annotation) in enumerate(_annotations(path)):
        if number >= MAX_ANNOTATIONS:
            raise SourceError(f"{path}: has more than {MAX_ANNOTATIONS} annotations; bring them in by several files")
        if isinstance(annotation, RejectedItem):
            found.refused.append((where, annotation))
        else:
            _read(annotation, where, pictures, who, found)
    return found


def _annotations(path: Path) -> Iterator[tuple[str, dict[str, Any] | RejectedItem]]:
    if path.is_dir():
        known = (".json", ".jsonld", *_LINES)
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in known and one.is_file())
        if not files:
            raise SourceError(f"{path}: has no .json, .jsonld, .jsonl or .ndjson file")
    elif path.is_file():
        files = [path]
    else:
        raise SourceError(f"{path}: there is no such file or folder")
    for file in files:
        if file.suffix.lower() in _LINES:
            for number, line in read_lines(file):
                yield from _unpacked(line, f"{file.name} line {number}")
            continue
        try:
            document = read_document(file.parent, file.name)
        except RejectedItem as refusal:
            if len(files) == 1:
                raise SourceError(f"{file}: {refusal}") from refusal
            yield file.name, refusal
        else:
            yield from _unpacked(document, file.name)


def _unpacked(found: Any, where: str) -> Iterator[tuple[str, dict[str, Any] | RejectedItem]]:
    """The annotations in a document; pages that it only mentions are taken to be files of their own."""
    if isinstance(found, RejectedItem):
        yield where, found
        return
    named = set(kinds(found))
    if isinstance(found, list):
        members = found
    elif named & _PAGES:
        members = [*listed(found.get("items")), *listed(found.get("resources"))]
    elif named & _COLLECTIONS:
        pages = [found.get("first"), *listed(found.get("items"))]
        members = [one for one in pages if isinstance(one, dict) and ({"items", "target"} & set(one))]
    elif "Annotation" in named:
        yield where, found
        return
    else:
        what = ", ".join(sorted(named)) or "something else"
        yield where, RejectedItem("not_annotation", f"is {shown(what)}, no annotation and no page of them")
        return
    for number, one in enumerate(members, 1):
        yield from _unpacked(one, f"{where} item {number}")


def _read(annotation: dict[str, Any], where: str, pictures: PicturesMeant, who: str, found: ReadAnnotations) -> None:
    bodies = list(said(annotation))
    voices = {one.voice for one in bodies} or {voice(annotation)}
    found.left_out.update(str(kind) for kind in (Voice.MACHINE, Voice.CATALOGUE) if kind in voices)
    refusing = own(annotation, "holds") is False
    terms = [one for one in bodies if one.voice is Voice.PERSON and (refusing or one.purpose in TERM_PURPOSES)]
    if Voice.PERSON in voices and not terms:
        found.left_out["no_term"] += 1
    # One concept in several languages is one decision.
    terms = list({(one.concept or f"text {one.text}"): one for one in reversed(terms)}.values())[::-1]
    for target in targets(annotation) if terms else []:
        try:
            place = _place(target, annotation, pictures)
            for one in terms:
                found.decisions.append(_decision(one, place, annotation, where, who, refusing=refusing))
                found.origins.append(where)
        except RejectedItem as refusal:
            found.refused.append((where, refusal))
    if terms and not targets(annotation):
        found.refused.append((where, RejectedItem("target_missing", "the annotation has no target")))


def _place(target: Target, annotation: dict[str, Any], pictures: PicturesMeant) -> tuple[str, Shot | None, Box | None]:
    record, shot = pictures.find(target.address, target.scope)
    if shot is None:
        return record, None, None
    box = box_of(target.selector, shot.width, shot.height) or fragment_box(target.fragment, shot.width, shot.height)
    return record, shot, box


def _decision(
    one: Said,
    place: tuple[str, Shot | None, Box | None],
    annotation: dict[str, Any],
    where: str,
    who: str,
    *,
    refusing: bool,
) -> Decision:
    record, shot, box = place
    name = clean_text(one.concept or one.text, "a term", _LABEL_CHARS)
    decider = " ".join(clean_text(one.who, "a creator", MAX_NAME_CHARS).split()) or who
    if not decider.isprintable():
        raise RejectedItem("text_invalid", f"the creator {shown(decider)} is not printable")
    note = f"annotation {identifier(annotation)[:500] or 'without id'}, {where[:200]}, brought in by {who}"
    made = Decision(
        record, Action.REJECT if refusing else Action.OTHER, decider, _when(one.created),
        image=shot.path if shot is not None else None, note=note,
    )  # fmt: skip
    return replace(made, concept=name, box=box) if refusing else replace(made, value=name, new_box=box)


def _when(created: str) -> str:
    """The time that an annotation tells, in UTC; the present where it tells none, or one that is to come."""
    present = now()
    if not created:
        return present
    moment = _moment(created)
    return min(moment, _moment(present)).isoformat(timespec="seconds") if moment > _moment("") else present


def _moment(at: str) -> datetime:
    """A time; the earliest there is for what is none."""
    try:
        found = datetime.fromisoformat(at)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _concept(library: Library, name: str) -> str | RejectedItem:
    try:
        uri = uri_of(library, name)
        assert uri is not None
        return uri
    except UnknownConcept as error:
        return RejectedItem("concept_unknown", str(error))
    except InvalidArgument as error:
        return RejectedItem("concept_ambiguous", str(error))


def _last_words(library: Library, records: set[str]) -> dict[_About, tuple[Standing | None, datetime]]:
    """What stands of each concept that people decided about, and when that was last touched, be it by an undo."""
    found: dict[_About, tuple[Standing | None, datetime]] = {}
    for record, rows in decisions.about(library.catalogue.database, sorted(records)).items():
        by_number = {row.number: row.decision for row in rows}
        for row in rows:
            meant: Decision | None = row.decision
            while meant is not None and meant.action is Action.UNDO:
                meant = by_number.get(meant.undoes or 0)
            for uri in filter(None, {meant.value, meant.concept} if meant is not None else ()):
                before = found.get((record, uri), (None, _moment("")))
                found[record, uri] = None, max(before[1], _moment(row.decision.at))
        for one in standings(rows):
            found[record, one.concept] = one, found[record, one.concept][1]
    return found


def _standing(one: Decision) -> Standing:
    holds = one.action is Action.OTHER
    box = one.new_box if holds else one.box
    return Standing(one.record_id, one.facet, one.value or one.concept or "", holds, one.image, box, one.who, one.at, 0)


def _same(before: Standing, one: Decision, sizes: Mapping[str, Sequence[Shot]]) -> bool:
    """Whether a decision says again what is said already; places are compared in whole pixels, as exports tell them."""
    again = _standing(one)
    if (before.holds, before.image) != (again.holds, again.image):
        return False
    if before.box is None or again.box is None:
        return before.box is again.box
    shot = next((shot for shot in sizes[one.record_id] if shot.path == one.image), None)
    width, height = (shot.width, shot.height) if shot is not None else (1_000, 1_000)
    return pixels(before.box, width, height) == pixels(again.box, width, height)
