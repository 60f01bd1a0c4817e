"""Saved indexes of a library, opened against what the catalogue holds now.

An index is derived twice over (from the parts, which come from the pictures): when a file of it is missing, altered or
of another format it is simply made again. An index that fits `exact_limit` has no segments.

    object.index  object/*.rows *.lists *.coder *.bits      part.index  part/*
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from sherd.errors import CorruptData
from sherd.types import FloatArray
from sherd.vectors.blocks import BlockFile
from sherd.vectors.exact import allowed_mask
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.manifest import Manifest, open_layers, read_manifest, saved, write_manifest
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows
from sherd.vectors.tuning import own_queries, tune

OBJECT_FILE = "object.index"
PART_FILE = "part.index"
FILES = (OBJECT_FILE, PART_FILE)
_BLOCK = 8_192
_TUNE_AGAIN = 2.0
"""A dial is set again when the index has grown by this factor since."""
_log = logging.getLogger(__name__)
Told = Callable[[str, int, int], None]


def open_indexes(
    folder: Path, rows: PartRows, *, settings: IndexSettings | None = None, background: bool = False
) -> tuple[FaissIndex, FaissIndex]:
    """The object index and the part index over exactly the keys of `rows`.

    What the files in `folder` lack is added, what they have too much is left out; a file that cannot be used is passed
    over with a warning and its index is built in memory.

    Args:
        settings: None takes those that the files were made with.
        background: see `FaissIndex`.
    Raises:
        CorruptData: a vector part is altered.
    """
    both = []
    for name in FILES:
        index = _open(folder, name, rows, settings, writing=False, background=background)
        bring_up_to_date(index, rows, of_parts=name == PART_FILE)
        both.append(index)
    return both[0], both[1]


def bring_up_to_date(
    index: FaissIndex,
    rows: PartRows,
    *,
    of_parts: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
    sealed: Callable[[], None] = lambda: None,
) -> None:
    """Make `index` hold exactly the vectors of `rows`, reading only the rows that it lacks.

    Args:
        of_parts: whether it is the index of part vectors.
        progress: told (vectors sealed, vectors in all) where there are many.
        sealed: called after each segment that is built from many.
    """
    wanted = rows.part_keys(rows.keys) if of_parts else rows.keys
    missing = np.ones(wanted.size, np.bool_)
    for there in [layer.keys() for layer in index.state.layers] + [np.sort(index.state.tail.keys())]:
        if there.size:
            index.remove(there[~allowed_mask(there, wanted)])
            missing &= ~allowed_mask(wanted, there)
    lacking = wanted[missing]
    has_layers = bool(index.state.layers)
    if lacking.size > (index.settings.tail_limit if has_layers else index.settings.exact_limit):
        # at once from the source, not through a tail that is sealed again and again
        index.build(lacking, rows.part_source() if of_parts else rows.object_source(), progress, sealed=sealed)
        index.upkeep()
        return
    pictures = np.unique(lacking // PARTS_PER_KEY) if of_parts else lacking
    for start in range(0, pictures.size, _BLOCK):
        keys = pictures[start : start + _BLOCK]
        if of_parts:
            index.add(rows.part_keys(keys), rows.part_vectors(keys).reshape(-1, rows.dim))
        else:
            index.add(keys, rows.object_vectors(keys))


def save_indexes(
    folder: Path,
    rows: PartRows,
    *,
    settings: IndexSettings | None = None,
    asked: FloatArray | None = None,
    tune_again: bool = False,
    told: Told = lambda what, done, total: None,
    hook: Callable[[str], None] = lambda step: None,
) -> list[Path]:
    """Write the indexes over `rows` (for the writer, at the end of an ingest or of `sherd reindex`).

    What is on disk already is kept and added to. When it is interrupted, the index is the old one, and the next call
    goes on with the segment that was being made.

    Args:
        settings: None takes those that the files were made with.
        asked: (q, D) vectors of questions, to set the dial by; None takes vectors of the collection.
        tune_again: set the dial even where it was set before.
        told: called with 'object' or 'part', vectors done, vectors in all.
        hook: called with the name of each step; tests stop the process there.
    Returns:
        The files of the indexes in `folder` now.
    Raises:
        CorruptData: a vector part is altered.
        OSError: the disk refused.
    """
    for name in FILES:
        path, files = folder / name, _files_of(folder, name)
        index = _open(folder, name, rows, settings, writing=True)

        def progress(done: int, total: int, name: str = name) -> None:
            told(Path(name).stem, done, total)
            hook("sealing")

        def keep(path: Path = path, files: Path = files, index: FaissIndex = index) -> None:
            chosen = index.settings
            layers = saved(index.state.layers, files)
            write_manifest(path, Manifest(rows.dim, chosen.kind, chosen.recall, layers, index.dial))
            hook("kept")

        # A segment of many millions is kept at once. Where the other kind was chosen, the old index serves until the
        # new one is whole.
        begun = keep if index.state.layers or not _has_segments(path) else lambda: None
        bring_up_to_date(index, rows, of_parts=name == PART_FILE, progress=progress, sealed=begun)
        index.upkeep()
        if index.state.layers and len(index) <= index.settings.exact_limit:
            index.rebuild()
        hook("sealed")
        layers = index.state.layers
        if not layers and index.settings == _chosen(IndexSettings(), index.settings):
            path.unlink(missing_ok=True)
        else:
            if layers and (tune_again or index.dial is None or len(index) > _TUNE_AGAIN * index.dial.rows):
                index.dial = (
                    tune(index, asked) if asked is not None else tune(index, own_queries(index), asked_with="own")
                )
            hook("tuned")
            whole = Manifest(rows.dim, index.settings.kind, index.settings.recall, saved(layers, files), index.dial)
            hook("saved")
            write_manifest(path, whole)
        hook("swapped")
        _clear(folder, name)
        hook("cleared")
    return [folder / name for name in FILES if (folder / name).exists()]


def settings_for(folder: Path, *, kind: str | None = None, recall: float | None = None) -> IndexSettings:
    """What was chosen for the indexes in `folder`, but for what is chosen now.

    Raises:
        InvalidArgument: no such kind, or a recall that cannot be asked for.
    """
    try:
        before = read_manifest(folder / OBJECT_FILE)
    except CorruptData:
        before = None
    chosen = IndexSettings()
    if before is not None:
        chosen = replace(chosen, kind=before.kind, recall=before.recall)  # type: ignore[arg-type]
    if recall is not None:
        chosen = replace(chosen, recall=recall)
    return chosen if kind is None else replace(chosen, kind=kind)  # type: ignore[arg-type]


def empty_indexes(folder: Path) -> None:
    """Leave of the saved indexes only what was chosen for them, where that can still be read."""
    for name in FILES:
        try:
            manifest = read_manifest(folder / name)
        except CorruptData:
            manifest = None
        if manifest is not None:
            write_manifest(folder / name, replace(manifest, layers=(), dial=None))
        else:
            (folder / name).unlink(missing_ok=True)
        _clear(folder, name)


def known_files(folder: Path) -> set[Path]:
    """All files that the saved indexes in `folder` consist of; of an unreadable manifest only itself."""
    known = set()
    for name in FILES:
        if (folder / name).exists():
            known.add(folder / name)
            try:
                manifest = read_manifest(folder / name)
            except CorruptData:
                continue
            if manifest is not None:
                known |= {_files_of(folder, name) / one for one in manifest.names()}
    return known


def last_saved(folder: Path) -> tuple[int, ...]:
    """Changes whenever the saved indexes in `folder` do."""
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in (folder / name for name in FILES))


def check_index(path: Path) -> None:
    """Compare one of `known_files` with its checksums; a manifest must find all its files. Raises CorruptData."""
    if path.name not in FILES:
        BlockFile(path).check()
        return
    manifest = read_manifest(path)
    if manifest is None:
        raise CorruptData(f"{path}: is gone; run `sherd repair`")
    open_layers(manifest, _files_of(path.parent, path.name))


def saved_indexes(folder: Path) -> dict[str, Manifest]:
    """What is saved of the object and the part index, by 'object' and 'part'. Raises CorruptData."""
    found = {Path(name).stem: read_manifest(folder / name) for name in FILES}
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def _open(
    folder: Path,
    name: str,
    rows: PartRows,
    settings: IndexSettings | None,
    *,
    writing: bool,
    background: bool = False,
) -> FaissIndex:
    manifest, layers = None, []
    files = _files_of(folder, name)
    try:
        manifest = read_manifest(folder / name)
        if manifest is not None and manifest.dim != rows.dim and manifest.layers:
            raise CorruptData(f"{folder / name}: is for vectors of width {manifest.dim}; run `sherd repair`")
        layers = open_layers(manifest, files) if manifest is not None else []
    except CorruptData as error:
        _log.warning("%s; building the index anew instead", error)
    chosen = settings or IndexSettings()
    if manifest is not None and settings is None:
        chosen = replace(chosen, kind=manifest.kind, recall=manifest.recall)  # type: ignore[arg-type]
    if any(layer.segment.graph != (chosen.kind == "hnsw") for layer in layers):
        layers = []  # the other kind was chosen
    return FaissIndex(
        rows.dim,
        group=PARTS_PER_KEY if name == PART_FILE else 1,
        settings=chosen,
        folder=files if writing else None,
        layers=layers,
        dial=manifest.dial if manifest is not None and layers else None,
        background=background,
    )


def _has_segments(path: Path) -> bool:
    try:
        manifest = read_manifest(path)
    except CorruptData:
        return False
    return manifest is not None and bool(manifest.layers)


def _chosen(settings: IndexSettings, by: IndexSettings) -> IndexSettings:
    """`by`, but for what its user chose for good."""
    return replace(by, kind=settings.kind, recall=settings.recall)


def _files_of(folder: Path, name: str) -> Path:
    return folder / Path(name).stem


def _clear(folder: Path, name: str) -> None:
    """Remove files that the manifest does not speak of; readers that have them open go on."""
    known = known_files(folder)
    files = _files_of(folder, name)
    for path in files.glob("*"):
        if path not in known:
            path.unlink(missing_ok=True)
    if files.is_dir() and not any(files.iterdir()):
        files.rmdir()
