"""Manifests of IIIF Presentation 2 and 3 from files: one manifest is one source item. Nothing is fetched.

A picture counts where its file lies beside the manifest or below the source: by its relative address, by the end of its
web address ("a/b.jpg" or "b.jpg"), or by its identifier in the IIIF Image API.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.files import shown
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.sources.iiif_manifest import ManifestReader
from sherd.ingest.sources.iiif_shapes import Warnings
from sherd.ingest.sources.item import SourceItem
from sherd.ingest.sources.json_documents import identifier, kinds, listed, read_document
from sherd.ingest.sources.local_files import LocalFiles
from sherd.types import Record

MAX_ANNOTATIONS = 50_000
_MEMBERS = ("items", "manifests", "members", "collections")
_PAGES = ("AnnotationPage", "AnnotationList")

Found = tuple[str, Record | RejectedItem, tuple[str, ...]]
"""Where, what, warnings."""


class IIIFSource:
    """A manifest or a collection (.json), or all of them below a folder.

    `record_id` is the manifest's address, or the museum's own identifier in manifests that Sherd wrote. Annotations by
    software are left out: what a machine said is no fact of a catalogue.
    """

    kind = "iiif"
    columns: ColumnRoles | None = None

    def __init__(self, path: Path, exclude: Iterable[Path] = (), limits: PictureLimits | None = None) -> None:
        """
        Raises:
            SourceError: there is nothing at `path`.
        """
        if not path.exists():
            raise SourceError(f"{path}: there is no such folder or file")
        self.root = path if path.is_dir() else path.parent
        self._only = None if path.is_dir() else path.name
        self._exclude = frozenset(os.path.realpath(folder) for folder in exclude)
        self._limits = limits

    def items(self) -> Iterator[SourceItem]:
        for ordinal, (where, found, warnings) in enumerate(_Reading(self.root, self._limits).of(self._files())):
            if isinstance(found, RejectedItem):
                yield SourceItem(ordinal, where, reject=found)
            else:
                yield SourceItem(ordinal, where, record=found, warnings=warnings)

    def _files(self) -> Iterator[str]:
        if self._only is not None:
            yield self._only
            return
        if not self.root.is_dir():
            raise SourceError(f"{self.root}: there is no such folder any more")
        for folder, inner, names in os.walk(self.root):
            inner[:] = sorted(n for n in inner if os.path.realpath(os.path.join(folder, n)) not in self._exclude)
            below = os.path.relpath(folder, self.root).replace(os.sep, "/")
            yield from (
                posixpath.normpath(posixpath.join(below, name))
                for name in sorted(names)
                if name.lower().endswith(".json")
            )


class _Reading:
    """One walk over the documents; each is read once, whether it is listed or mentioned by a collection."""

    def __init__(self, root: Path, limits: PictureLimits | None) -> None:
        self._root = root
        self._local = LocalFiles(root)
        self._manifests = ManifestReader(root, self._local, self._annotations, limits)
        self._met: set[str] = set()
        self._pages_used: set[str] = set()

    def of(self, files: Iterable[str]) -> Iterator[Found]:
        pages: list[tuple[str, RejectedItem]] = []
        for path in files:
            for where, found, warnings in self._file(path):
                # Pages of annotations belong to manifests, which may come later.
                if isinstance(found, RejectedItem) and found.reason == "not_manifest":
                    pages.append((where, found))
                else:
                    yield where, found, warnings
        yield from ((where, found, ()) for where, found in pages if where not in self._pages_used)

    def _file(self, path: str) -> Iterator[Found]:
        if path in self._met:
            return
        self._met.add(path)
        try:
            document = read_document(self._root, path)
        except RejectedItem as refusal:
            yield (path if path.isprintable() else shown(path)), refusal, ()
        else:
            yield from self._document(document, path, path)

    def _document(self, document: Any, where: str, path: str) -> Iterator[Found]:
        named = kinds(document)
        beside = posixpath.dirname(path)
        if "Manifest" in named:
            try:
                record, warnings = self._manifests.record(document, beside)
            except RejectedItem as refusal:
                yield where, refusal, ()
            else:
                yield where, record, warnings
        elif "Collection" in named:
            members = [one for name in _MEMBERS for one in listed(document.get(name))]
            for number, member in enumerate(members, 1):
                yield from self._member(member, f"{where} item {number}", path)
        else:
            what = ", ".join(named) or "something else"
            yield where, RejectedItem("not_manifest", f"is {shown(what)}, neither a manifest nor a collection"), ()

    def _member(self, member: Any, where: str, path: str) -> Iterator[Found]:
        """A manifest or collection that stands in a collection, or is only mentioned there."""
        if any(name in member for name in (*_MEMBERS, "sequences")) if isinstance(member, dict) else False:
            yield from self._document(member, where, path)
            return
        if not {"Manifest", "Collection"} & set(kinds(member)):
            what = ", ".join(kinds(member)) or "something else"
            yield where, RejectedItem("member_invalid", f"is {shown(what)}, neither a manifest nor a collection"), ()
            return
        address = identifier(member)
        try:
            found = self._local.find(address, posixpath.dirname(path)) if address else None
        except RejectedItem as refusal:
            yield where, refusal, ()
            return
        if found is None:
            yield where, RejectedItem("manifest_remote", f"{shown(address)} is not here, and nothing is fetched"), ()
        else:
            yield from self._file(found)

    def _annotations(self, page: Any, beside: str, warnings: Warnings) -> list[dict[str, Any]]:
        """The annotations of a page that stands in a manifest, or lies in a file of its own."""
        if isinstance(page, str) or not ("items" in page or "resources" in page if isinstance(page, dict) else False):
            address = identifier(page)
            try:
                path = self._local.find(address, beside) if address else None
                if path is None:
                    warnings.add("annotations_remote", f"{shown(address)} is not here, and nothing is fetched")
                    return []
                page = read_document(self._root, path)
            except RejectedItem as refusal:
                warnings.add(refusal.reason, f"a page of annotations: {refusal.detail}")
                return []
            if not set(_PAGES) & set(kinds(page)):
                warnings.add("annotations_invalid", f"{shown(path)} is no page of annotations")
                return []
            self._pages_used.add(path)
        found = [one for name in ("items", "resources") for one in listed(page.get(name)) if isinstance(one, dict)]
        if len(found) > MAX_ANNOTATIONS:
            warnings.add("annotations_invalid", f"{len(found)} on one page; {MAX_ANNOTATIONS} are read")
        return found[:MAX_ANNOTATIONS]
