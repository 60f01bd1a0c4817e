"""Saved indexes: the sealed layer in one checksummed file, opened against what the catalogue holds now.

A file is derived twice over (from the parts, which come from the pictures): when it is missing, altered or of another
format it is simply made again. An index that fits `exact_limit` has no file.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np

from sherd.errors import CorruptData
from sherd.types import KeyArray
from sherd.vectors.exact import allowed_mask
from sherd.vectors.faiss_index import FaissIndex, IndexSettings, Sealed
from sherd.vectors.parts import write_durably
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows

OBJECT_FILE = "object.index"
PART_FILE = "part.index"
FILES = (OBJECT_FILE, PART_FILE)
_MAGIC = b"SHERDIDX"
_VERSION = 1
_DIGEST = 32
_BLOCK = 8_192
_log = logging.getLogger(__name__)


def open_indexes(
    folder: Path, rows: PartRows, *, settings: IndexSettings | None = None
) -> tuple[FaissIndex, FaissIndex]:
    """The object index and the part index over exactly the keys of `rows`.

    What the files in `folder` lack is added, what they have too much is left out; a file that cannot be used is passed
    over with a warning and its index is built in memory.

    Raises:
        CorruptData: a vector part is altered.
    """
    both = []
    for name in FILES:
        index = _empty(name, rows, settings)
        try:
            index.sealed = _read(folder / name, index.dim) if (folder / name).exists() else None
        except CorruptData as error:
            _log.warning("%s; building the index in memory instead", error)
        bring_up_to_date(index, rows, of_parts=name == PART_FILE)
        both.append(index)
    return both[0], both[1]


def bring_up_to_date(index: FaissIndex, rows: PartRows, *, of_parts: bool) -> None:
    """Make `index` hold exactly the vectors of `rows`, reading only the rows that it lacks.

    Args:
        of_parts: whether it is the index of part vectors.
    """
    wanted = rows.part_keys(rows.keys) if of_parts else rows.keys
    there = index.keys()
    index.use_source(rows.part_source() if of_parts else rows.object_source())
    index.remove(there[~allowed_mask(there, wanted)])
    missing = wanted[~allowed_mask(wanted, there)]
    limit, sealed = index.settings.exact_limit, index.sealed
    if wanted.size > limit and (sealed is None or wanted.size > index.settings.retrain_growth * sealed.trained_on):
        index.rebuild(wanted)  # at once from the source, not through a tail that is trained again and again
    elif of_parts:
        for keys in _blocks(np.unique(missing // PARTS_PER_KEY), _BLOCK):
            index.add(rows.part_keys(keys), rows.part_vectors(keys).reshape(-1, rows.dim))
    else:
        for keys in _blocks(missing, _BLOCK):
            index.add(keys, rows.object_vectors(keys))


def save_indexes(folder: Path, rows: PartRows, *, settings: IndexSettings | None = None) -> list[Path]:
    """Write the indexes over `rows` (for the writer, at the end of an ingest or of `sherd reindex`).

    A file whose index has become small enough to be exact is removed.

    Returns:
        The files that are in `folder` now.
    Raises:
        CorruptData: a vector part is altered.
        OSError: the disk refused.
    """
    for name, index in zip(FILES, open_indexes(folder, rows, settings=settings), strict=True):
        path = folder / name
        if len(index) <= index.settings.exact_limit:
            path.unlink(missing_ok=True)
            continue
        index.seal()
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(path, _pieces(index))
    return [folder / name for name in FILES if (folder / name).exists()]


def check_index(path: Path) -> None:
    """Compare an index file with its checksum. Raises CorruptData naming the file."""
    _read(path, None)


def _empty(name: str, rows: PartRows, settings: IndexSettings | None) -> FaissIndex:
    if name == PART_FILE:
        return FaissIndex(rows.dim, rows.part_source(), group=PARTS_PER_KEY, settings=settings)
    return FaissIndex(rows.dim, rows.object_source(), settings=settings)


def _blocks(keys: KeyArray, size: int) -> Iterator[KeyArray]:
    for start in range(0, keys.size, size):
        yield keys[start : start + size]


def _pieces(index: FaissIndex) -> list[bytes]:
    sealed = index.sealed
    assert sealed is not None
    codes = faiss.serialize_index(sealed.codes).tobytes()
    header = json.dumps(
        {
            "version": _VERSION,
            "dim": index.dim,
            "rows": int(sealed.keys.size),
            "trained_on": sealed.trained_on,
            "codes": len(codes),
        }
    ).encode()
    keys, live = sealed.keys.astype("<i8").tobytes(), np.packbits(sealed.live).tobytes()
    pieces = [_MAGIC, len(header).to_bytes(4, "little"), header, keys, live, codes]
    digest = hashlib.blake2b(digest_size=_DIGEST)
    for piece in pieces:
        digest.update(piece)
    return [*pieces, digest.digest()]


def _read(path: Path, dim: int | None) -> Sealed:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptData(f"{path}: cannot be read ({error}); run `sherd repair`") from error
    body, digest = memoryview(data)[:-_DIGEST], data[-_DIGEST:]
    if len(data) <= _DIGEST or hashlib.blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise CorruptData(f"{path}: does not match its checksum; run `sherd repair`")
    try:
        start = len(_MAGIC) + 4
        end = start + int.from_bytes(data[len(_MAGIC) : start], "little")
        header = json.loads(data[start:end])
        if data[: len(_MAGIC)] != _MAGIC or header["version"] != _VERSION:
            raise ValueError("another format")
        rows, size = header["rows"], header["codes"]
        keys = np.frombuffer(data, "<i8", rows, end).astype(np.int64)
        live_at = end + 8 * rows
        live = np.unpackbits(np.frombuffer(data, np.uint8, _bytes(rows), live_at), count=rows).astype(np.bool_)
        # The checksum has been compared: what FAISS parses here is what this program wrote.
        codes = faiss.deserialize_index(np.frombuffer(data, np.uint8, size, live_at + _bytes(rows)))
        if codes.ntotal != rows or codes.d != header["dim"] or dim not in (None, codes.d):
            raise ValueError(f"{codes.ntotal} codes of width {codes.d} for {rows} keys of width {dim}")
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CorruptData(f"{path}: is no readable index ({error}); run `sherd repair`") from error
    return Sealed(codes, keys, live, header["trained_on"])


def _bytes(rows: int) -> int:
    """Bytes that `rows` bits take."""
    return -(-rows // 8)
