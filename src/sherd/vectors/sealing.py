"""Making a segment: vectors in, block by block, in memory or in files that an interrupted build goes on with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.types import FloatArray, KeyArray
from sherd.vectors import packing
from sherd.vectors.blocks import BlockDraft, BlockFile, Sections, seal
from sherd.vectors.coder import Coder
from sherd.vectors.cores import in_order
from sherd.vectors.parts import write_durably
from sherd.vectors.rounding import Rounded, coordinates_of
from sherd.vectors.segment import Segment

_lib: Any = faiss
ROWS, LISTS, GRAPH = ".rows", ".lists", ".graph"
BLOCK = 16_384
"""Vectors encoded at a time."""
_SAVE_EVERY = 1 << 20
"""Rows after which an interruption loses nothing."""
_LINKS, _EFFORT = 16, 80
_LARGE = 2 << 30
"""Far bytes of more than so much are read from disk, and not only at first."""
Coordinates = Iterable[FloatArray]
Progress = Callable[[int, int], None]


def seal_rows(
    coder: Coder,
    keys: KeyArray,
    blocks: Callable[[int], Iterator[FloatArray]],
    *,
    folder: Path | None = None,
    graph: bool = False,
    progress: Progress = lambda done, total: None,
) -> Segment:
    """A segment of n vectors.

    Args:
        keys: (n,) ascending.
        blocks: called with the row to begin at, gives coordinates (m, W) by `coder`, one after the other.
        folder: where its files go; None keeps it in memory. What an interrupted build of the same keys by the same
            coder left there is gone on with.
        graph: find rows by a graph (HNSW) and not by lists.
        progress: told (rows done, rows in all).
    """
    count, rotation = keys.size, coder.rotation
    kept: Sections = {
        "keys": ("<i8", (count,)),
        "near": ("|i1", (count, rotation.near)),
        "far": ("|i1", (count, rotation.width)),
        "scales": ("<f2", (count, 2)),
    }
    passing: Sections = {"lists": ("<i4", (count,)), "codes": ("|u1", (count, coder.code_bytes))}
    if folder is None:
        arrays = {name: np.empty(shape, letters) for name, (letters, shape) in {**kept, **passing}.items()}
        arrays["keys"][:] = keys
        _fill(coder, arrays, blocks(0), 0, progress, lambda done: None)
        finder = _finder(coder, arrays, graph=graph)
        near, far, scales = arrays["near"], arrays["far"], arrays["scales"]
        return Segment(coder, arrays["keys"], near, far, scales, finder, graph)
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "building.json"
    mark = hashlib.blake2b(np.ascontiguousarray(keys).view(np.uint8).data, digest_size=16).hexdigest() + coder.name
    done = _noted(note, mark)
    if not done:
        clear_drafts(folder)
    rows, other = BlockDraft(folder / "building.rows", kept), BlockDraft(folder / "building.codes", passing)
    if not (rows.resumed and other.resumed):
        done = 0
    arrays = {name: (rows if name in kept else other).array(name) for name in {**kept, **passing}}
    if not done:
        arrays["keys"][:] = keys

    def save(done: int) -> None:
        for array in arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        write_durably(note, [json.dumps({"mark": mark, "done": done}).encode()])

    _fill(coder, arrays, blocks(done), done, progress, save)
    finder = _finder(coder, arrays, graph=graph)
    draft = folder / "building.finder"
    suffix = GRAPH if graph else LISTS
    _write_finder(finder, draft, graph=graph)
    del finder  # it is read again from its file, and twice in memory would be too much of it
    about = {"rows": count}
    found = _seal_foreign(draft, about, lambda checksum: folder / f"{checksum[:32]}{suffix}")
    arrays.clear()
    path = rows.finish({"coder": coder.name}, lambda checksum: folder / f"{checksum[:32]}{ROWS}")
    other.abandon()
    note.unlink(missing_ok=True)
    return open_segment(folder, coder, (path.name, found.name))


def open_segment(folder: Path, coder: Coder, files: tuple[str, str]) -> Segment:
    """The segment in two files. The rows are mapped; keys and lists are read and compared with their checksums.

    Raises:
        CorruptData: a file is missing or altered, as far as that is seen without reading all rows.
    """
    rows = BlockFile(folder / files[0])
    rows.check("keys")  # a wrong byte in near or far costs a place in the order, in a key it would name another picture
    graph = files[1].endswith(GRAPH)
    rows.advise_random("far")
    keys, near, far, scales = (rows.array(name) for name in ("keys", "near", "far", "scales"))
    path = folder / files[1]
    lists = BlockFile(path)
    lists.check()
    try:
        if rows.about["coder"] != coder.name:
            raise ValueError("made by another coder")
        if {len(keys), len(near), len(far), len(scales)} != {int(lists.about["rows"])}:
            raise ValueError("rows and lists do not belong together")
        if near.shape[1] != coder.near or far.shape[1] != coder.rotation.width:
            raise ValueError("of another width")
        # The checksum has been compared: what FAISS parses here is what this program wrote.
        finder = _read_finder(coder, path, graph=graph)
        if finder.ntotal != len(keys):
            raise ValueError(f"{finder.ntotal} codes for {len(keys)} rows")
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CorruptData(f"{path}: is no readable index file ({error}); run `sherd repair`") from error
    soon = partial(rows.soon, "far") if far.nbytes > _LARGE else None
    return Segment(coder, keys, near, far, scales, finder, graph, files, soon)


def clear_drafts(folder: Path) -> None:
    """Remove what an interrupted build left."""
    for path in folder.glob("building.*"):
        path.unlink(missing_ok=True)


def _fill(
    coder: Coder,
    arrays: dict[str, NDArray[Any]],
    blocks: Iterator[FloatArray],
    done: int,
    progress: Progress,
    save: Callable[[int], None],
) -> None:
    saved, total = done, len(arrays["keys"])
    for coded in in_order(coder.encode_coordinates, blocks):
        rows = slice(done, done + len(coded.lists))
        arrays["lists"][rows], arrays["codes"][rows] = coded.lists, coded.codes
        arrays["near"][rows], arrays["far"][rows] = coded.rounded.near, coded.rounded.far
        arrays["scales"][rows] = coded.rounded.scales
        done = rows.stop
        progress(done, total)
        if done - saved >= _SAVE_EVERY:
            save(done)
            saved = done
    if done != total:
        raise CorruptData(f"{done} vectors were given for {total} keys")


def _finder(coder: Coder, arrays: dict[str, NDArray[Any]], *, graph: bool) -> Any:
    if not graph:
        lists = coder.empty_lists()
        packing.fill(lists, arrays["lists"], arrays["codes"])
        return lists
    index = _lib.IndexHNSWSQ(coder.near, _lib.ScalarQuantizer.QT_8bit, _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _EFFORT
    count, at_once = len(arrays["keys"]), 1 << 18
    for start in range(0, count, at_once):
        rows = slice(start, start + at_once)
        rounded = Rounded(arrays["near"][rows], arrays["far"][rows], arrays["scales"][rows])
        near = np.ascontiguousarray(coordinates_of(rounded)[:, : coder.near])
        if not index.is_trained:
            index.train(near)
        index.add(near)
    return index


def _write_finder(finder: Any, path: Path, *, graph: bool) -> None:
    if graph:
        faiss.write_index(finder, str(path))
        return
    writer = _lib.FileIOWriter(str(path))
    _lib.write_InvertedLists(finder.invlists, writer)
    del writer  # closes the file


def _read_finder(coder: Coder, path: Path, *, graph: bool) -> Any:
    if graph:
        return faiss.read_index(str(path), _lib.IO_FLAG_MMAP_IFC)
    reader = _lib.FileIOReader(str(path))
    read = _lib.read_InvertedLists(reader)
    index = coder.empty_lists()
    if read.nlist != index.nlist or read.code_size != index.invlists.code_size:
        raise ValueError("of another coder")
    read.this.disown()
    index.replace_invlists(read, True)
    index.ntotal = read.compute_ntotal()
    return index


def _seal_foreign(draft: Path, about: dict[str, Any], name: Callable[[str], Path]) -> Path:
    """Seal a file whose payload is FAISS's: its one section is called `faiss`."""
    size = draft.stat().st_size
    return seal(draft, about | {"sections": {"faiss": ("|u1", (size,))}}, name)


def _noted(note: Path, mark: str) -> int:
    """Rows done by an interrupted build of the same rows; 0 when there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(note.read_bytes())
        if said["mark"] == mark:
            return int(said["done"])
    return 0
