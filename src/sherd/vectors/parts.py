"""Vectors on disk: one immutable, checksummed file a batch, which says by itself what is in it.

A file is: 8 bytes of magic, 4 bytes of header length (little endian), a JSON header, the sections, 16 bytes of blake2b
for each 16 KiB of all this, and 32 bytes of blake2b over those. Sections start at multiples of 64: keys int64 (n,),
sha256 of each picture uint8 (n, 32), object vectors float16 (n, D), part vectors float16 (n, K, D), boxes float32
(n, K, 4). So a row is known to be sound without reading the others. In files of version 1 the last 32 bytes are of the
whole file.
The name of a file is made from its checksum, so writing the same batch twice makes one file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sherd.errors import CorruptData, InvalidArgument
from sherd.types import Embeddings, FloatArray, KeyArray
from sherd.types import PartInfo as PartInfo
from sherd.vectors.proofs import Proofs, proofs_of, proofs_size
from sherd.vectors.protocol import PARTS_PER_KEY, check_unit

SUFFIX = ".vec"
_MAGIC = b"SHERDVEC"
_VERSION = 2
_ALIGN = 64
_DIGEST = 32
_HEADER_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one part file, mapped and not copied; read-only."""

    info: PartInfo
    keys: KeyArray  # (n,)
    digests: NDArray[np.uint8]  # (n, 32) sha256 of each picture's bytes
    object: NDArray[np.float16]  # (n, D)
    parts: NDArray[np.float16]  # (n, K, D)
    boxes: FloatArray  # (n, K, 4) x, y, w, h in fractions of the upright picture
    proofs: Proofs | None = None  # None: the whole file was compared
    starts: Mapping[str, int] = field(default_factory=dict)  # of each section in the file

    def sha256(self, row: int) -> str:
        """Hex sha256 of the picture in `row`."""
        return bytes(self.digests[row]).hex()

    def check(self, name: str, rows: NDArray[np.int64]) -> None:
        """Compare `rows` (n,) of the section `name` with their checksums, unless that was done before.

        Raises:
            CorruptData: they are altered.
        """
        if self.proofs is not None:
            self.proofs.check(*self._bytes(name, rows))

    def soon(self, name: str, rows: NDArray[np.int64]) -> None:
        """Tell the system that `rows` (n,) of the section `name` are about to be read."""
        if self.proofs is not None:
            self.proofs.soon(*self._bytes(name, rows))

    def _bytes(self, name: str, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """Where rows of a section begin in the file, and how long one is."""
        section: NDArray[Any] = getattr(self, name)
        size = section[:1].nbytes
        return self.starts[name] + rows * size, size

    def embeddings(self) -> Embeddings:
        """All rows as an encoder gave them, but for the rounding to float16."""
        return Embeddings(self.object.astype(np.float32), self.parts.astype(np.float32), np.array(self.boxes))


class PartStore:
    """The folder of one encoder's part files. Any number of readers, one writer at a time (the caller sees to it)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where the part called `name` lies. Raises InvalidArgument for a name that is no plain file name."""
        if Path(name).name != name or not name.endswith(SUFFIX):
            raise InvalidArgument(f"{name!r} is no name of a vector part")
        return self.folder / name

    def names(self) -> list[str]:
        """Part files in the folder, whether the catalogue knows them or not; unfinished ones are left out."""
        return sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))

    def write(self, keys: KeyArray, sha256: Sequence[str], embeddings: Embeddings) -> PartInfo:
        """Write one batch; when this returns, file and folder are on disk (fsync).

        Args:
            keys: (n,) picture keys, n at least 1, each once.
            sha256: n hex digests of the pictures' bytes.
            embeddings: of the n pictures.
        Raises:
            InvalidArgument: shapes disagree, a key comes twice, a vector is NaN, Inf, zero or not of unit length, or a
                box lies outside the picture. Nothing is written.
            OSError: the disk refused; an unfinished file is removed as far as possible.
        """
        _check_batch(keys, sha256, embeddings)
        return self._store(
            {
                "keys": np.ascontiguousarray(keys, np.int64),
                "digests": np.frombuffer(bytes.fromhex("".join(sha256)), np.uint8).reshape(-1, 32),
                "object": embeddings.object.astype(np.float16),
                "parts": embeddings.parts.astype(np.float16),
                "boxes": np.ascontiguousarray(embeddings.boxes, np.float32),
            }
        )

    def merge(self, infos: Sequence[PartInfo], *, live: KeyArray | None = None) -> PartInfo:
        """One part with the rows of all of `infos`; the old files stay until the catalogue has moved over.

        Args:
            infos: parts of one encoder; where a key is in several, the last one counts.
            live: keys to keep; None keeps all.
        Raises:
            InvalidArgument: no rows are left, or the parts differ in their shape.
            CorruptData: a part does not match its checksum.
        """
        parts = [self.read(info) for info in infos]
        if len({(part.info.dim, part.info.parts_per_image) for part in parts}) != 1:
            raise InvalidArgument("only parts of one width and one number of parts a picture can be merged")
        keys = np.concatenate([part.keys for part in parts])
        _, last = np.unique(keys[::-1], return_index=True)
        rows = np.sort(keys.size - 1 - last)
        if live is not None:
            rows = rows[np.isin(keys[rows], live)]
        if not rows.size:
            raise InvalidArgument(f"no live rows in {len(parts)} parts: drop them instead of merging")
        return self._store(
            {name: np.concatenate([getattr(part, name) for part in parts])[rows] for name, _ in _sections(1, 1, 1)}
        )

    def read(self, info: PartInfo, *, verify: bool = True) -> Part:
        """The part, mapped.

        Args:
            info: as `write` returned it.
            verify: read the whole file once and compare its checksums (1 ms a megabyte); else only the keys are, and
                the caller calls `Part.check` before it reads rows (a file of version 1 is read whole anyway).
        Raises:
            CorruptData: missing, cut short, altered, or another part than `info` says.
        """
        path = self.path(info.name)
        found, part = _open(path, verify=verify)
        if found != info:
            raise CorruptData(f"{path}: holds another part than the catalogue says; run `sherd repair`")
        return part

    def check(self, info: PartInfo) -> None:
        """Compare the file with its checksum. Raises CorruptData naming the file."""
        self.read(info, verify=True)

    def describe(self, name: str) -> Part:
        """The part called `name` by what the file says itself, for repair without a catalogue.

        Raises:
            CorruptData: as for `read`.
        """
        return _open(self.path(name), verify=True)[1]

    def delete(self, names: Iterable[str]) -> None:
        """Remove part files; those that are gone already are passed over."""
        for name in names:
            self.path(name).unlink(missing_ok=True)
        if self.folder.is_dir():
            sync_folder(self.folder)

    def delete_unfinished(self) -> int:
        """Remove what an interrupted `write` left; only the writer may call it. Returns the number of files."""
        left = list(self.folder.glob("*.tmp"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _store(self, arrays: dict[str, NDArray[Any]]) -> PartInfo:
        rows, parts_per_image, dim = arrays["parts"].shape
        header = json.dumps(
            {"version": _VERSION, "rows": rows, "dim": arrays["object"].shape[1], "parts_per_image": parts_per_image}
        ).encode()
        start = len(_MAGIC) + 4 + len(header)
        pieces = [_MAGIC, len(header).to_bytes(4, "little"), header]
        for name, _ in _sections(rows, dim, parts_per_image):
            body = np.ascontiguousarray(arrays[name]).tobytes()
            pad = -start % _ALIGN
            pieces += [b"\0" * pad, body]
            start += pad + len(body)
        proofs = proofs_of(pieces)
        digest = hashlib.blake2b(proofs, digest_size=_DIGEST)
        checksum = digest.hexdigest()
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder.parent)
        path = self.folder / f"{checksum[:32]}{SUFFIX}"
        write_durably(path, [*pieces, proofs, digest.digest()])
        return PartInfo(path.name, rows, arrays["object"].shape[1], parts_per_image, checksum)


def write_durably(path: Path, pieces: Iterable[bytes]) -> None:
    """Put `pieces` into `path` so that it is either whole on disk or not there: temporary file, fsync, rename, fsync.

    Raises:
        OSError: the disk refused; the temporary file is removed as far as possible.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """fsync of a folder, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sections(rows: int, dim: int, parts: int) -> tuple[tuple[str, tuple[Any, tuple[int, ...]]], ...]:
    """(name, (dtype, shape)) of each section in the order of the file."""
    return (
        ("keys", (np.int64, (rows,))),
        ("digests", (np.uint8, (rows, 32))),
        ("object", (np.float16, (rows, dim))),
        ("parts", (np.float16, (rows, parts, dim))),
        ("boxes", (np.float32, (rows, parts, 4))),
    )


def _open(path: Path, *, verify: bool) -> tuple[PartInfo, Part]:
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: the file is empty
        raise CorruptData(f"{path}: cannot be read ({error}); run `sherd repair`") from error
    end = len(data) - _DIGEST
    checksum = data[end:].hex() if end > 0 else ""
    try:
        header_end = len(_MAGIC) + 4 + int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 4], "little")
        if data[: len(_MAGIC)] != _MAGIC or header_end > _HEADER_LIMIT:
            raise ValueError("not a vector part")
        header = json.loads(data[len(_MAGIC) + 4 : header_end])
        if header["version"] not in (1, _VERSION):
            raise ValueError(f"format version {header['version']}, this Sherd reads 1 and {_VERSION}")
        info = PartInfo(path.name, header["rows"], header["dim"], header["parts_per_image"], checksum)
        arrays: dict[str, Any] = {}
        starts: dict[str, int] = {}
        start = header_end
        for name, (dtype, shape) in _sections(info.rows, info.dim, info.parts_per_image):
            start += -start % _ALIGN
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            starts[name] = start
            arrays[name] = np.frombuffer(data, dtype, int(np.prod(shape)), start).reshape(shape)
            start += size
        if start + (0 if header["version"] == 1 else proofs_size(start)) != end:
            raise ValueError(f"{len(data)} bytes, another length expected")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise CorruptData(f"{path}: is no readable vector part ({error}); run `sherd repair`") from error
    first = 0 if header["version"] == 1 else start  # the last 32 bytes are of what lies from here to them
    if hashlib.blake2b(memoryview(data)[first:end], digest_size=_DIGEST).hexdigest() != checksum:
        raise CorruptData(f"{path}: does not match its checksum; run `sherd repair`")
    if header["version"] == 1:
        return info, Part(info, **arrays)
    proofs = Proofs(path, data, start, data[start:end])
    proofs.check(np.zeros(1, np.int64), starts["keys"] + arrays["keys"].nbytes)
    if verify:
        proofs.check_all()
    return info, Part(info, **arrays, proofs=proofs, starts=starts)


def _check_batch(keys: KeyArray, sha256: Sequence[str], embeddings: Embeddings) -> None:
    n, parts = len(keys), embeddings.parts
    if n == 0:
        raise InvalidArgument("a vector part needs at least one picture")
    if not len(sha256) == len(embeddings) == parts.shape[0] == n:
        raise InvalidArgument(
            f"{n} keys, {len(sha256)} digests, {len(embeddings)} object and {parts.shape[0]} part rows"
        )
    if parts.ndim != 3 or parts.shape[1:] != (parts.shape[1], embeddings.object.shape[1]):
        raise InvalidArgument(f"part vectors of shape {parts.shape} beside object vectors {embeddings.object.shape}")
    if parts.shape[1] >= PARTS_PER_KEY:
        raise InvalidArgument(f"{parts.shape[1]} parts a picture; below {PARTS_PER_KEY} are possible")
    if embeddings.boxes.shape != (*parts.shape[:2], 4):
        raise InvalidArgument(f"boxes of shape {embeddings.boxes.shape} for part vectors of shape {parts.shape}")
    if np.unique(keys).size != n or int(np.min(keys)) < 0:
        raise InvalidArgument("keys must be whole numbers of 0 or more, each once in a part")
    if any(len(digest) != 64 or not set(digest) <= set("0123456789abcdef") for digest in sha256):
        raise InvalidArgument("a sha256 must be 64 hex digits")
    check_unit(embeddings.object, "object vector")
    if parts.size:
        check_unit(parts, "part vector")
    boxes = embeddings.boxes
    if boxes.size and not (np.isfinite(boxes).all() and boxes.min() >= 0 and (boxes[..., 2:] > 0).all()):
        raise InvalidArgument("a part's box is not finite, negative or without area")
    if boxes.size and float((boxes[..., :2] + boxes[..., 2:]).max()) > 1 + 1e-4:
        raise InvalidArgument("a part's box lies outside the picture")
