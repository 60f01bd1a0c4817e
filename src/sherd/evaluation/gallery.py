"""The pictures of a pack as a library of their own: every picture a record, and no word to give it away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from sherd.encoder.protocol import Encoder
from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.files import read_below
from sherd.ingest.library import Library
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.pipeline import Ingest
from sherd.ingest.progress import Reporter
from sherd.ingest.sources import open_source
from sherd.ingest.sources.item import Source, SourceItem
from sherd.suggest.known import ByFacet, TermReader
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.splits import split_of
from sherd.types import MAX_QUERY_CHARS, Record, SourceImage

LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class View:
    """One picture of the gallery. `record_id` names the object; `texts` what is said of it, by language.

    concepts: URIs of the built-in thesaurus, by facet, that the record's terms plainly mean; one that is said of a
    region belongs to the picture of the region.
    """

    record_id: str
    image: SourceImage
    texts: dict[str, str]
    concepts: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Pictures:
    """The views as a source without words; record n is view n."""

    root: Path
    views: Sequence[View]
    kind: str = "records"
    columns: ColumnRoles | None = field(default=None)

    def items(self) -> Iterator[SourceItem]:
        for n, view in enumerate(self.views):
            yield SourceItem(n, view.image.path, record=Record(str(n), (replace(view.image, regions=()),)))


class Refused(NamedTuple):
    """How many items of a source cannot be read, and how many boxes of those that can are not inside their picture."""

    items: int
    boxes: int


def read_views(data: Path, *, split: str | None, language: str | None) -> tuple[list[View], Source, Refused]:
    """The views of a pack, its source, and what of it cannot be used.

    Args:
        data: folder in the pack format.
        split: only records of this split; None takes all.
        language: only texts in this language; None takes all.
    Raises:
        SourceError: the folder is no pack, no record of it can be read or is in the split, or none of those that have a
            text has one in this language.
    """
    source, reader = open_source(data), TermReader(builtin_thesaurus())
    views: list[View] = []
    unread = boxes = 0
    splits: set[str] = set()
    languages: set[str] = set()
    for item in source.items():
        if item.record is None:
            unread += 1
            continue
        splits.add(split_of(item.record))
        if split is None or split_of(item.record) == split:
            boxes += sum(warning.startswith("box_invalid") for warning in item.warnings)
            texts = texts_of(item.record)
            languages |= texts.keys()
            texts = {code: text for code, text in texts.items() if language in (None, code)}
            known = reader.read(item.record)
            views += [
                View(item.record.record_id, image, texts, _concepts(known, image.path)) for image in item.record.images
            ]
    if not views and splits:
        raise SourceError(
            f"{data}: no record of split '{split}' to measure on; its splits are {', '.join(sorted(splits))}"
        )
    if not views:
        raise SourceError(f"{data}: no record to measure on; {unread} lines or files cannot be read")
    if language is not None and languages and language not in languages:
        raise SourceError(f"{data}: no text in language '{language}'; its languages are {', '.join(sorted(languages))}")
    return views, source, Refused(unread, boxes)


def texts_of(record: Record) -> dict[str, str]:
    """By language, the record's first caption in each of zh and en, else its title and description.

    >>> texts_of(Record("a", (), titles={"en": "Ding"}, descriptions={"en": "A tripod."}))
    {'en': 'Ding. A tripod.'}
    """
    found = {}
    for language in LANGUAGES:
        caption = next((c.text for c in record.captions if c.language == language), None)
        if caption is not None:
            found[language] = caption
    if not found:
        for language in dict.fromkeys([*record.titles, *record.descriptions]):
            parts = (record.titles.get(language), record.descriptions.get(language))
            found[language] = ". ".join(part for part in parts if part)
    return {language: text.strip()[:MAX_QUERY_CHARS] for language, text in found.items() if text.strip()}


def _concepts(known: ByFacet, image: str) -> dict[str, frozenset[str]]:
    """What is known of a record, as far as it is seen on this picture; facets with nothing are left out."""
    seen = {
        facet: frozenset(uri for uri, place in of.right.items() if place is None or place.image == image)
        for facet, of in known.items()
    }
    return {facet: uris for facet, uris in seen.items() if uris}


def fill(library: Library, source: Source, views: Sequence[View], encoder: Encoder, reporter: Reporter) -> list[int]:
    """Read the views into an empty library by the ordinary way; the numbers of those whose picture was accepted."""
    with DecoderPool(1) as pool:
        Ingest(library, _Pictures(source.root, views), encoder, pool, reporter=reporter, total=len(views)).run()
    return sorted(int(name) for name in library.catalogue.get_many([str(n) for n in range(len(views))]))


def digest(root: Path, views: Sequence[View]) -> str:
    """64 hex digits (SHA-256) over what the views say and show, in their order.

    Covers identifiers, texts, regions, and the bytes of pictures and masks; a file that cannot be read counts by its
    reason.
    """
    whole = hashlib.sha256()
    for view in views:
        said = {"record": view.record_id, "image": asdict(view.image), "texts": view.texts}
        whole.update(json.dumps(said, sort_keys=True, ensure_ascii=False).encode())
        for path in (view.image.path, *(region.mask for region in view.image.regions if region.mask)):
            whole.update(_bytes_digest(root, path))
    return whole.hexdigest()


def _bytes_digest(root: Path, path: str) -> bytes:
    try:
        return hashlib.sha256(read_below(root, path, PictureLimits().max_file_bytes)).digest()
    except RejectedItem as refusal:
        return refusal.reason.encode()
