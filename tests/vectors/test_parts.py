"""Part files: what is written is what is read, and nothing altered is ever served."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sherd.errors import CorruptData, InvalidArgument
from sherd.types import Embeddings
from sherd.vectors.parts import PartInfo, PartStore
from sherd.vectors.proofs import proofs_size
from sherd.vectors.rows import PartRows
from tests.vectors.batches import digests, embeddings


def keys(*values: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(values, np.int64)


def write(store: PartStore, *values: int, seed: int = 0, parts: int = 3) -> PartInfo:
    return store.write(keys(*values), digests(keys(*values)), embeddings(len(values), seed=seed, parts=parts))


def test_a_part_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = PartStore(tmp_path / "new")
    given = embeddings(3)
    info = store.write(keys(5, 2, 9), digests(keys(5, 2, 9)), given)
    part = store.read(info)
    back = part.embeddings()
    assert (info.rows, info.dim, info.parts_per_image) == (3, 8, 3)
    assert part.keys.tolist() == [5, 2, 9]
    assert [part.sha256(row) for row in range(3)] == digests(keys(5, 2, 9))
    assert np.allclose(back.object, given.object, atol=1e-3)
    assert np.allclose(back.parts, given.parts, atol=1e-3)
    assert np.array_equal(back.boxes, given.boxes)
    assert store.describe(info.name).info == info
    assert store.names() == [info.name]


def test_pictures_without_parts_can_be_kept(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    info = write(store, 1, 2, parts=0)
    assert store.read(info).parts.shape == (2, 0, 8)


def test_writing_the_same_batch_twice_makes_one_file(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    assert write(store, 1, 2) == write(store, 1, 2)
    assert len(store.names()) == 1


def test_every_altered_byte_is_found(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    info = write(store, 1, 2)
    path = store.path(info.name)
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        with pytest.raises(CorruptData, match=info.name):
            store.check(info)
    path.write_bytes(good)
    store.check(info)


def test_an_altered_row_is_found_by_who_reads_it_and_the_others_are_served(tmp_path: Path) -> None:
    store, wanted = PartStore(tmp_path), np.arange(300)
    given = embeddings(300, dim=32, parts=8)
    info = store.write(wanted, digests(wanted), given)
    path = store.path(info.name)
    good = path.read_bytes()
    row = np.ascontiguousarray(given.parts[250].astype(np.float16)).tobytes()
    place = good.index(row) + 100
    path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
    rows = PartRows(store, [info], wanted, np.zeros(300, np.int32), wanted)
    assert np.allclose(rows.part_vectors(wanted[:200]), given.parts[:200], atol=1e-3)
    assert np.allclose(rows.object_vectors(wanted), given.object, atol=1e-3)
    assert rows.sha256(wanted) == digests(wanted)
    for _ in range(2):
        with pytest.raises(CorruptData, match=info.name):
            rows.part_vectors(wanted[240:])
    with pytest.raises(CorruptData, match=info.name):
        store.check(info)


def test_a_part_of_the_first_version_is_read_and_compared_whole(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    info = write(store, 1, 2)
    new = store.path(info.name).read_bytes()
    old = new[: -32 - proofs_size(len(new) - 48)].replace(b'"version": 2', b'"version": 1')
    checksum = hashlib.blake2b(old, digest_size=32)
    before = replace(info, checksum=checksum.hexdigest())
    store.path(info.name).write_bytes(old + checksum.digest())
    assert store.read(before, verify=False).keys.tolist() == [1, 2]
    assert np.array_equal(store.read(before).object, PartStore(tmp_path).read(before).object)
    for place in range(0, len(old), 7):
        store.path(info.name).write_bytes(old[:place] + bytes([old[place] ^ 4]) + old[place + 1 :] + checksum.digest())
        with pytest.raises(CorruptData, match=info.name):
            store.read(before, verify=False)


@pytest.mark.parametrize("length", [0, 5, 40, -1])
def test_a_file_cut_short_is_found_even_without_the_checksum(tmp_path: Path, length: int) -> None:
    store = PartStore(tmp_path)
    info = write(store, 1, 2)
    path = store.path(info.name)
    path.write_bytes(path.read_bytes()[:length])
    for verify in (True, False):
        with pytest.raises(CorruptData, match=info.name):
            store.read(info, verify=verify)


def test_a_missing_part_and_a_swapped_part_are_found(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    one, two = write(store, 1, seed=1), write(store, 2, seed=2)
    store.path(one.name).write_bytes(store.path(two.name).read_bytes())
    with pytest.raises(CorruptData, match="another part"):
        store.read(one)
    store.path(two.name).unlink()
    with pytest.raises(CorruptData, match="cannot be read"):
        store.read(two)


def _spoil(field: str, change: Callable[[Any], Any]) -> Embeddings:
    given = embeddings(2)
    return replace(given, **{field: change(getattr(given, field).copy())})


def _put(value: float) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array[-1, ..., 0] = value
        return array

    return change


@pytest.mark.parametrize(
    "spoilt",
    [
        _spoil("object", _put(np.nan)),
        _spoil("object", _put(np.inf)),
        _spoil("object", lambda a: a * 0),
        _spoil("object", lambda a: a * 1.5),
        _spoil("object", lambda a: a[:, :4]),
        _spoil("parts", _put(np.nan)),
        _spoil("parts", lambda a: a * 0),
        _spoil("parts", lambda a: a[:1]),
        _spoil("parts", lambda a: np.repeat(a, 100, axis=1)),
        _spoil("boxes", _put(np.nan)),
        _spoil("boxes", _put(0.8)),
        _spoil("boxes", lambda a: a * 0),
        _spoil("boxes", lambda a: a[:, :1]),
    ],
)
def test_bad_embeddings_are_refused_and_leave_nothing(tmp_path: Path, spoilt: Embeddings) -> None:
    store = PartStore(tmp_path)
    with pytest.raises(InvalidArgument):
        store.write(keys(1, 2), digests(keys(1, 2)), spoilt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "sha256"),
    [((1, 1), None), ((-1, 2), None), ((), []), ((1,), None), ((1, 2), ["ab", "cd"]), ((1, 2), ["Z" * 64] * 2)],
)
def test_bad_keys_and_digests_are_refused(tmp_path: Path, given: tuple[int, ...], sha256: list[str] | None) -> None:
    with pytest.raises(InvalidArgument):
        PartStore(tmp_path).write(keys(*given), digests(keys(*given)) if sha256 is None else sha256, embeddings(2))


@pytest.mark.parametrize("name", ["../x.vec", "a/b.vec", "x.txt", "/etc/x.vec"])
def test_a_part_name_never_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgument):
        PartStore(tmp_path).path(name)


def test_merging_keeps_the_last_row_of_a_key_and_only_live_ones(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    one, two = write(store, 1, 2, 3, seed=1), write(store, 2, 4, seed=5)
    whole = store.merge([one, two])
    part = store.read(whole)
    assert part.keys.tolist() == [1, 3, 2, 4]
    assert np.array_equal(part.object[2], store.read(two).object[0])
    assert store.read(store.merge([one, two], live=keys(3, 4))).keys.tolist() == [3, 4]
    with pytest.raises(InvalidArgument, match="no live rows"):
        store.merge([one], live=keys(77))
    with pytest.raises(InvalidArgument, match="merged"):
        store.merge([one, write(store, 9, parts=1)])
    store.delete([one.name, two.name, "gone.vec"])
    assert one.name not in store.names()


def test_a_refused_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(PartStore(tmp_path), 1)
    assert list(tmp_path.iterdir()) == []


def test_file_and_folder_are_synced_before_the_part_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def note(handle: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))

    monkeypatch.setattr(os, "fsync", note)
    store = PartStore(tmp_path / "v")
    info = write(store, 1)
    assert synced == [str(tmp_path), str(tmp_path / "v" / f".{info.name}.{os.getpid()}.tmp"), str(tmp_path / "v")]


def test_what_an_interrupted_write_left_is_no_part_and_can_be_cleared(tmp_path: Path) -> None:
    store = PartStore(tmp_path)
    (tmp_path / ".abc.vec.1.tmp").write_bytes(b"half")
    assert store.names() == []
    assert store.delete_unfinished() == 1
    assert list(tmp_path.iterdir()) == []
