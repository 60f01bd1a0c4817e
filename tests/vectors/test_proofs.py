"""Checksums block by block: what is asked for is compared, once, and nothing else."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sherd.errors import CorruptData
from sherd.vectors.proofs import PROOF_BLOCK, Proofs, proofs_of, proofs_size

BYTES = np.random.default_rng(3).integers(0, 256, 3 * PROOF_BLOCK + 100).astype(np.uint8).tobytes()


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


@pytest.mark.parametrize("cuts", [[], [1, 5], [PROOF_BLOCK], [PROOF_BLOCK - 1, 2 * PROOF_BLOCK + 7]])
def test_proofs_do_not_depend_on_how_the_bytes_come(cuts: list[int]) -> None:
    pieces = [BYTES[start:end] for start, end in zip([0, *cuts], [*cuts, len(BYTES)], strict=True)]
    assert proofs_of(pieces) == proofs_of([BYTES])
    assert len(proofs_of(pieces)) == proofs_size(len(BYTES)) == 4 * 16
    assert proofs_of([]) == b""


@pytest.mark.parametrize("place", [0, PROOF_BLOCK - 1, PROOF_BLOCK, len(BYTES) - 1])
def test_an_altered_block_is_found_by_who_reads_it_and_by_nobody_else(tmp_path: Path, place: int) -> None:
    path = tmp_path / "x.vec"
    path.write_bytes(BYTES[:place] + bytes([BYTES[place] ^ 1]) + BYTES[place + 1 :])
    bad = place // PROOF_BLOCK
    with mapped(path) as data:
        proofs = Proofs(path, data, len(BYTES), proofs_of([BYTES]))
        proofs.check(np.array([n * PROOF_BLOCK for n in range(4) if n != bad]), 100)
        proofs.check(np.array([], np.int64), 100)
        for _ in range(2):
            with pytest.raises(CorruptData, match=r"x\.vec"):
                proofs.check(np.array([bad * PROOF_BLOCK]), 1)
        with pytest.raises(CorruptData):  # a row that reaches into it
            proofs.check(np.array([max(0, (bad - 1) * PROOF_BLOCK)]), PROOF_BLOCK + 1)
        with pytest.raises(CorruptData):
            proofs.check_all()
